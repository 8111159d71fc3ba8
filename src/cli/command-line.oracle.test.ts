/** Random command lines of create, most of them nonsense: both programs must agree on every one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runPair } from '../testing/oracle/command-pair.ts';
import { commandLine, qemuImgOrThrow } from '../testing/oracle/qemu-tools.ts';
import { runs, seed } from '../testing/seed.ts';

let template: string;
beforeAll(() => {
  template = mkdtempSync(join(tmpdir(), 'diskwright-'));
  writeFileSync(join(template, 'base'), Buffer.alloc(70_000, 5));
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'base.qcow2', '3M'], { cwd: template });
});
afterAll(() => rmSync(template, { recursive: true }));

const flags = ['-f', '-b', '-F', '-o', '-q', '-u', '-qu', '-uq', '-fqcow2', '-fraw', '-Fraw', '-bbase', '-qf', '-ob'];
const odd = ['--', '-', '', '-z', '-fz', '--obj', '--quiet', '--format=raw', '-o=', '-F=raw', '-fqco', ',', '-,', '='];
const options = [
  'cluster_size=4k',
  'compat=v2',
  'compat=0.10,lazy_refcounts',
  'nolazy_refcounts',
  'size=2M',
  'size=2M,size=1k',
  'backing_file=base',
  'backing_file=base.qcow2,backing_fmt=qcow2',
  'backing_fmt=raw',
  'preallocation=metadata',
  'preallocation=full',
  'extended_l2=yes',
  'refcount_bits=1,refcount_bits=64',
  'nocow=off',
  'help=1',
  'id=3',
];
const sizes = ['1M', '513', '0', '1.5k', '0x10', '1Z', '8E', '-5', '2P', '1M '];
const names = ['x', 'x', 'x', 'y', 'base', 'base.qcow2', 'file:x', 'no/x', 'raw', 'qcow2', 'nosuch'];

const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...names) },
  { weight: 4, arbitrary: fc.constantFrom(...flags) },
  { weight: 2, arbitrary: fc.constantFrom(...options) },
  { weight: 2, arbitrary: fc.constantFrom(...sizes) },
  { weight: 1, arbitrary: fc.constantFrom(...odd) },
);
/** A flag with a value that suits it, so that some lines come far. */
const sensible = fc.oneof(
  fc.tuple(fc.constant('-f'), fc.constantFrom('qcow2', 'qcow2', 'raw')),
  fc.tuple(fc.constant('-o'), fc.constantFrom(...options)),
  fc.tuple(fc.constant('-b'), fc.constantFrom('base', 'base.qcow2')),
  fc.tuple(fc.constant('-F'), fc.constantFrom('raw', 'qcow2')),
  fc.constantFrom(...sizes.slice(0, 4)).map((size) => ['x', size]),
);
/** Lines that mostly work, in any order: flags may follow the names. */
const extras = [
  ['-q'],
  ['-u'],
  ['-ocompat=v2'],
  ['-o', 'cluster_size=4k'],
  ['-o', 'nolazy_refcounts'],
  ['-Fraw', '-bbase'],
];
const good = fc
  .tuple(fc.subarray(extras), fc.constantFrom(['x', '1M'], ['y', '513'], ['base', '2k'], ['x']))
  .chain(([more, positionals]) => fc.shuffledSubarray([...more, positionals, ['-f', 'qcow2']], { minLength: 1 }))
  .map((parts) => parts.flat());
const line = fc.oneof(
  { weight: 2, arbitrary: good },
  fc.array(word, { maxLength: 7 }),
  fc.array(sensible, { minLength: 1, maxLength: 5 }).map((pairs) => pairs.flat()),
  fc.tuple(fc.array(sensible, { minLength: 1, maxLength: 4 }), word).map(([pairs, one]) => [...pairs.flat(), one]),
);

/** Lines that would write what they rest on are refused here and destroy it there (differences.oracle.test.ts). */
const destroys = (words: readonly string[]): boolean =>
  words.some((one) => one.startsWith('base')) && words.filter((one) => one.includes('base')).length > 1;

test('random lines', async () => {
  const counts = { accepted: 0, refused: 0 };
  const property = fc.asyncProperty(line, async (words) => {
    fc.pre(!destroys(words));
    const argv = ['create', ...words];
    const { qemu, ours } = await runPair(argv, template);
    counts[qemu.status === 0 ? 'accepted' : 'refused']++;
    const context = `${commandLine('qemu-img', argv)}\nqemu-img says: ${qemu.stderr}we say: ${ours.stderr}`;
    expect({ status: ours.status, stdout: ours.stdout }, context).toEqual({ status: qemu.status, stdout: qemu.stdout });
    expect(ours.files, context).toEqual(qemu.status === 0 ? qemu.files : ours.before);
    expect(ours.stderr, context).toMatch(/^(diskwright: (?!.*defect).*\n)*$/);
    expect(ours.stderr === '' && qemu.status !== 0, context).toBe(false);
  });
  await fc.assert(property, { seed, numRuns: runs(300) });
  console.log(`command lines: ${counts.accepted} accepted, ${counts.refused} refused by qemu-img`);
  expect(counts.accepted).toBeGreaterThan(20);
});
