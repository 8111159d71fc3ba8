/** `measure` beside qemu-img: the estimates, both outputs, and the refusals. */
import { describe, expect, test } from 'vitest';
import { runPair } from '../testing/oracle/command-pair.ts';

const lines = `measure --size 1G
measure --size=1G
measure --siz 1G
measure --s=1 --size 5
measure --size 0
measure --size 1
measure --size 513
measure --size 7E
measure --size 9223372036854775807
measure --size 8E
measure --size 1Z
measure --size 0x100k
measure --size ''
measure --size 1G --output json
measure --size 1G --output=json
measure --size 1G --outp=json
measure --size 1G --output human
measure --size 1G --output json --output human
measure --size 1G --output xml
measure --size 1G --output ''
measure --size 1G -O qcow2
measure --size 1G -Oqcow2
measure --size 10G -O qcow2 --output json
measure --size 0 -O qcow2
measure --size 1 -O qcow2
measure --size 66048 -O qcow2
measure --size 1T -O qcow2
measure --size 1G -O qcow2 -o cluster_size=512
measure --size 10G -O qcow2 -o cluster_size=2M
measure --size 10G -O qcow2 -o cluster_size=1000
measure --size 10G -O qcow2 -o extended_l2=on
measure --size 10G -O qcow2 -o extended_l2=on,cluster_size=4k
measure --size 10G -O qcow2 -o refcount_bits=64
measure --size 10G -O qcow2 -o refcount_bits=1
measure --size 10G -O qcow2 -o refcount_bits=7
measure --size 10G -O qcow2 -o preallocation=metadata
measure --size 10G -O qcow2 -o preallocation=falloc
measure --size 10G -O qcow2 -o preallocation=full
measure --size 10G -O qcow2 -o preallocation=foo
measure --size 10G -O qcow2 -o compat=0.10
measure --size 10G -O qcow2 -o compat=1.1
measure --size 10G -O qcow2 -o compat=v3
measure --size 10G -O qcow2 -o compat=0.9
measure --size 10G -O qcow2 -o compat=0.10,refcount_bits=32
measure --size 10G -O qcow2 -o compat=0.10,extended_l2=on
measure --size 10G -O qcow2 -o compat=0.10,lazy_refcounts=on
measure --size 10G -O qcow2 -o lazy_refcounts=on
measure --size 10G -O qcow2 -o compression_type=zstd
measure --size 10G -O qcow2 -o compression_type=foo
measure --size 10G -O qcow2 -o backing_file=x
measure --size 10G -O qcow2 -o backing_file=x,backing_fmt=raw
measure --size 10G -O qcow2 -o backing_fmt=raw
measure --size 10G -O qcow2 -o backing_file=x,backing_fmt=raw,preallocation=metadata
measure --size 10G -O qcow2 -o data_file=x
measure --size 10G -O qcow2 -o data_file=x,data_file_raw=on
measure --size 10G -O qcow2 -o data_file_raw=on
measure --size 3P -O qcow2
measure --size 2P -O qcow2
measure --size 7E -O qcow2
measure --size 128G -O qcow2 -o cluster_size=512
measure --size 129G -O qcow2 -o cluster_size=512
measure --size 1G -O qcow2 -o foo=bar
measure --size 1G -O qcow2 -o help
measure --size 1G -O qcow2 -o ''
measure --size 1G -o size=2G
measure --size 1G -O qcow2 -o size=2G
measure --size 1G -o preallocation=full
measure --size 1G -o preallocation=foo
measure --size 1G -o nocow=on
measure --size 1G -o extent_size_hint=5G
measure -O vdi --size 1G
measure -O bochs --size 1G
measure -O nosuch --size 1G
measure -f raw --size 1G
measure -l x --size 1G
measure --image-opts --size 1G
measure --size 1G a
measure a b
measure
measure -O qcow2`;

/** Words of the help differ, so only that there is one is compared. */
const usage = ['measure -z', 'measure --foo --size 1G', 'measure --size', 'measure -h', 'measure --size 1Z --foo'];
const helpful = [
  ...usage,
  'measure --o=json --size 5',
  'measure -O',
  'create -h',
  'create --help x 1M',
  '--help',
  '-h',
];

const words = (line: string): string[] => line.split(' ').map((word) => (word === "''" ? '' : word));

describe('measure', () => {
  test.each(lines.split('\n'))('%s', async (line) => {
    const { qemu, ours } = await runPair(words(line));
    const context = `qemu-img says: ${qemu.stderr}we say: ${ours.stderr}`;
    expect({ status: ours.status, stdout: ours.stdout }, context).toEqual({ status: qemu.status, stdout: qemu.stdout });
    expect(ours.files).toEqual(ours.before);
    for (const said of ours.stderr.split('\n').slice(0, -1)) expect(said).toMatch(/^diskwright: (?!.*defect)/);
  });
});

describe('help', () => {
  test.each(helpful)('%s', async (line) => {
    const { qemu, ours } = await runPair(words(line));
    expect(ours.status).toBe(qemu.status);
    expect(ours.stdout === '').toBe(qemu.stdout === '');
    expect(ours.stderr === '').toBe(qemu.stderr === '');
  });

  test.each([['qcow2'], ['raw']])('-o help lists the options of %s in the shape of qemu-img', async (format) => {
    for (const file of [[], ['x']]) {
      const { qemu, ours } = await runPair(['create', '-f', format, '-o', 'help', ...file]);
      const shape = (text: string): string[] => text.split('\n').map((line) => line.replace(/ - .*/, ''));
      expect(ours.status).toBe(qemu.status);
      expect(shape(ours.stdout).filter((line) => line.startsWith(' '))).toEqual(
        shape(qemu.stdout).filter((line) => line.startsWith(' ')),
      );
      expect(ours.stdout.split('\n')[0]).toBe(qemu.stdout.split('\n')[0]);
    }
  });
});
