/**
 * `snapshot` beside qemu-img: the same exit code, the same list and the same file after each line, dates aside. The
 * engine's own tests go through many kinds of images; this is about the command and what it opens.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskwright } from '../../testing/oracle/command-pair.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../../testing/oracle/temp-dir.ts';

/** Sets the dates of all snapshots of an image to one moment. */
function undated(file: string): Buffer {
  const image = readFileSync(file);
  if (image.readUInt32BE(0) !== 0x514649fb) return image;
  let at = Number(image.readBigUInt64BE(64));
  for (let left = image.readUInt32BE(60); left > 0; left--) {
    at = Math.ceil(at / 8) * 8;
    image.writeUInt32BE(1_000_000_000, at + 16);
    image.writeUInt32BE(5_000_000, at + 20);
    at += 40 + image.readUInt32BE(at + 36) + image.readUInt16BE(at + 12) + image.readUInt16BE(at + 14);
  }
  writeFileSync(file, image);
  return image;
}

/** A line of `snapshot`, or with `!` before it one of qemu-img or qemu-io for both. */
async function act(line: string, theirs: string, mine: string): Promise<void> {
  if (line.startsWith('!')) {
    const [tool, ...argv] = line.slice(1).split(' ');
    for (const cwd of [theirs, mine]) {
      if (tool === 'img') qemuImgOrThrow(argv, { cwd });
      else qemuIo(['-f', argv[0] ?? '', '-c', argv.slice(2).join(' '), argv[1] ?? ''], { cwd });
    }
    return;
  }
  const argv = ['snapshot', ...line.split(' ').map((word) => (word === "''" ? '' : word))];
  const qemu = qemuImg(argv, { cwd: theirs });
  const { status, stdout, stderr } = await diskwright(argv, mine);
  const said = qemu.code === 0 ? expect.any(String) : expect.stringMatching(/^diskwright: /);
  expect([line, status, stdout, stderr]).toEqual([line, qemu.code, qemu.stdout, said]);
}

async function sequence(files: readonly string[], lines: readonly string[]): Promise<void> {
  await withTempDirAsync(async (dir) => {
    const [theirs, mine] = [join(dir, 'theirs'), join(dir, 'mine')] as const;
    mkdirSync(theirs);
    for (const how of files) qemuImgOrThrow(['create', '-q', ...how.split(' ')], { cwd: theirs });
    cpSync(theirs, mine, { recursive: true });
    const names = files.map((how) => how.split(' ').find((word) => /^[a-z]$/.test(word)) ?? '');
    for (const line of lines) {
      await act(line, theirs, mine);
      for (const name of names) {
        const [a, b] = [undated(join(mine, name)), undated(join(theirs, name))];
        let at = 0;
        if (!a.equals(b)) while (a[at] === b[at]) at++;
        expect([line, name, a.length, a.equals(b) ? '' : `byte ${at}: ${a[at]}, not ${b[at]}`]).toEqual([
          line,
          name,
          b.length,
          '',
        ]);
      }
    }
  });
}

test('lines of every make', async () => {
  await sequence(
    ['-f qcow2 a 1M', '-f raw r 1M', '-f qcow2 -o data_file=g,data_file_raw=on d 1M', '-f raw g 1M'],
    [
      'a',
      '-c one a',
      '-c 1 a',
      "-c '' a",
      '-l a',
      '-d 2 a',
      '-a 2 a',
      '-d 1 a',
      '-l -q a',
      '-a nope a',
      '-d nope a',
      '-c',
      '-c x',
      '-c x -d x a',
      '-l -c x a',
      '-c x -c y a',
      '-U -c x a',
      '-c x a a',
      '-f qcow2 -c x a',
      '-z a',
      '-c x nowhere',
      `-c ${'n'.repeat(300)} a`,
      `-d ${'n'.repeat(300)} a`,
      `-a ${'n'.repeat(300)} a`,
      `-d ${'n'.repeat(255)} a`,
      `-c ${'ä'.repeat(100)} a`,
      `-d ${'ä'.repeat(100)} a`,
      '--image-opts -c x driver=qcow2,file.filename=a',
      '--image-opts -d x driver=qcow2,file.filename=a',
      '-c x r',
      '-a x r',
      '-d x r',
      '-c x d',
      '-a x d',
      '-d x d',
      "-d '' a",
      '-d one a',
    ],
  );
});

test('over other images: what lies below is never written, and hidden where the disk grows', async () => {
  await sequence(
    ['-f raw b 3M', '-f qcow2 -b b -F raw a 1000k', '-f qcow2 -u -b lost -F raw o 1M'],
    [
      '!io raw b write -P 7 0 3M',
      '-c small a',
      '!io qcow2 a write -P 8 5k 100k',
      '!img resize -q a 2500k',
      '-c large a',
      '!img resize -q --shrink a 700k',
      '!io qcow2 a write -P 9 600k 100k',
      '-c least a',
      '-a small a',
      '-a large a',
      '-a least a',
      '-a small a',
      '-d least a',
      '-d small a',
      '-c x o',
      '-d x o',
    ],
  );
});

test('beside dirty bitmaps', async () => {
  await sequence(
    ['-f qcow2 a 1M'],
    [
      '!img bitmap --add -g 4k a x',
      '!io qcow2 a write -P 8 5k 100k',
      '-c one a',
      '!io qcow2 a write -P 9 0 300k',
      '-c two a',
      '-a one a',
      '-d one a',
      '!img bitmap --remove a x',
      '-a two a',
      '-d two a',
    ],
  );
});

test('version 2: a snapshot of another size cannot be there, and nothing else is different', async () => {
  await sequence(
    ['-f qcow2 -o compat=0.10 a 1M'],
    [
      '!io qcow2 a write 0 100k',
      '-c one a',
      '!io qcow2 a write 64k 100k',
      '-a one a',
      '-c two a',
      '-d one a',
      '-d two a',
    ],
  );
});

test('a snapshot that cannot be counted leaves nothing behind, where qemu-img leaks', async () => {
  await withTempDirAsync(async (dir) => {
    for (const [bits, snapshots] of [
      [1, 0],
      [2, 2],
    ] as const) {
      const image = join(dir, 'a');
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', `refcount_bits=${bits}`, image, '1M']);
      qemuIo(['-f', 'qcow2', '-c', 'write -P 1 0 300k', image]);
      for (let i = 0; i < snapshots; i++) qemuImgOrThrow(['snapshot', '-c', `${i}`, image]);
      // Shared less than the rest, so that counting fails in the middle.
      qemuIo(['-f', 'qcow2', '-c', 'write -P 2 0 64k', image]);
      cpSync(image, join(dir, 'b'));
      const argv = ['snapshot', '-c', 'one too many', 'a'];
      expect(qemuImg(argv, { cwd: dir }).code).toBe(1);
      expect(qemuImg(['check', image]).code).toBe(3);
      cpSync(join(dir, 'b'), image);
      expect(await diskwright(argv, dir)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('as many references'),
      });
      expect(qemuImg(['check', image]).code).toBe(0);
      expect(qemuImg(['compare', image, join(dir, 'b')]).code).toBe(0);
      expect(qemuImg(['snapshot', '-l', image]).stdout).toBe(qemuImg(['snapshot', '-l', join(dir, 'b')]).stdout);
    }
  });
});

test('a long name is cut between two characters, and the list needs no backing image', async () => {
  await withTempDirAsync(async (dir) => {
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', join(dir, 'a'), '1M']);
    const made = await diskwright(['snapshot', '-c', `x${'ä'.repeat(200)}`, 'a'], dir);
    expect(made).toMatchObject({ status: 0, stderr: expect.stringContaining('it was cut') });
    qemuImgOrThrow(['rebase', '-u', '-b', 'lost', '-F', 'raw', 'a'], { cwd: dir });
    expect(qemuImg(['snapshot', '-l', 'a'], { cwd: dir }).code).toBe(1);
    const list = await diskwright(['snapshot', '-l', 'a'], dir);
    expect(list).toMatchObject({ status: 0, stdout: expect.stringContaining(`x${'ä'.repeat(127)} `) });
  });
});
