/**
 * The command beside qemu-img, line by line: what both print on stdout, return, and leave behind. The
 * matrix of option values is tested with the formats; here it is the command line around them.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPair } from '../testing/oracle/command-pair.ts';
import { qemuImgOrThrow } from '../testing/oracle/qemu-tools.ts';

/** `a b|c d` → arguments, split at blanks; `''` is an empty one. */
const words = (line: string): string[] => line.split(' ').map((word) => (word === "''" ? '' : word));

async function compare(argv: readonly string[], template?: string): Promise<void> {
  const { qemu, ours } = await runPair(argv, template);
  const context = `qemu-img says: ${qemu.stderr}we say: ${ours.stderr}`;
  expect({ status: ours.status, stdout: ours.stdout }, context).toEqual({ status: qemu.status, stdout: qemu.stdout });
  for (const line of ours.stderr.split('\n').slice(0, -1)) expect(line).toMatch(/^diskwright: /);
  if (qemu.status === 0) expect(ours.files).toEqual(qemu.files);
  else {
    // qemu-img destroys what was there or leaves debris; we touch nothing.
    expect(ours.files).toEqual(ours.before);
    expect(ours.stderr).not.toBe('');
    expect(ours.stderr).not.toContain('defect');
  }
}

const table = (name: string, lines: string, setUp?: (dir: string) => void): void => {
  describe(name, () => {
    let template: string;
    beforeAll(() => {
      template = mkdtempSync(join(tmpdir(), 'diskwright-'));
      setUp?.(template);
    });
    afterAll(() => rmSync(template, { recursive: true }));
    const all = lines.split('\n').map((line) => line.trim());
    test.each(all.filter((line) => line !== ''))('%s', (line) => compare(words(line), template));
  });
};

table(
  'flags',
  `create x 1M
  create x 1M -f qcow2
  create x -f qcow2 1M
  create -f qcow2 x -- 1M
  create -f qcow2 -- x 1M
  create -- -x 1M
  create - 1M
  create -qf qcow2 x 1M
  create -qfqcow2 x 1M
  create -fqcow2 -ocluster_size=4k x 1M
  create -f qcow2 -f raw x 1M
  create -f raw -f qcow2 -q x 1M
  create -u x 1M
  create -q x 1M
  create -qq x 1M
  create -qu x 1M
  create
  create -f
  create -o
  create -b
  create -F
  create -z x 1M
  create -zq x 1M
  create -qz x 1M
  create --nonsense x 1M
  create --help=1 x 1M
  create --object
  create --obj
  create --h=1
  create x 1M y
  create x 1M y z
  create x
  create -f qcow2 x
  create x 1M -f nosuch
  create -f '' x 1M
  create -f Raw x 1M
  create -f QCOW2 x 1M
  create -f bochs x 1M
  create -f cloop x 1M
  create -f dmg x 1M
  create -f http x 1M
  create -f qcow2 -f
  create '' 1M
  create -f qcow2 '' 1M
  ''
  nosuch
  -z
  --nonsense`,
);

table(
  'sizes',
  `create x 0
  create x 1
  create x 513
  create x 1k
  create x 1K
  create x 1.5k
  create x 1.M
  create x 0x1000
  create x 0x100k
  create x 010
  create x +5k
  create x 1b
  create x 1.0
  create x 7M
  create x 1Z
  create x 1e3
  create x 1.5
  create x 8E
  create x 9223372036854775808
  create x ''
  create x 5MB
  create x 5MiB
  create x .5M
  create x -- -1
  create x 1M1
  create x 99999999999999999999
  create -f qcow2 x 1
  create -f qcow2 x 66048
  create -f qcow2 x 0
  create -f qcow2 x 0x100k
  create -f qcow2 x 3P
  create -f qcow2 x 7E
  create -f qcow2 x 2P
  create -f qcow2 -o cluster_size=512 x 128G
  create -f qcow2 -o cluster_size=512 x 129G
  create -f qcow2 -o size=1M x
  create -f qcow2 -o size=1M x 2M
  create -f qcow2 -o size=1M,size=2M x
  create -f qcow2 -o size=1M -o size=2M x
  create -f qcow2 -o size=1Z,size=2M x
  create -f qcow2 -o size=2M,size=1Z x
  create -f qcow2 -o size=18446744073709551615 x
  create -f qcow2 -o size=18446744073709551615 x 1M
  create -f qcow2 -o size=18446744073709551616 x
  create -f qcow2 -o size=9223372036854775808 x
  create -o size=9223372036854775808 x
  create -o size=513 x`,
);

table(
  'option lists',
  `create -f qcow2 -o '' x 1M
  create -f qcow2 -o , x 1M
  create -f qcow2 -o cluster_size=4k, x 1M
  create -f qcow2 -o ,cluster_size=4k x 1M
  create -f qcow2 -o cluster_size=4k,,lazy_refcounts=on x 1M
  create -f qcow2 -o cluster_size=4k,lazy_refcounts=on x 1M
  create -f qcow2 -o cluster_size=4k -o lazy_refcounts=on x 1M
  create -f qcow2 -o cluster_size=4k -o cluster_size=8k x 1M
  create -f qcow2 -o cluster_size=abc -o cluster_size=8k x 1M
  create -f qcow2 -o cluster_size=abc,cluster_size=64k x 1M
  create -f qcow2 -o lazy_refcounts x 1M
  create -f qcow2 -o nolazy_refcounts x 1M
  create -f qcow2 -o lazy_refcounts=yes x 1M
  create -f qcow2 -o lazy_refcounts=maybe x 1M
  create -f qcow2 -o lazy_refcounts= x 1M
  create -f qcow2 -o lazy_refcounts=maybe,lazy_refcounts=on x 1M
  create -f qcow2 -o nocow x 1M
  create -f qcow2 -o nocow=on x 1M
  create -f qcow2 -o nocow=off x 1M
  create -f qcow2 -o extent_size_hint=1M x 1M
  create -f qcow2 -o extent_size_hint=5G x 1M
  create -f raw -o nocow=on,extent_size_hint=0 x 1M
  create -f raw -o extent_size_hint=5G x 1M
  create -f raw -o cluster_size=4k x 1M
  create -f qcow2 -o foo=bar x 1M
  create -f qcow2 -o foo x 1M
  create -f qcow2 -o id=5 x 1M
  create -f qcow2 -o id=5,cluster_size=4k x 1M
  create -f qcow2 -o cluster_size=1000 x 1M
  create -f qcow2 -o cluster_size=4M x 1M
  create -f qcow2 -o compat=0.9 x 1M
  create -f qcow2 -o compat=v2 x 1M
  create -f qcow2 -o compat=v3 x 1M
  create -f qcow2 -o preallocation=foo x 1M
  create -f qcow2 -o compression_type=lzma x 1M
  create -f qcow2 -o compression_type=zstd x 1M
  create -f qcow2 -o compat=0.10,lazy_refcounts=on x 1M
  create -f qcow2 -o compat=0.10,extended_l2=on x 1M
  create -f qcow2 -o refcount_bits=0 x 1M
  create -f qcow2 -o refcount_bits=7 x 1M
  create -f qcow2 -o refcount_bits=0x10 x 1M
  create -f qcow2 -o refcount_bits=020 x 1M
  create -f qcow2 -o refcount_bits=-1 x 1M
  create -f qcow2 -o refcount_bits=abc x 1M
  create -f qcow2 -o data_file_raw=on x 1M
  create -f qcow2 -o encryption=on x 1M
  create -f qcow2 -o encrypt.format=luks x 1M
  create -f qcow2 -o encryption=off x 1M
  create -f raw -o preallocation=metadata x 1M
  create -f raw -o preallocation=falloc x 1M
  create -f raw -o preallocation=full x 1M
  create -f raw -o preallocation=full x 513
  create -f qcow2 -o preallocation=metadata x 10M
  create -f qcow2 -o preallocation=falloc x 10M
  create -f qcow2 -o preallocation=full x 10M`,
);

table(
  'file names',
  `create file:bar 1M
  create -f qcow2 file:bar 1M
  create foo:bar 1M
  create http://x/y 1M
  create json:{} 1M
  create -f qcow2 ./foo:bar 1M
  create sub/foo:bar 1M
  create -f qcow2 sub/x 1M
  create nodir/x 1M
  create . 1M
  create sub 1M
  create sub/ 1M
  create new/ 1M
  create old/x 1M
  create loop 1M
  create -f qcow2 loop 1M
  create -f qcow2 -b loop -F raw x 1M
  create ${'n'.repeat(256)} 1M
  create old -f qcow2 -o preallocation=foo 1M
  create old -f qcow2 3P
  create /dev/null 1M
  create -f qcow2 /dev/null 1M
  create -f qcow2 old 1M
  create -f qcow2 it'sünusual 1M`,
  (dir) => {
    mkdirSync(join(dir, 'sub'));
    symlinkSync('loop', join(dir, 'loop'));
    writeFileSync(join(dir, 'old'), 'something old'.repeat(100_000), { mode: 0o600 });
  },
);

const withBases = (dir: string): void => {
  const qemu = (...args: string[]): void => void qemuImgOrThrow(args, { cwd: dir });
  writeFileSync(join(dir, 'base'), '');
  truncateSync(join(dir, 'base'), 196616);
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'sub/inner'), Buffer.alloc(5000));
  qemu('create', '-q', '-f', 'qcow2', 'b.qcow2', '10M');
  qemu('create', '-q', '-f', 'qcow2', '-o', 'compat=0.10', 'b0.qcow2', '11M');
  qemu('create', '-q', '-f', 'qcow2', '-b', 'b.qcow2', '-F', 'qcow2', 'b2.qcow2', '12M');
  qemu('create', '-q', '-f', 'qcow2', '-b', '../b2.qcow2', '-F', 'qcow2', 'sub/b3.qcow2');
  qemu('create', '-q', '-f', 'qcow2', '-u', '-b', 'missing', '-F', 'raw', 'hole.qcow2', '10M');
  qemu('create', '-q', '-f', 'qcow2', '-u', '-b', 'hole.qcow2', '-F', 'qcow2', 'hole2.qcow2', '10M');
  qemu('create', '-q', '-f', 'qcow2', '-u', '-b', 'base', '-F', 'qcow2', 'wrong.qcow2', '10M');
  qemu('create', '-q', '-f', 'qcow2', '-u', '-b', 'nbd:x', '-F', 'raw', 'net.qcow2', '10M');
  qemu('create', '-q', '-f', 'qcow2', '-o', 'data_file=df', 'data.qcow2', '10M');
  truncateSync(join(dir, 'df'), 0);
  writeFileSync(join(dir, 'cut.qcow2'), Buffer.from('514649fb00000003', 'hex'));
  symlinkSync('b.qcow2', join(dir, 'link.qcow2'));
};

table(
  'backing files',
  `create -f qcow2 -b base -F raw x
  create -f qcow2 -b base -F raw x 1M
  create -f qcow2 -b base x
  create -f qcow2 -b base x 1M
  create -f qcow2 -b b.qcow2 -F raw x
  create -f qcow2 -b b.qcow2 -F qcow2 x
  create -f qcow2 -b b.qcow2 -F qcow2 x 513
  create -f qcow2 -b b.qcow2 x
  create -f qcow2 -b b0.qcow2 -F qcow2 x
  create -f qcow2 -b link.qcow2 -F qcow2 x
  create -f qcow2 -b base -F qcow2 x
  create -f qcow2 -b base -F qcow2 x 1M
  create -f qcow2 -b b2.qcow2 -F qcow2 x
  create -f qcow2 -b sub/b3.qcow2 -F qcow2 x
  create -f qcow2 -b b3.qcow2 -F qcow2 sub/x
  create -f qcow2 -b sub/b3.qcow2 -F qcow2 sub/x
  create -f qcow2 -b inner -F raw sub/x
  create -f qcow2 -b ../base -F raw sub/x
  create -f qcow2 -b inner -F raw file:sub/x
  create -f qcow2 -b hole.qcow2 -F qcow2 x
  create -f qcow2 -b hole.qcow2 -F qcow2 x 1M
  create -f qcow2 -b hole2.qcow2 -F qcow2 x 1M
  create -f qcow2 -u -b hole.qcow2 -F qcow2 x 1M
  create -f qcow2 -b wrong.qcow2 -F qcow2 x
  create -f qcow2 -b net.qcow2 -F qcow2 x
  create -f qcow2 -b data.qcow2 -F qcow2 x
  create -f qcow2 -b cut.qcow2 -F qcow2 x
  create -f qcow2 -b cut.qcow2 -F raw x
  create -f qcow2 -b nosuch -F raw x 1M
  create -f qcow2 -b nosuch x 1M
  create -f qcow2 -b sub -F raw x 1M
  create -f qcow2 -u -b nosuch x 1M
  create -f qcow2 -u -b nosuch -F raw x 1M
  create -f qcow2 -u -b nosuch -F raw x
  create -f qcow2 -u -b base -F raw x
  create -f qcow2 -u -b nosuch -F nbd x 1M
  create -f qcow2 -u -b nosuch -F foo x 1M
  create -f qcow2 -u -b foo:bar -F raw x 1M
  create -f qcow2 -u -b json:{} -F raw x 1M
  create -f qcow2 -b base -F foo x 1M
  create -f qcow2 -b base -F file x 1M
  create -f qcow2 -b base -F host_device x 1M
  create -f qcow2 -b base -F nbd x 1M
  create -f qcow2 -b '' x 1M
  create -f qcow2 -b '' -F raw x 1M
  create -f qcow2 -b x -F raw x 1M
  create -f qcow2 -u -b x -F raw x 1M
  create -f qcow2 -F raw x 1M
  create -f qcow2 -F foo x 1M
  create -f raw -b base x 1M
  create -f raw -F raw x 1M
  create -f raw -b base -F raw x 1M
  create -f raw -o backing_file=base x 1M
  create -f qcow2 -o backing_file=base,backing_fmt=raw x
  create -f qcow2 -o backing_file=base -F raw x
  create -f qcow2 -o backing_file=nosuch -b base -F raw x
  create -f qcow2 -o backing_fmt=qcow2 -b base -F raw x
  create -f qcow2 -u -o backing_file=a,,b,backing_fmt=raw x 1M
  create -f qcow2 -b file:base -F raw x
  create -f qcow2 -b json:{} -F raw x
  create -f qcow2 -b nbd:foo -F raw x 1M
  create -f qcow2 -b foo:bar -F raw x 1M
  create -f qcow2 -b b.qcow2 -F qcow2 -o preallocation=metadata x
  create -f qcow2 -b b.qcow2 -F qcow2 -o preallocation=metadata,extended_l2=on x
  create -f qcow2 -b b.qcow2 -F qcow2 -o data_file=d,data_file_raw=on x
  create -f qcow2 -b b.qcow2 -F qcow2 -o size=1M x
  create -f qcow2 -b b.qcow2 -F qcow2 -o size=18446744073709551615 x
  create -f qcow2 -b b.qcow2 -F qcow2 -o compat=0.10 x
  create -q -f qcow2 -b b.qcow2 -F qcow2 x`,
  withBases,
);

table(
  'backing files of other formats',
  `create -f qcow2 -b b.qed -F qed x
  create -f qcow2 -b b.vdi -F vdi x
  create -f qcow2 -b b.vmdk -F vmdk x
  create -f qcow2 -b b.vpc -F vpc x
  create -f qcow2 -b b.vhdx -F vhdx x
  create -f qcow2 -b b.parallels -F parallels x
  create -f qcow2 -b b.qcow -F qcow x
  create -f qcow2 -b b.qcow -F qcow2 x
  create -f qcow2 -b b.vdi -F qed x
  create -f qcow2 -b b.vdi x
  create -f qcow2 -b over.qed -F qed x
  create -f qcow2 -b over.qcow -F qcow x
  create -f qcow2 -b over.vmdk -F vmdk x
  create -f qcow2 -b lost.qed -F qed x
  create -f qcow2 -b lost.qcow -F qcow x
  create -f qcow2 -b lost.vmdk -F vmdk x`,
  (dir) => {
    const qemu = (...args: string[]): void => void qemuImgOrThrow(args, { cwd: dir });
    for (const format of ['qed', 'vdi', 'vmdk', 'vpc', 'vhdx', 'parallels', 'qcow']) {
      qemu('create', '-q', '-f', format, `b.${format}`, '16M');
    }
    for (const format of ['qed', 'vmdk', 'qcow']) {
      qemu('create', '-q', '-f', format, '-b', `b.${format}`, '-F', format, `over.${format}`);
      qemu('create', '-q', '-f', format, `gone.${format}`, '16M');
      qemu('create', '-q', '-f', format, '-b', `gone.${format}`, '-F', format, `lost.${format}`);
      rmSync(join(dir, `gone.${format}`));
    }
  },
);

table(
  'data files',
  `create -f qcow2 -o data_file=d x 1M
  create -f qcow2 -o data_file=d x 1000
  create -f qcow2 -o data_file=d,data_file_raw=on x 66048
  create -f qcow2 -o data_file=d,preallocation=metadata x 66048
  create -f qcow2 -o data_file=d,preallocation=full x 66048
  create -f qcow2 -o data_file=d,preallocation=falloc x 1M
  create -f qcow2 -o data_file=sub/d x 1M
  create -f qcow2 -o data_file=d sub/x 1M
  create -f qcow2 -o data_file=file:d x 1M
  create -f qcow2 -o data_file=old x 1M
  create -f qcow2 -o data_file=x x 1M
  create -f qcow2 -o data_file=./x x 1M
  create -f qcow2 -o data_file=sub/../x x 1M
  create -f qcow2 -o data_file=old old 1M
  create -f qcow2 -o data_file= x 1M
  create -f qcow2 -o data_file=sub x 1M
  create -f qcow2 -o data_file=nodir/d x 1M
  create -f qcow2 -o data_file=nbd:foo x 1M
  create -f qcow2 -o data_file=d,compat=0.10 x 1M
  create -f qcow2 -o data_file=d,data_file_raw=on old 1M`,
  (dir) => {
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'old'), 'something old'.repeat(1000));
  },
);
