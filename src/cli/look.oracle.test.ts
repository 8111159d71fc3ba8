/**
 * The commands that only look, beside qemu-img: exit code and stdout are the same, character by character, for
 * images of every kind and for damaged ones. What the host decides (disk size, holes) is exempt: images are copied
 * so that they have no holes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { diskwright } from '../testing/oracle/command-pair.ts';
import { makeImage, recipes } from '../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../testing/oracle/qemu-tools.ts';
import { withTempDirAsync } from '../testing/oracle/temp-dir.ts';

const withoutHost = (text: string): string =>
  text.replaceAll(/^disk size: .*$/gm, 'disk size').replaceAll(/"actual-size": \d+/g, '"actual-size"');

/** A finding of a check, or a line of ours. */
const OUR_LINE = /^(?:diskwright: |Leaked cluster \d+ refcount=\d+ reference=\d+$|ERROR )/;

async function same(line: string | readonly string[], cwd: string): Promise<void> {
  const argv = typeof line === 'string' ? line.split(' ') : line;
  const qemu = qemuImg(argv, { cwd });
  const ours = await diskwright(argv, cwd);
  expect({ argv, status: ours.status, stdout: withoutHost(ours.stdout) }).toEqual({
    argv,
    status: qemu.code,
    stdout: withoutHost(qemu.stdout),
  });
  for (const one of ours.stderr.split('\n').slice(0, -1)) expect(one).toMatch(OUR_LINE);
  // The order among lines of different kinds follows the walk, which is another one here.
  const counts = (text: string): string[] =>
    text
      .split('\n')
      .filter((one) => / refcount=\d+/.test(one))
      .sort();
  expect(counts(ours.stderr)).toEqual(counts(qemu.stderr));
}

/** Writes every file of the folder anew, without holes. */
function fill(dir: string): void {
  for (const name of readdirSync(dir)) {
    const file = join(dir, name);
    if (statSync(file).size > 64 * 2 ** 20) continue;
    const bytes = readFileSync(file);
    rmSync(file);
    writeFileSync(file, bytes);
  }
}

const EVERY = [
  'info',
  'info --output=json',
  'info --backing-chain',
  'info --backing-chain --output=json',
  'info -f qcow2 -U',
  'check',
  'check --output=json',
  'check -q',
  'map',
  'map --output=json',
  'map --output=json -s 100000 -l 1M',
  'map -s 64k -l 300k',
  'map -s 3000 --output=json -l 1',
  'snapshot -l',
];

describe('every kind of image', () => {
  for (const recipe of recipes) {
    test(recipe.name, async () => {
      await withTempDirAsync(async (dir) => {
        makeImage(recipe, dir, 'x');
        fill(dir);
        // Without the secret qemu-img opens an encrypted image for info only.
        const lines = recipe.name === 'luks' ? EVERY.filter((line) => line.startsWith('info')) : EVERY;
        for (const line of lines) await same(`${line} x`, dir);
      });
    });
  }

  test('encrypted the old way', async () => {
    await withTempDirAsync(async (dir) => {
      const secret = ['--object', 'secret,id=s,data=x'];
      const options = ['-o', 'encrypt.format=aes,encrypt.key-secret=s'];
      qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...secret, ...options, join(dir, 'x'), '1M']);
      await same('info x', dir);
      await same('info --output=json x', dir);
    });
  });
});

describe('comparing', () => {
  for (const recipe of recipes.filter(({ name }) => name !== 'luks' && name !== 'blank')) {
    test(recipe.name, async () => {
      await withTempDirAsync(async (dir) => {
        makeImage(recipe, dir, 'x');
        qemuImgOrThrow(['convert', '-O', 'raw', 'x', 'twin'], { cwd: dir });
        const { size } = statSync(join(dir, 'twin'));
        fill(dir);
        await same('compare x twin', dir);
        await same('compare -f qcow2 -F raw twin x', dir);
        await same('compare -s x x', dir);
        if (size === 0) return;
        const fd = openSync(join(dir, 'twin'), 'r+');
        writeSync(fd, Uint8Array.of(0xd5), 0, 1, Math.floor(size * 0.7));
        closeSync(fd);
        for (const flags of ['', '-q ', '-U ', '-p ']) {
          if (flags !== '-p ') await same(`compare ${flags}x twin`, dir);
          else expect((await diskwright(['compare', '-p', 'x', 'twin'], dir)).stdout).toMatch(/^ {4}\(0\.00\/100%\)\r/);
        }
        truncateSync(join(dir, 'twin'), size + 70_000);
        for (const flags of ['', '-q ', '-s ']) await same(`compare ${flags}x twin`, dir);
      });
    });
  }
});

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  const create = (...args: string[]) => qemuImgOrThrow(['create', '-q', ...args], { cwd: dir });
  const write = (file: string, format: string, ...commands: string[]) =>
    qemuIo(['-f', format, ...commands.flatMap((one) => ['-c', one]), file], { cwd: dir });
  mkdirSync(join(dir, 'sub'));
  create('-f', 'raw', 'base.raw', '1000k');
  write('base.raw', 'raw', 'write -P 0xbb 0 1000k');
  create('-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'a.qcow2', '2M');
  write('a.qcow2', 'qcow2', 'write -P 1 64k 100k', 'write -z 512k 64k');
  create('-f', 'qcow2', '-o', 'cluster_size=4k', '-b', '../a.qcow2', '-F', 'qcow2', 'sub/b.qcow2', '1500k');
  write('sub/b.qcow2', 'qcow2', 'write -P 2 10k 9k', 'discard 32k 8k');
  create('-f', 'qcow2', '-o', 'extended_l2=on', '-b', 'sub/b.qcow2', '-F', 'qcow2', 'c.qcow2', '3M');
  write('c.qcow2', 'qcow2', 'write -P 3 3k 3k', 'write -z 100k 2k', 'write -P 4 2M 5k');
  create('-f', 'qcow2', '-b', join(dir, 'base.raw'), '-F', 'raw', 'absolute.qcow2');
  create('-f', 'qcow2', '-u', '-b', 'lost', '-F', 'raw', 'orphan.qcow2', '1M');
  create('-f', 'qcow2', '-o', 'data_file=guest.data,data_file_raw=on', 'outer.qcow2', '1M');
  write('outer.qcow2', 'qcow2', 'write -P 5 64k 64k');
  create('-f', 'qcow2', 'many.qcow2', '1M');
  for (const name of ['a', 'a name that is longer than its column', 'ärger, "quoted" \\ too', 'grün']) {
    write('many.qcow2', 'qcow2', 'write -P 6 0 64k');
    qemuImgOrThrow(['snapshot', '-c', name, 'many.qcow2'], { cwd: dir });
  }
  qemuImgOrThrow(['bitmap', '--add', '--disable', '-g', '4k', 'many.qcow2', 'one'], { cwd: dir });
  create('-f', 'qcow2', '-o', 'compat=0.10', 'old.qcow2', '20G');
  create('-f', 'qcow2', '-o', 'lazy_refcounts=on,cluster_size=2M,refcount_bits=1', 'large.qcow2', '5T');
  for (const [name, length] of Object.entries({ empty: 0, one: 1, odd: 70_001 })) {
    writeFileSync(join(dir, `${name}.raw`), Buffer.alloc(length, 0x77));
  }
  fill(join(dir, 'sub'));
  for (const name of readdirSync(dir)) if (!statSync(join(dir, name)).isDirectory()) fillOne(name);
});
afterAll(() => rmSync(dir, { recursive: true }));

function fillOne(name: string): void {
  const file = join(dir, name);
  const bytes = readFileSync(file);
  rmSync(file);
  writeFileSync(file, bytes);
}

const ODD = `info a.qcow2
info sub/b.qcow2
info ./sub/b.qcow2 --output json
info --backing-chain c.qcow2
info --backing-chain --output=json c.qcow2
info absolute.qcow2
info --output=json absolute.qcow2
info orphan.qcow2
info --output=json orphan.qcow2
info --backing-chain orphan.qcow2
info -f raw a.qcow2
info -f qcow2 base.raw
info -f nosuch base.raw
info outer.qcow2
info old.qcow2
info large.qcow2
info --output=json large.qcow2
info empty.raw
info one.raw --output=json
info odd.raw
info --output xml a.qcow2
info
info a.qcow2 c.qcow2
info nosuch
info --image-opts driver=qcow2,file.filename=a.qcow2
info --image-opts driver=qcow2,file.driver=file,file.filename=a.qcow2
info -f qcow2 --image-opts driver=qcow2,file.filename=a.qcow2
info -z
map a.qcow2
map --output=json a.qcow2
map sub/b.qcow2
map --output=json sub/b.qcow2
map c.qcow2
map --output=json c.qcow2
map --output=json -s 3k -l 100k c.qcow2
map --output=json -s 1M c.qcow2
map --output=json -s 3M c.qcow2
map --output=json -s 4M c.qcow2
map --output=json -l 0 c.qcow2
map -s 4M c.qcow2
map -s -1 c.qcow2
map -l x c.qcow2
map absolute.qcow2
map orphan.qcow2
map outer.qcow2
map --output=json outer.qcow2
map old.qcow2
map --output=json large.qcow2
map empty.raw
map --output=json empty.raw
map one.raw
map --output=json one.raw
map --output=json odd.raw
map -f raw --output=json a.qcow2
map --output=xml a.qcow2
map
map a.qcow2 c.qcow2
map nosuch
map --image-opts driver=qcow2,file.filename=c.qcow2
check a.qcow2
check large.qcow2
check old.qcow2 --output=json
check base.raw
check -f raw a.qcow2
check --output=json base.raw
check --output xml a.qcow2
check nosuch
check
check many.qcow2
snapshot -l many.qcow2
snapshot many.qcow2
snapshot -l old.qcow2
snapshot -l base.raw
snapshot -l nosuch
snapshot
snapshot -l
snapshot -l -U many.qcow2
snapshot -q -l many.qcow2
info many.qcow2
info --output=json many.qcow2
compare a.qcow2 c.qcow2
compare c.qcow2 sub/b.qcow2
compare base.raw absolute.qcow2
compare -s base.raw absolute.qcow2
compare -s a.qcow2 c.qcow2
compare -s large.qcow2 large.qcow2
compare empty.raw odd.raw
compare one.raw empty.raw
compare old.qcow2 empty.raw
compare -pq old.qcow2 empty.raw
compare a.qcow2
compare a.qcow2 nosuch
compare a.qcow2 orphan.qcow2
compare a.qcow2 a.qcow2 a.qcow2
compare -f qcow2 -F qcow2 a.qcow2 base.raw
compare -f nosuch a.qcow2 base.raw
compare --image-opts driver=qcow2,file.filename=a.qcow2 driver=raw,file.filename=base.raw`;

test.each(ODD.split('\n'))('%s', async (line) => {
  await same(line, dir);
});

test.each([
  ['check -r some a.qcow2', '-r is leaks or all'],
  ['check -U --repair=leaks a.qcow2', '-U is for looking'],
  ['info --object tls-creds-x509,id=s a.qcow2', '--object tls-creds-x509 is not available'],
  ['info --image-opts driver=qcow2,file.filename=a.qcow2,cache-size=1M', 'the image option cache-size=1M'],
])('%s is refused by name', async (line, why) => {
  const before = readFileSync(join(dir, 'a.qcow2'));
  const { status, stdout, stderr } = await diskwright(line.split(' '), dir);
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toContain(why);
  expect(readFileSync(join(dir, 'a.qcow2')).equals(before)).toBe(true);
});

test('a check of every damaged image has the counts and lines of qemu-img', async () => {
  await withTempDirAsync(async (place) => {
    cpSync(join(dir, 'many.qcow2'), join(place, 'x'));
    const bytes = readFileSync(join(place, 'x'));
    const block = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
    for (const [slot, count] of [
      [0, 2],
      [1, 0],
      [3, 5],
      [5, 0],
      [6, 1],
      [9, 0x8000],
      [40, 1],
    ] as const) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt16BE(count, block + slot * 2);
      // COPIED of the first L1 entry and of its first L2 entry.
      const l1 = Number(bytes.readBigUInt64BE(40));
      const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
      if (slot % 2 === 0) damaged[l1] = (damaged[l1] ?? 0) ^ 0x80;
      if (slot % 3 === 0) damaged[l2] = (damaged[l2] ?? 0) ^ 0x80;
      writeFileSync(join(place, 'x'), damaged);
      for (const line of ['check x', 'check --output=json x', 'check -q x']) await same(line, place);
    }
  });
});

describe('an image that QEMU has open', () => {
  let holder: ChildProcess | undefined;
  afterEach(() => {
    holder?.kill();
  });

  test('is refused as qemu-img refuses it, and read with -U', async () => {
    const child = spawn('qemu-io', ['-f', 'qcow2', 'a.qcow2'], { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
    holder = child;
    child.stdin.write('length\n');
    await new Promise((resolve) => child.stdout.once('data', resolve));
    for (const line of ['info a.qcow2', 'check a.qcow2', 'map a.qcow2', 'compare a.qcow2 base.raw']) {
      await same(line, dir);
      expect((await diskwright(line.split(' '), dir)).stderr).toContain('another program has this image open');
    }
    for (const line of ['info -U a.qcow2', 'map -U a.qcow2', 'compare -U a.qcow2 base.raw', 'snapshot -U -l a.qcow2']) {
      await same(line, dir);
    }
  });
});
