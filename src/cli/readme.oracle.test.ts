/** Every command that the README shows is run, in its order and in one folder; each one works. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { diskwright } from '../testing/oracle/command-pair.ts';
import { qemuImg } from '../testing/oracle/qemu-tools.ts';

const dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
// The one file that the README takes for granted.
writeFileSync(join(dir, 'passphrase.txt'), 'correct horse');
afterAll(() => rmSync(dir, { recursive: true }));

const START = 'node dist/cli/diskwright.js ';

/** Words of a line as a shell has them; single quotes are all that the README uses. */
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

const lines = readFileSync('README.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith(START));

test('the README shows commands', () => expect(lines.length).toBeGreaterThan(15));

test.each(lines)('%s', async (line) => {
  const { status, stderr } = await diskwright(words(line.slice(START.length)), dir);
  expect([status, stderr]).toEqual([0, '']);
});

test('what is left is sound', () => {
  for (const name of ['disk.qcow2', 'overlay.qcow2']) {
    expect(qemuImg(['check', name], { cwd: dir }).stdout).toContain('No errors were found');
  }
});
