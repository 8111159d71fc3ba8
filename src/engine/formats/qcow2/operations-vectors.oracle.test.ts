/**
 * Known images after known operations: length and SHA-256, each reached by the installed qemu-img and qemu-io and by
 * our command with the same words. None of these files holds a time or a random byte.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskwright } from '../../../testing/oracle/command-pair.ts';
import { sha256OfFile } from '../../../testing/oracle/compare.ts';
import { withTempDirAsync } from '../../../testing/oracle/temp-dir.ts';
import { fileDifference } from '../../../testing/writable/qcow2-owner.ts';

interface Vector {
  readonly name: string;
  /** Command lines after `qemu-`: one process each. `io` lines: the commands after it are separated by `;`. */
  readonly lines: readonly string[];
  readonly length: number;
  readonly sha256: string;
}

const create = (size: string, options = ''): string =>
  `img create -q -f qcow2 ${options === '' ? '' : `-o ${options} `}x ${size}`;
const OVERLAY = 'img create -q -f qcow2 -b base.raw -F raw x';

const vectors: readonly Vector[] = [
  {
    name: 'a write inside a cluster',
    lines: [create('1M'), 'io write -P 1 100k 4k'],
    length: 393216,
    sha256: '3f29d2aed5779be56d4c14a0c1644f863566708747eb55cea298fb25ec32d896',
  },
  {
    name: 'three writes of one process',
    lines: [create('1M'), 'io write -P 1 0 64k;write -P 2 192k 64k;write -P 3 64k 64k'],
    length: 524288,
    sha256: '50ac41d9b41466b0d2c649da7c2728bccb1b6ec010da03087a09fad5216be4d9',
  },
  {
    name: 'a write across clusters',
    lines: [create('1M'), 'io write -P 1 32k 256k'],
    length: 655360,
    sha256: '68e98d19487540671176099bfe15ae7932eba5adbf0cf3e43c1628ed3e512892',
  },
  {
    name: 'a discarded cluster is used again',
    lines: [create('1M'), 'io write -P 1 0 256k', 'io discard 64k 64k', 'io write -P 2 512k 4k'],
    length: 589824,
    sha256: '518cf7c3194dc2f1a86396562ceabc358c9756e79e0726c03dec98c15a964485',
  },
  {
    name: 'zeros that keep their cluster, and zeros that give it up',
    lines: [
      create('1M'),
      'io write -P 1 0 256k',
      'io write -z 64k 64k',
      'io write -z -u 128k 64k',
      'io write -P 2 64k 4k',
    ],
    length: 589824,
    sha256: 'd75564011894abb8115878e604fb88b779c4e111602367ca119f5fce2b0752e3',
  },
  {
    name: 'copy on write from a raw image',
    lines: [OVERLAY, 'io write -P 1 100k 4k'],
    length: 393216,
    sha256: '38d6648706ff79c9af2b2ef2ef13773e2e0b15199aa266a26453209d8757275f',
  },
  {
    name: 'a discard that hides the image below',
    lines: [OVERLAY, 'io discard 0 64k'],
    length: 327680,
    sha256: '139fdb0cd1ef5803f6380fd92b676424d71d29dfed7850391c3cab1d2619be39',
  },
  {
    name: 'subclusters',
    lines: [create('1M', 'extended_l2=on'), 'io write -P 1 4k 4k', 'io write -z 10k 2k'],
    length: 335872,
    sha256: '5dd5db394b0b09f1641462bc48579c5a6ca24b8f52e1e89196eee04e92ce774b',
  },
  {
    name: 'a disk full of small clusters',
    lines: [create('1M', 'cluster_size=512'), 'io write -P 1 0 1M'],
    length: 1071104,
    sha256: 'b108fda2538ba70bf2509930809479a30b006c7a8b1321ba5e6be8fea6c9978f',
  },
  {
    name: 'a discard in version 2',
    lines: [create('1M', 'compat=0.10'), 'io write -P 1 0 128k', 'io discard 0 64k'],
    length: 458752,
    sha256: '9f73c38dd38d343295f4dd4b7aab9ffe83fb270d710e45607fa2498982bac315',
  },
  {
    name: 'growing twice',
    lines: [create('1G'), 'img resize -q -f qcow2 x 2G', 'img resize -q -f qcow2 x 200G'],
    length: 262176,
    sha256: '49bd2eb6fa77f57a3c9693d844485c70bb383743c0e5df3e3aca976f9d8129f7',
  },
  {
    name: 'growing with all space taken',
    lines: [create('1M'), 'io write -P 1 0 64k', 'img resize -q -f qcow2 --preallocation=falloc x 2M'],
    length: 1507328,
    sha256: '894c18c5e938b2d5456c892d31c45da8ab8f5e1e28967e5d82e27002f13e136b',
  },
  {
    name: 'growing with tables made',
    lines: [create('1M'), 'io write -P 1 0 64k', 'img resize -q -f qcow2 --preallocation=metadata x 2M'],
    length: 1441792,
    sha256: '507e4f366575db30ea1e223ee93ecc93b3856e21c18be11b186bb7fb154fe69c',
  },
  {
    name: 'shrinking',
    lines: [create('2M'), 'io write -P 1 0 64k;write -P 2 1M 64k', 'img resize -q -f qcow2 --shrink x 1M'],
    length: 393216,
    sha256: '514f90c36f83a80e6717cf7d9e21ca51dac4201c43567068e73090e339cb0abf',
  },
  {
    name: 'version 2 becomes 3',
    lines: [create('1M', 'compat=0.10'), 'img amend -q -f qcow2 -o compat=1.1 x'],
    length: 196616,
    sha256: '0e7db0d4ad0a3b83d343a88d5991fc5024f7a9ec21c1d0e5f15261ebc3fd587e',
  },
  {
    name: 'version 3 becomes 2',
    lines: [create('1M'), 'img amend -q -f qcow2 -o compat=0.10 x'],
    length: 196616,
    sha256: '9ddff3f485139a881a3836119b582e64bfd9a97523743ca57f45ae98ab8686da',
  },
  {
    name: 'wider refcounts',
    lines: [create('1M'), 'io write -P 1 0 64k', 'img amend -q -f qcow2 -o refcount_bits=32 x'],
    length: 524288,
    sha256: '658285d5ba0f01042859e25995bb05d41003e68e754fb68bd4465ec9670c9c39',
  },
  {
    name: 'a bitmap',
    lines: [create('1M'), 'img bitmap -f qcow2 --add x b0'],
    length: 327712,
    sha256: '6ea977c335fd2081d50389651dd1e7eadf6422d4649afb3b9bdc72994de221cb',
  },
  {
    name: 'lazy refcounts',
    lines: [create('1M', 'lazy_refcounts=on'), 'io write -P 1 0 64k'],
    length: 393216,
    sha256: 'fe493e64c5dd7979364e91b1bc9990a780b81e352c9e3e80699617b8196cb20e',
  },
  {
    name: 'committing into the image below',
    lines: [OVERLAY, 'io write -P 1 0 64k', 'img commit -q -f qcow2 x'],
    length: 262144,
    sha256: '4b7d4e54e7e2c5bada61a1b6967272fa9c51ff37019bfc0c37d3ab019d127bb9',
  },
];

/** Program and arguments of a line. */
function wordsOf(line: string): readonly [program: 'img' | 'io', ...args: string[]] {
  const [program, ...rest] = line.split(' ');
  if (program === 'img') return ['img', ...rest];
  return [
    'io',
    '-f',
    'qcow2',
    ...rest
      .join(' ')
      .split(';')
      .flatMap((one) => ['-c', one]),
    'x',
  ];
}

test.each(vectors)('$name', async ({ lines, length, sha256 }) => {
  await withTempDirAsync(async (dir) => {
    const [theirs, mine] = ['qemu', 'ours'].map((name) => {
      const folder = join(dir, name);
      mkdirSync(folder);
      writeFileSync(join(folder, 'base.raw'), Buffer.alloc(1 << 20, 0xbb));
      return folder;
    }) as [string, string];
    for (const line of lines) {
      const [program, ...args] = wordsOf(line);
      const there = spawnSync(`qemu-${program}`, args, { cwd: theirs, encoding: 'utf8' });
      expect(there.status, there.stderr).toBe(0);
      const here = await diskwright(program === 'io' ? ['io', ...args] : args, mine);
      expect(here, line).toMatchObject({ status: 0, stderr: '' });
    }
    const [oracle, ours] = [join(theirs, 'x'), join(mine, 'x')];
    expect({ length: statSync(oracle).size, sha256: sha256OfFile(oracle) }, "the oracle's own file").toEqual({
      length,
      sha256,
    });
    expect(fileDifference(readFileSync(ours), readFileSync(oracle))).toBe(undefined);
    expect({ length: statSync(ours).size, sha256: sha256OfFile(ours) }).toEqual({ length, sha256 });
    expect(fileDifference(readFileSync(join(mine, 'base.raw')), readFileSync(join(theirs, 'base.raw')))).toBe(
      undefined,
    );
  });
});
