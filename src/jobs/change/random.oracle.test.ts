/**
 * Random images, some resting on another one: flattened and compacted their disk is the same and they are sound;
 * unpacked, they are the files that qemu-img's convert makes, byte for byte.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rewriteFile } from '../../testing/change.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../testing/oracle/temp-dir.ts';
import { Random } from '../../testing/random.ts';
import { runs, seed } from '../../testing/seed.ts';

const KINDS = [
  '',
  'cluster_size=512',
  'cluster_size=4k,compression_type=zstd',
  'cluster_size=256k,lazy_refcounts=on',
  'cluster_size=2M',
  'compat=0.10',
  'extended_l2=on',
  'extended_l2=on,cluster_size=16k,refcount_bits=1',
  'cluster_size=1k,refcount_bits=64',
];

function requestsFor(random: Random, size: number, count: number): string[] {
  return Array.from({ length: random.below(count) }, () => {
    const at = random.below(size / 512) * 512;
    const length = Math.min(size - at, random.between(1, random.pick([3, 40, 900])) * 512);
    const what = random.pick(['write', 'write', 'write', 'write -z', 'write -z -u', 'discard', 'zeros']);
    if (what === 'zeros') return `write -P 0 ${at} ${length}`;
    return what === 'write' ? `write -P ${random.between(1, 9)} ${at} ${length}` : `${what} ${at} ${length}`;
  });
}

function fill(file: string, requests: readonly string[]): void {
  // A discard in a version 2 image may be refused; everything else works.
  if (requests.length > 0) qemuIo([...requests.flatMap((one) => ['-c', one]), file]);
}

const optionList = (kind: string): string[] => (kind === '' ? [] : ['-o', kind]);

/** An image with some of its clusters compressed. */
function makeImage(random: Random, file: string, below: readonly string[]): string {
  const kind = random.pick(KINDS);
  const size = random.between(1, 6000) * 512;
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...optionList(kind), ...below, file, String(size)]);
  fill(file, requestsFor(random, size, 12));
  if (random.once(2)) {
    const backing = below.length > 0 ? ['-B', below[1] ?? '', '-F', 'qcow2'] : [];
    qemuImgOrThrow(['convert', '-c', '-O', 'qcow2', ...optionList(kind), ...backing, file, `${file}.c`]);
    fill(`${file}.c`, requestsFor(random, size, 6));
    return `${file}.c ${kind}`;
  }
  return `${file} ${kind}`;
}

test(`random images laid out anew (seed ${seed})`, async () => {
  for (let run = 0; run < runs(5); run++) {
    await withTempDirAsync(async (dir) => {
      const random = new Random(seed).fork(run);
      const [base = ''] = makeImage(random, join(dir, 'base'), []).split(' ');
      const rests = random.once(2);
      const [file = '', kind = ''] = makeImage(
        random,
        join(dir, 'image'),
        rests ? ['-b', base, '-F', 'qcow2'] : [],
      ).split(' ');
      const about = `run ${run}: ${kind}${rests ? ', resting on another' : ''}`;
      const mine = join(dir, 'mine');
      const theirs = join(dir, 'theirs');
      for (const change of [{ kind: 'compact' }, { kind: 'flatten', format: 'qcow2' }] as const) {
        const backing = rests && change.kind === 'compact' ? ['-B', base, '-F', 'qcow2'] : [];
        qemuImgOrThrow(['convert', '-O', 'qcow2', ...optionList(kind), ...backing, file, theirs]);
        await rewriteFile(file, { ...change, compressed: 'unpack' }, mine);
        expect(readFileSync(mine).equals(readFileSync(theirs)), `${about}, ${change.kind}: bytes`).toBe(true);
        await rewriteFile(file, change, mine);
        const check = qemuImg(['check', mine]);
        expect(check.code, `${about}, ${change.kind}: ${check.stdout}${check.stderr}`).toBe(0);
        const compare = qemuImg(['compare', mine, file]);
        expect(compare.code, `${about}, ${change.kind}: ${compare.stdout}`).toBe(0);
      }
    });
  }
});
