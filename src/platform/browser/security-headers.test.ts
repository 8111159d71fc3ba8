import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { headersFile, securityHeaders } from './security-headers.ts';

test('public/_headers repeats the headers of the preview server', () => {
  expect(readFileSync('public/_headers', 'utf8')).toBe(headersFile());
});

test('the policy starts from nothing and allows no inline or evaluated code', () => {
  const policy = securityHeaders['Content-Security-Policy'] ?? '';
  expect(policy).toMatch(/^default-src 'none';/);
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
});
