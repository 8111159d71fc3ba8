/** `resize` and `amend` beside qemu-img: standard output, exit code and what is left behind. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Pair, runPair } from '../../testing/oracle/command-pair.ts';
import { qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../testing/oracle/temp-dir.ts';

/** Images of every kind in a folder. */
function stock(dir: string): string {
  const folder = join(dir, 'stock');
  mkdirSync(folder);
  const create = (...args: string[]): void => void qemuImgOrThrow(['create', '-q', ...args], { cwd: folder });
  create('-f', 'qcow2', 'q', '1M');
  create('-f', 'qcow2', '-o', 'compat=0.10', 'old', '1M');
  create('-f', 'qcow2', '-b', 'base', '-F', 'raw', '-u', 'over', '1M');
  create('-f', 'qcow2', '-o', 'data_file=d', 'split', '1M');
  create('-f', 'raw', 'base', '2M');
  create('-f', 'raw', 'r', '1M');
  writeFileSync(join(folder, 'odd'), Buffer.alloc(1000, 1));
  for (const file of ['q', 'old']) qemuIo(['-f', 'qcow2', '-c', 'write -P 7 100k 300k', file], { cwd: folder });
  for (const format of ['vdi', 'vmdk', 'vpc', 'qcow']) create('-f', format, format, '1M');
  return folder;
}

const same = ({ qemu, ours }: Pair): void => {
  expect({ status: ours.status, stdout: ours.stdout, files: ours.files }).toEqual({
    status: qemu.status,
    stdout: qemu.stdout,
    files: qemu.files,
  });
  // Lines of ours, never qemu-img's sentences, and never a defect.
  for (const line of ours.stderr.split('\n').filter((text) => text !== '')) expect(line).toMatch(/^diskwright: /);
  expect(ours.stderr).not.toContain('defect');
  if (ours.status !== 0) expect(ours.stderr).not.toBe('');
};

const lines = (text: string): string[] => text.trim().split('\n');

const RESIZE = lines(`
resize -f qcow2 q 2M
resize q 2M
resize q +1G
resize q +512
resize q -512
resize --shrink q -512k
resize --shrink q 512k
resize --shr q 512k
resize -q --shrink q 64k
resize q 64k
resize q 1M
resize q +0
resize q -1M
resize q -2M
resize q 0
resize q 1500
resize q 1.5M
resize q 0x200000
resize q -h
resize q
resize
resize q 1M 2M
resize q 1M nope
resize q +
resize q x
resize q 99999999999999999999
resize q 8E
resize q 7E
resize --shrink q -7E
resize q 3P
resize --preallocation=off q 2M
resize --preallocation=metadata q 2M
resize --preallocation=falloc q 2M
resize --preallocation full q 2M
resize --preallocation=nope q 2M
resize --preallocation=metadata q 1M
resize --preallocation=metadata --shrink q 512k
resize -f qcow2 old 5M
resize -f raw r 2M
resize -f raw --shrink r 1000
resize -f raw --shrink r 1024
resize -f raw r 1000
resize -f raw --preallocation=metadata r 2M
resize -f raw --preallocation=falloc r 2M
resize -f raw --preallocation=full r 2M
resize -f raw --preallocation=full r 1M
resize -f raw odd 1024
resize -f raw odd 2000
resize -f raw odd +512
resize -f raw --shrink odd -512
resize -f raw --preallocation=falloc odd 4k
resize over 4M
resize split 3M
resize --shrink split 512k
resize --preallocation=full split 3M
resize --image-opts driver=qcow2,file.filename=q 2M
resize --image-opts driver=raw,file.filename=q 2M
resize -f qcow2 r 2M
resize -f nope q 2M
resize nowhere 2M
resize vmdk 2M
resize vpc 2M
resize qcow 2M
resize -U q 2M
`);

const AMEND = lines(`
amend -o compat=0.10 q
amend -o compat=1.1 old
amend -p -o lazy_refcounts=on q
amend -q -p -o lazy_refcounts=on q
amend -f qcow2 -o lazy_refcounts=on -o refcount_bits=8 q
amend -o lazy_refcounts,refcount_bits=64 q
amend -o nolazy_refcounts q
amend -o size=2M q
amend -o size=512k q
amend -o size=+1M q
amend -o compat=0.9 q
amend -o refcount_bits=3 q
amend -o refcount_bits=x q
amend -o lazy_refcounts=maybe q
amend -o foo=1 q
amend -o cluster_size=64k q
amend -o preallocation=full q
amend -o nocow=on q
amend -o  q
amend -o , q
amend q
amend -o compat=1.1
amend -o compat=1.1 q old
amend -o compat=1.1 nowhere
amend -o backing_file=base,backing_fmt=raw over
amend -o backing_file=r over
amend -o data_file=e split
amend -o data_file_raw=on split
amend -o compat=0.10 split
amend --force -o compat=1.1 q
amend -f raw -o size=2M r
amend -o size=2M -f raw r
amend -f raw -o help
amend -o encrypt.state=active q
amend -f nope -o help
`);

describe.each([
  ['resize', RESIZE],
  ['amend', AMEND],
])('%s', (_, commands) => {
  for (const command of commands) {
    it(command, async () => {
      await withTempDirAsync(async (dir) => {
        const pair = await runPair(command.split(' '), stock(dir));
        same(pair);
        if (pair.qemu.status !== 0) expect(pair.ours.files).toEqual(pair.ours.before);
      });
    });
  }
});

describe('amend -o help', () => {
  it('lists the same options of the same types, with the format given or recognised', async () => {
    for (const command of ['amend -f qcow2 -o help', 'amend -o help q', 'amend -o compat=1.1,help q', 'amend -o ? q']) {
      await withTempDirAsync(async (dir) => {
        const { qemu, ours } = await runPair(command.split(' '), stock(dir));
        const shape = (text: string): string[] => {
          const [head, ...options] = text.trim().split('\n');
          // Keys of encrypted images cannot be changed here so far.
          return [head ?? '', ...options.map((one) => one.replace(/ +- .*/, '')).filter((one) => !/encrypt/.test(one))];
        };
        expect([ours.status, shape(ours.stdout)]).toEqual([qemu.status, shape(qemu.stdout)]);
      });
    }
  });
});
