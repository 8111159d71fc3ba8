/** Secrets of the command line: what is taken, and that no refusal tells one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Secrets } from './secrets.ts';

const dir = mkdtempSync(join(tmpdir(), 'diskwright-secrets-'));
afterAll(() => rmSync(dir, { recursive: true }));

function defined(definition: string): string {
  const secrets = new Secrets();
  secrets.define(definition, dir);
  return Buffer.from(secrets.get('s')).toString();
}

function refusal(definition: string): string {
  try {
    defined(definition);
  } catch (error) {
    return String(error);
  }
  throw new Error('it is taken');
}

test.each([
  ['secret,id=s,data=hush', 'hush'],
  ['secret,data=hush,id=s', 'hush'],
  ['secret,id=s,data=a,,b', 'a,b'],
  ['secret,id=s,data=aHVzaA==,format=base64', 'hush'],
  ['{"qom-type":"secret","id":"s","data":"hush"}', 'hush'],
])('%s', (definition, secret) => expect(defined(definition)).toBe(secret));

test.each([
  'secret,id=s,data=foo,hunter2',
  'data=hunter2,id=s',
  'hunter2 and more',
  '{"id":"s","data":"hunter2"}',
  '{"qom-type":"secret","id":"s","data":["hunter2"]}',
  'secret,data=hunter2',
  'secret,id=s,data=hunter2,file=x',
  'secret,id=s,data=hunter2?,format=base64',
])('%s is refused without a word of the secret', (definition) => {
  expect(refusal(definition)).not.toMatch(/hunter2/);
});

test('what QEMU would not take is refused, so that no disk is made that it cannot open', () => {
  for (const [name, bytes] of [
    ['latin1', [0x66, 0xfc, 0x72]],
    ['zero', [0x61, 0, 0x62]],
  ] as const) {
    writeFileSync(join(dir, name), Buffer.from(bytes));
    expect(refusal(`secret,id=s,file=${name}`)).toMatch(/not text/);
  }
  writeFileSync(join(dir, 'utf8'), 'für');
  expect(defined('secret,id=s,file=utf8')).toBe('für');
});
