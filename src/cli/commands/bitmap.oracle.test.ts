/**
 * `bitmap` beside qemu-img: the same exit code and the same file, byte for byte, after each line of a sequence; what
 * guests write in between is written by qemu-io to both.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskwright } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../testing/oracle/temp-dir.ts';

/** A change to an image that no tool makes. */
type Patch = (image: Buffer) => void;
type Line = string | Patch;

/**
 * One line for both: `io file …` a request of qemu-io's, `resize …` and `snapshot …` those commands, `make …` an image
 * that qemu-img makes for both, anything else a line of the command.
 */
async function act(line: string, theirs: string, mine: string): Promise<void> {
  const [verb = '', ...words] = line.split(' ');
  if (verb === 'io') {
    const [file = '', ...command] = words;
    const argv = ['-f', 'qcow2', '-c', command.join(' '), file];
    const { code, stdout } = qemuIo(argv, { cwd: theirs });
    expect([line, code, stdout]).toEqual([line, 0, expect.not.stringContaining('failed')]);
    expect([line, await diskwright(['io', ...argv], mine)]).toMatchObject([line, { status: 0 }]);
    return;
  }
  const typed = [verb, ...words].map((word) => (word === "''" ? '' : word));
  const argv = ['resize', 'snapshot'].includes(verb) ? typed : ['bitmap', ...typed];
  const qemu = qemuImg(argv, { cwd: theirs });
  const { status, stdout, stderr } = await diskwright(argv, mine);
  const said = qemu.code === 0 ? expect.any(String) : expect.stringMatching(/^diskwright: /);
  expect([line, status, stdout, stderr]).toEqual([line, qemu.code, qemu.stdout, said]);
}

async function same(line: string, file: string, theirs: string, mine: string, clean: boolean): Promise<void> {
  const [a, b] = [readFileSync(join(mine, file)), readFileSync(join(theirs, file))];
  let at = 0;
  if (!a.equals(b)) while (a[at] === b[at]) at++;
  const difference = a.equals(b) ? '' : `byte ${at}: ${a[at]}, not ${b[at]}`;
  expect([line, file, a.length, difference]).toEqual([line, file, b.length, '']);
  if (clean) expect([line, (await diskwright(['check', file], mine)).status]).toEqual([line, 0]);
}

/** `create`: images by their names, as words for qemu-img create. */
async function sequence(create: Record<string, string>, lines: readonly Line[], clean = true): Promise<void> {
  await withTempDirAsync(async (dir) => {
    const [theirs, mine] = [join(dir, 'theirs'), join(dir, 'mine')] as const;
    mkdirSync(theirs);
    for (const [name, how] of Object.entries(create)) {
      const words = how.split(' ');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...words.slice(0, -1), name, words.at(-1) ?? ''], { cwd: theirs });
    }
    cpSync(theirs, mine, { recursive: true });
    for (const line of lines) {
      if (typeof line === 'string') await act(line, theirs, mine);
      else {
        for (const cwd of [theirs, mine]) {
          const image = readFileSync(join(cwd, 'a'));
          line(image);
          writeFileSync(join(cwd, 'a'), image);
        }
      }
      for (const file of Object.keys(create)) await same(String(line), file, theirs, mine, clean);
    }
  });
}

const LINES = [
  '--add a one',
  'io a write 100k 70k',
  '--add -g 4k a two',
  'io a write 0 5k',
  '--add --disable a three',
  '--add -g 512 a four',
  'io a write -z 300k 64k',
  'io a discard 512k 130k',
  'io a write 1000k 23k',
  '--disable a one',
  '--clear a two',
  'io a write 200k 1k',
  '--enable --merge four a one',
  '--merge one --merge two a three',
  '--add --merge three -g 2k a five',
  '--merge one a four',
  '--remove a two',
  'io a write 3k 9k',
  '--remove a one',
  '--clear --merge three a four',
  '--add --remove a six',
  '--remove --add a five',
  '--remove a three',
  '--remove a four',
  '--remove a five',
  '--add a again',
];

describe('a sequence of lines', () => {
  test.each([
    ['1M'],
    ['-o cluster_size=512 1M'],
    ['-o cluster_size=4k,refcount_bits=1 1M'],
    ['-o cluster_size=2M 1M'],
    ['-o extended_l2=on,cluster_size=16k 1M'],
    ['-o lazy_refcounts=on 1M'],
    ['-o refcount_bits=64 70G'],
    ['-o data_file=g 1M'],
    ['-o data_file=g,data_file_raw=on 1M'],
    ['1048064'],
  ])('create %s', async (how) => {
    await sequence({ a: how }, LINES);
  });
});

test('bitmaps of another image', async () => {
  await sequence({ a: '1M', b: '-o cluster_size=4k 1M', c: '-u -b lost -F raw 1M', d: '2M' }, [
    '--add -g 1k b x',
    'io b write 5k 3k',
    'io b write 700k 64k',
    '--add --merge x -b b a y',
    '--merge y -b a -F qcow2 b x',
    '--add -g 512 c z',
    '--merge z -b c a y',
    '--merge nope -b b a y',
    '--merge x -b nowhere a y',
    '--merge x -b b -F raw a y',
    '--merge x -b b a nope',
    '--add d x',
    '--merge x -b d a y',
    '--merge y -b a a y',
  ]);
});

test('what is refused', async () => {
  const long = 'n'.repeat(1024);
  await sequence({ a: '1M', b: '-o compat=0.10 1M', c: '3T' }, [
    '--add a x',
    '--add a x',
    '--add --add a y',
    '--clear a nope',
    '--enable a nope',
    '--disable a nope',
    '--remove a nope',
    '--merge nope a x',
    "--add a ''",
    `--add a ${long}`,
    `--add a ${long.slice(1)}`,
    `--remove a ${long.slice(1)}`,
    '--add b x',
    '--add -g 512 c x',
    '--add -g 1k c x',
    '--add -g 256 a g',
    '--add -g 1000 a g',
    '--add -g 4G a g',
    '--add -g 2G a g',
    '--add -g 0 a h',
    '--add -g 1x a i',
    '--clear -g 4k a x',
    '--clear -g 0 a x',
    '--clear -b a a x',
    '--clear -F qcow2 a x',
    '--clear a x y',
    '--clear a',
    'a x',
    '--clear --bogus a x',
    '--clear -f raw a x',
    '--add -f raw a x',
    '--image-opts --clear driver=qcow2,file.filename=a x',
    '--image-opts -f qcow2 --clear driver=qcow2,file.filename=a x',
    '--clear nowhere x',
  ]);
});

test('a disk that becomes longer and shorter, and one with snapshots', async () => {
  await sequence({ a: '3M' }, [
    '--add -g 1k a x',
    '--add -g 64k a y',
    'io a write 2500k 500k',
    'resize -q a 10M',
    'io a write 9M 600k',
    'resize -q --shrink a 2600k',
    'resize -q a 3G',
    'resize -q --shrink a 9000k',
    'snapshot -a nope a',
    '--remove a x',
    '--remove a y',
    'resize -q --shrink a 1M',
  ]);
});

/** Where the bitmap directory is, from the header's extension of a v3 image of 64 KiB clusters. */
const directoryAt = (image: Buffer): number =>
  Number(image.readBigUInt64BE(image.indexOf('23852875', 112, 'hex') + 24));
/** Flags of the first bitmap. */
const inUse: Patch = (image) =>
  void image.writeUInt32BE(image.readUInt32BE(directoryAt(image) + 12) | 1, directoryAt(image) + 12);
/** The lowest byte of the autoclear bits. */
const AUTOCLEAR = 95;
const orAutoclear =
  (bits: number): Patch =>
  (image) =>
    void image.writeUInt8(image.readUInt8(AUTOCLEAR) | bits, AUTOCLEAR);
const notAutoclear: Patch = (image) => void image.writeUInt8(image.readUInt8(AUTOCLEAR) & ~1, AUTOCLEAR);
const allOnes: Patch = (image) => void image.writeUInt32BE(1, Number(image.readBigUInt64BE(directoryAt(image))) + 4);

describe('bitmaps that others left behind', () => {
  test('in use: they are kept, and nothing but removing works', async () => {
    await sequence({ a: '1M' }, [
      '--add -g 4k a x',
      '--add --disable a y',
      'io a write 0 64k',
      inUse,
      'io a write 64k 64k',
      '--clear a x',
      '--enable a x',
      '--disable a x',
      '--merge x a y',
      '--merge y a x',
      '--add a x',
      'resize -q a 2M',
      '--add a z',
      '--clear a y',
      '--remove a y',
      '--remove a z',
      'io a write 128k 64k',
      '--remove a x',
      '--add a x',
    ]);
  });

  test('changed by a program that knows nothing of them: they are given up', async () => {
    await sequence(
      { a: '1M' },
      ['--add a x', 'io a write 0 64k', notAutoclear, 'io a write 64k 64k', '--clear a x', '--add a x'],
      false,
    );
  });

  test('all ones', async () => {
    for (const how of ['1M', '1000000', '40G']) {
      await sequence({ a: how }, [
        '--add -g 4k a x',
        allOnes,
        'io a write 0 1k',
        '--add --merge x -g 8k a y',
        '--clear a x',
      ]);
    }
  });

  test('header extensions that nobody knows turn round as often as in QEMU', async () => {
    const strangers: Patch = (image) => {
      // Behind the feature names of a new image, where its end marker is.
      image.write('1111111100000008' + '6162636465666768' + '2222222200000003' + '7172730000000000', 504, 'hex');
    };
    await sequence(
      { a: '1M' },
      [
        strangers,
        'io a write 0 1k',
        '--add a x',
        'io a write 64k 1k',
        inUse,
        'io a write 128k 1k',
        '--add a y',
        orAutoclear(0x40),
        '--clear a y',
        notAutoclear,
        'io a write 0 1k',
      ],
      false,
    );
  });

  test('feature bits that nobody knows', async () => {
    await sequence({ a: '1M' }, [orAutoclear(0x40), 'io a write 0 1k', '--add a x', orAutoclear(0x20), '--clear a x']);
  });
});

describe('where qemu-img loses bitmaps, we refuse', () => {
  const both = async (create: readonly string[], bitmap: readonly string[], argv: readonly string[], why: string) => {
    await withTempDirAsync(async (dir) => {
      const image = join(dir, 'a');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', image, ...create]);
      if (bitmap.length > 0) qemuImgOrThrow(['bitmap', ...bitmap, image, 'x']);
      cpSync(image, join(dir, 'b'));
      const before = qemuImgOrThrow(['info', image]).stdout;
      const qemu = qemuImg(argv, { cwd: dir });
      expect([qemu.code, qemu.stderr]).toEqual([0, expect.stringContaining('Lost persistent bitmaps')]);
      cpSync(join(dir, 'b'), image);
      expect(await diskwright(argv, dir)).toMatchObject({ status: 1, stderr: expect.stringContaining(why) });
      // Every opening stores the bitmaps anew; what they say is as it was.
      expect(qemuImgOrThrow(['info', image]).stdout.replace(/^disk size.*$/m, '')).toBe(
        before.replace(/^disk size.*$/m, ''),
      );
      expect(qemuImg(['check', image]).code).toBe(0);
    });
  };

  test('a disk without bytes', () => both(['0'], [], ['bitmap', '--add', 'a', 'x'], 'nothing to record'));

  test('a disk that its bitmap cannot cover', () =>
    both(['1T'], ['--add', '-g', '1k'], ['resize', '-q', 'a', '5T'], 'would exceed 512 MiB'));
});

test('tables that name the same clusters again and again are refused before they are read', async () => {
  await withTempDirAsync(async (dir) => {
    const image = join(dir, 'a');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', image, '4T']);
    qemuImgOrThrow(['bitmap', '--add', '-g', '1k', image, 'x']);
    qemuIo(['-f', 'qcow2', '-c', 'write 0 1k', image]);
    const bytes = readFileSync(image);
    const table = Number(bytes.readBigUInt64BE(directoryAt(bytes)));
    for (let entry = 1; entry < 8192; entry++) bytes.copy(bytes, table + entry * 8, table, table + 8);
    writeFileSync(image, bytes);
    const { status, stderr } = await diskwright(['bitmap', '--clear', 'a', 'x'], dir);
    expect([status, stderr]).toEqual([1, expect.stringContaining('more clusters than the file has')]);
    expect(readFileSync(image).equals(bytes)).toBe(true);
  });
});
