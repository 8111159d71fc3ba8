/**
 * `convert` beside qemu-img: kinds of sources × options of the new image × -c × -S × -B × several sources. What is
 * not compressed is the same file, byte for byte; what is compressed holds the same disk, checks clean and is as small.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diskwright } from '../../testing/oracle/command-pair.ts';
import { makeImage, recipes } from '../../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-convert-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const LARGE = 2 ** 30;
const lengthOf = (name: string): number => statSync(join(dir, name)).size;

/** Equal to the byte; names that both write (data files) are compared by the caller. */
function expectSameFile(mine: string, theirs: string, context: string): void {
  const [a, b] = [readFileSync(join(dir, mine)), readFileSync(join(dir, theirs))];
  expect(a.length, `${context}: length`).toBe(b.length);
  if (!a.equals(b)) {
    let at = 0;
    while (a[at] === b[at]) at++;
    expect.fail(`${context}: first difference at byte ${at}`);
  }
}

/** Both convert with the same words; `args` ends before the new image's name. */
async function convertBoth(args: readonly string[]): Promise<string> {
  const line = `convert ${args.join(' ')}`;
  rmSync(join(dir, 'mine'), { force: true });
  rmSync(join(dir, 'theirs'), { force: true });
  const theirs = qemuImg(['convert', ...args, 'theirs'], { cwd: dir });
  expect(theirs.stderr, line).toBe('');
  const mine = await diskwright(['convert', ...args, 'mine'], dir);
  expect({ status: mine.status, stderr: mine.stderr }, line).toEqual({ status: 0, stderr: '' });
  expect(mine.stdout, line).toBe(theirs.stdout);
  return line;
}

async function expectSameConversion(args: readonly string[]): Promise<void> {
  const line = await convertBoth(args);
  if (lengthOf('theirs') < LARGE) return expectSameFile('mine', 'theirs', line);
  // A hole of gigabytes: read by the one that knows where it is.
  expect(lengthOf('mine'), line).toBe(lengthOf('theirs'));
  expectSameDisk('mine', 'raw', 'theirs', 'raw');
}

function expectSameDisk(a: string, aFormat: string, b: string, bFormat: string): void {
  const { code, stdout, stderr } = qemuImg(['compare', '-f', aFormat, '-F', bFormat, a, b], { cwd: dir });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'Images are identical.\n', stderr: '' });
}

function expectClean(name: string): void {
  const { code, stdout, stderr } = qemuImg(['check', '-f', 'qcow2', name], { cwd: dir });
  expect({ code, stdout, stderr }, `check ${name}`).toMatchObject({ code: 0, stderr: '' });
}

async function expectCompressedAlike(args: readonly string[]): Promise<void> {
  const line = await convertBoth(args);
  expectClean('mine');
  expectSameDisk('mine', 'qcow2', 'theirs', 'qcow2');
  // Node's zlib looks for matches of four bytes and more: clusters below 4 KiB come out larger than they might.
  const small = args.some((one) => /cluster_size=(512|1k|2k)/.test(one));
  // Small files differ by a sector here and there.
  expect(lengthOf('mine'), line).toBeLessThanOrEqual(lengthOf('theirs') * (small ? 1.03 : 1.01) + 1024);
}

/** Bytes that repeat, text-like, noise, and zeros of many lengths, at borders of sectors, blocks and clusters. */
function mixedDisk(name: string, sectors: number): void {
  const file = openSync(join(dir, name), 'w');
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let at = 0; at < sectors; ) {
    const count = Math.min(sectors - at, 1 + random([1, 9, 40, 400, 3000][random(5)] ?? 1));
    const bytes = Buffer.alloc(count * 512);
    const kind = random(4);
    if (kind === 1) for (let i = 0; i < bytes.length; i++) bytes[i] = random(256);
    else if (kind > 1)
      bytes.write(`line ${at} of some text that says little `.repeat(bytes.length / 20).slice(0, bytes.length));
    writeSync(file, bytes, 0, bytes.length, at * 512);
    at += count;
  }
  closeSync(file);
}

describe('every kind of source', () => {
  const readable = recipes.filter(({ name }) => name !== 'luks');
  test.each(readable)('$name', async (recipe) => {
    const file = makeImage(recipe, dir, 'source.qcow2');
    await expectSameConversion(['-f', 'qcow2', '-O', 'raw', file]);
    await expectSameConversion(['-f', 'qcow2', '-O', 'qcow2', file]);
    await expectSameConversion(['-f', 'qcow2', '-O', 'qcow2', '-o', 'cluster_size=4k', file]);
    await expectCompressedAlike(['-f', 'qcow2', '-c', '-O', 'qcow2', file]);
  });
});

describe('options of the new image', () => {
  beforeAll(() => mixedDisk('mixed.raw', 20_011));
  const options = [
    'cluster_size=512',
    'cluster_size=1k,refcount_bits=64',
    'cluster_size=2M',
    'cluster_size=256k',
    'compat=0.10',
    'compat=0.10,cluster_size=512',
    'extended_l2=on',
    'extended_l2=on,cluster_size=16k',
    'lazy_refcounts=on',
    'refcount_bits=1',
    'preallocation=metadata',
    'preallocation=full',
    'preallocation=metadata,cluster_size=1k',
  ];
  test.each(options)('-o %s', (list) => expectSameConversion(['-f', 'raw', '-O', 'qcow2', '-o', list, 'mixed.raw']));

  const compressible = options.filter((list) => !list.includes('preallocation'));
  test.each(compressible)('-c -o %s', (list) =>
    expectCompressedAlike(['-f', 'raw', '-c', '-O', 'qcow2', '-o', list, 'mixed.raw']),
  );

  test('a data file', async () => {
    for (const raw of ['off', 'on']) {
      for (const name of ['mine', 'theirs']) {
        const args = [
          'convert',
          '-f',
          'raw',
          '-O',
          'qcow2',
          '-o',
          `data_file=data,data_file_raw=${raw}`,
          'mixed.raw',
          name,
        ];
        if (name === 'mine') expect(await diskwright(args, dir)).toMatchObject({ status: 0 });
        else qemuImgOrThrow(args, { cwd: dir });
        writeFileSync(join(dir, `data.${name}`), readFileSync(join(dir, 'data')));
        rmSync(join(dir, 'data'));
      }
      expectSameFile('mine', 'theirs', 'the image');
      expectSameFile('data.mine', 'data.theirs', 'the data file');
    }
  });

  test('compressed results are the same whatever the number of threads', async () => {
    const results = [];
    for (const threads of ['1', '3', '16']) {
      await diskwright(['convert', '-c', '-O', 'qcow2', '-m', threads, '-W', 'mixed.raw', 'mine'], dir);
      results.push(readFileSync(join(dir, 'mine')).toString('latin1'));
    }
    expect(results[1] === results[0] && results[2] === results[0]).toBe(true);
  });
});

describe('zeros', () => {
  beforeAll(() => mixedDisk('mixed.raw', 9_000));
  for (const least of ['0', '512', '4k', '5k', '12k', '64k', '100k', '1M', '16M']) {
    test.each(['raw', 'qcow2'])(`-S ${least} -O %s`, (format) =>
      expectSameConversion(['-f', 'raw', '-S', least, '-O', format, 'mixed.raw']),
    );
  }
  test.each(['0', '64k'])('-c -S %s', (least) =>
    expectCompressedAlike(['-f', 'raw', '-c', '-S', least, '-O', 'qcow2', 'mixed.raw']),
  );
  test('-S 0 of a disk with nothing on it', async () => {
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'blank.qcow2', '5M'], { cwd: dir });
    await expectSameConversion(['-f', 'qcow2', '-S', '0', '-O', 'qcow2', 'blank.qcow2']);
    await expectSameConversion(['-f', 'qcow2', '-S', '0', '-O', 'raw', 'blank.qcow2']);
    await expectCompressedAlike(['-f', 'qcow2', '-c', '-S', '0', '-O', 'qcow2', 'blank.qcow2']);
  });
});

const io = (file: string, ...commands: string[]): void => {
  const { code, stdout, stderr } = qemuIo(['-f', 'qcow2', ...commands.flatMap((one) => ['-c', one]), file], {
    cwd: dir,
  });
  if (code !== 0) throw new Error(stdout + stderr);
};

describe('chains and backing files', () => {
  beforeAll(() => {
    const create = (...args: string[]): void =>
      void qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...args], { cwd: dir });
    create('-o', 'cluster_size=4k', 'base.qcow2', '3M');
    io('base.qcow2', 'write -P 1 0 1M', 'write -P 2 2M 900k', 'write -z 64k 64k');
    create('-b', 'base.qcow2', '-F', 'qcow2', 'middle.qcow2', '5M');
    io('middle.qcow2', 'write -P 3 100k 20k', 'write -P 4 4M 200k', 'write -z 2M 128k');
    create('-o', 'cluster_size=32k,extended_l2=on', '-b', 'middle.qcow2', '-F', 'qcow2', 'top.qcow2', '6M');
    io('top.qcow2', 'write -P 5 0 5k', 'write -P 6 5M 3k', 'write -z 4M 64k', 'write -P 0 200k 64k');
    create('longer.qcow2', '8M');
    io('longer.qcow2', 'write -P 9 0 8M');
  });

  for (const source of ['base.qcow2', 'middle.qcow2', 'top.qcow2']) {
    test.each([
      [],
      ['-o', 'cluster_size=512'],
      ['-B', 'base.qcow2', '-F', 'qcow2'],
      ['-B', 'middle.qcow2', '-F', 'qcow2'],
      ['-B', 'longer.qcow2', '-F', 'qcow2'],
      ['-o', 'backing_file=base.qcow2,backing_fmt=qcow2,cluster_size=4k'],
      ['-B', 'base.qcow2', '-F', 'qcow2', '-S', '0'],
      ['-B', 'base.qcow2', '-F', 'qcow2', '-o', 'compat=0.10'],
      ['-B', 'base.qcow2', '-F', 'qcow2', '-o', 'extended_l2=on'],
    ])(`${source} %s %s %s %s`, async (...options: string[]) => {
      await expectSameConversion([...options, '-O', 'qcow2', source]);
      if (!options.includes('-S')) await expectCompressedAlike(['-c', ...options, '-O', 'qcow2', source]);
    });
  }

  test('a raw image against a backing file', async () => {
    mixedDisk('mixed.raw', 9_000);
    await expectSameConversion(['-f', 'raw', '-O', 'qcow2', '-B', 'base.qcow2', '-F', 'qcow2', 'mixed.raw']);
    await expectSameConversion(['-f', 'raw', '-O', 'qcow2', '-B', 'longer.qcow2', '-F', 'qcow2', 'mixed.raw']);
    await expectCompressedAlike(['-f', 'raw', '-c', '-O', 'qcow2', '-B', 'base.qcow2', '-F', 'qcow2', 'mixed.raw']);
  });
});

test('several sources, one behind the other', async () => {
  mixedDisk('a.raw', 5_001);
  mixedDisk('b.raw', 777);
  const file = makeImage(
    { name: '', size: '1281k', options: 'cluster_size=4k', steps: ['write 100k 500k', 'write -z 0 8k'] },
    dir,
    'c.qcow2',
  );
  await expectSameConversion(['-O', 'raw', 'a.raw', file, 'b.raw']);
  await expectSameConversion(['-O', 'qcow2', 'a.raw', file, 'b.raw', file]);
  await expectSameConversion(['-O', 'qcow2', '-S', '12k', '-o', 'cluster_size=2k', 'b.raw', file, 'a.raw', file]);
  await expectCompressedAlike(['-c', '-O', 'qcow2', 'a.raw', file, 'b.raw', file]);
});

test('snapshots', async () => {
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', 's.qcow2', '1M'], { cwd: dir });
  io('s.qcow2', 'write -P 1 0 700k');
  qemuImgOrThrow(['snapshot', '-c', 'a', 's.qcow2'], { cwd: dir });
  qemuImgOrThrow(['resize', '-q', 's.qcow2', '8M'], { cwd: dir });
  io('s.qcow2', 'write -P 2 100k 7M');
  qemuImgOrThrow(['snapshot', '-c', '1', 's.qcow2'], { cwd: dir });
  qemuImgOrThrow(['resize', '-q', '--shrink', 's.qcow2', '3M'], { cwd: dir });
  io('s.qcow2', 'write -P 3 0 64k');
  for (const which of ['a', '1', '2', 'snapshot.name=1', 'snapshot.id=1', 'snapshot.id=2,snapshot.name=1']) {
    await expectSameConversion(['-l', which, '-O', 'raw', 's.qcow2']);
    await expectSameConversion(['-l', which, '-O', 'qcow2', 's.qcow2']);
  }
  await expectCompressedAlike(['-l', 'a', '-c', '-O', 'qcow2', 's.qcow2']);
});

describe('into an image that is there', () => {
  const prepare = (name: string, size: string, ...steps: string[]): void => {
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...(name === 'raw' ? ['-f', 'raw'] : []), 'mine', size], {
      cwd: dir,
    });
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'theirs', size], { cwd: dir });
    for (const one of ['mine', 'theirs']) if (steps.length > 0) io(one, ...steps);
  };
  const both = async (...args: string[]): Promise<void> => {
    const theirs = qemuImg(['convert', ...args, 'theirs'], { cwd: dir });
    const mine = await diskwright(['convert', ...args, 'mine'], dir);
    expect({ status: mine.status, stdout: mine.stdout }, mine.stderr + theirs.stderr).toEqual({
      status: theirs.code,
      stdout: theirs.stdout,
    });
  };
  beforeAll(() => mixedDisk('mixed.raw', 9_000));

  test.each([['-n'], ['-n', '--target-is-zero'], ['-n', '-S', '0'], ['-n', '-S', '64k']])(
    '%s %s %s',
    async (...args) => {
      for (const steps of [[], ['write -P 7 0 8M'], ['write -P 7 300k 1M', 'discard 400k 500k']]) {
        if (args.includes('--target-is-zero') && steps.length > 0) continue;
        prepare('qcow2', '8M', ...steps);
        await both(...args, '-f', 'raw', '-O', 'qcow2', 'mixed.raw');
        expectSameFile('mine', 'theirs', args.join(' '));
      }
    },
  );

  test('compressed', async () => {
    prepare('qcow2', '8M');
    await both('-n', '-c', '-f', 'raw', '-O', 'qcow2', 'mixed.raw');
    expectClean('mine');
    expectSameDisk('mine', 'qcow2', 'theirs', 'qcow2');
  });

  test('raw', async () => {
    for (const name of ['mine', 'theirs']) writeFileSync(join(dir, name), Buffer.alloc(8 << 20, 7));
    await both('-n', '-f', 'raw', '-O', 'raw', 'mixed.raw');
    expectSameFile('mine', 'theirs', 'raw');
  });

  test('too small', async () => {
    prepare('qcow2', '1M');
    await both('-n', '-f', 'raw', '-O', 'qcow2', 'mixed.raw');
    expectSameFile('mine', 'theirs', 'untouched');
  });
});

describe('the line', () => {
  beforeAll(() => {
    mixedDisk('mixed.raw', 9_000);
    mixedDisk('large.raw', 200_000);
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'small.qcow2', '1M'], { cwd: dir });
  });

  test.each([
    '-p large.raw',
    '-p -q mixed.raw',
    '-p -O qcow2 large.raw',
    '-p nosuch',
    '-p -S 0 -O qcow2 small.qcow2',
    '-p small.qcow2',
    '-t writeback -T writeback mixed.raw',
    '-m 1 -W -O qcow2 mixed.raw',
    '-U mixed.raw',
    '--image-opts driver=raw,file.filename=mixed.raw',
    '-O qcow2 -o size=1M mixed.raw',
  ])('%s', async (words) => {
    rmSync(join(dir, 'mine'), { force: true });
    rmSync(join(dir, 'theirs'), { force: true });
    const args = words.split(' ');
    const theirs = qemuImg(['convert', ...args, 'theirs'], { cwd: dir });
    const mine = await diskwright(['convert', ...args, 'mine'], dir);
    expect({ status: mine.status, stdout: mine.stdout }, mine.stderr).toEqual({
      status: theirs.code,
      stdout: theirs.stdout,
    });
    if (theirs.code === 0) expectSameFile('mine', 'theirs', words);
  });

  test.each([
    '',
    'mixed.raw',
    '-O nosuch mixed.raw new',
    '-O bochs mixed.raw new',
    '-S 3 mixed.raw new',
    '-S foo mixed.raw new',
    '-S 32M mixed.raw new',
    '-m 0 mixed.raw new',
    '-m 17 mixed.raw new',
    '-m x mixed.raw new',
    '-n -O qcow2 -o compat=v3 mixed.raw small.qcow2',
    '-n -O qcow2 mixed.raw small.qcow2',
    '-n -O qcow2 mixed.raw nosuch',
    '-t foo mixed.raw new',
    '-T foo mixed.raw new',
    '-c mixed.raw new',
    '-c -O raw mixed.raw new',
    '-c -O qcow2 -o preallocation=metadata mixed.raw new',
    '-c -O qcow2 -o data_file=d.raw mixed.raw new',
    '-B small.qcow2 -O qcow2 mixed.raw new',
    '-F qcow2 -O qcow2 mixed.raw new',
    '-B small.qcow2 -F qcow2 mixed.raw new',
    '-B small.qcow2 -F qcow2 -O qcow2 mixed.raw small.qcow2 new',
    '-B nosuch -F raw -O qcow2 mixed.raw new',
    '-l s mixed.raw new',
    '-l s small.qcow2 new',
    '-l snapshot.name=s small.qcow2 new',
    '-l snapshot.foo=s small.qcow2 new',
    '-l s small.qcow2 small.qcow2 new',
    'mixed.raw mixed.raw',
    '-n mixed.raw mixed.raw',
    '--target-is-zero mixed.raw new',
    '-C -c mixed.raw new',
    '-O qcow2 -o nosuch=1 mixed.raw new',
    '-O qcow2 -o cluster_size=3k mixed.raw new',
    '-O qcow2 -o compat=0.10,extended_l2=on mixed.raw new',
    'mixed.raw no/such/folder',
    '-z mixed.raw new',
  ])('refused: %s', async (words) => {
    const before = execFileSync('ls', ['-a', dir], { encoding: 'utf8' });
    const small = readFileSync(join(dir, 'small.qcow2'));
    const args = words.split(' ').filter((word) => word !== '');
    const mine = await diskwright(['convert', ...args], dir);
    expect(mine).toMatchObject({ status: 1, stdout: '' });
    for (const line of mine.stderr.split('\n').slice(0, -1)) expect(line).toMatch(/^diskwright: /);
    expect(mine.stderr).not.toBe('');
    expect(mine.stderr).not.toContain('defect');
    expect(execFileSync('ls', ['-a', dir], { encoding: 'utf8' }), 'nothing is left').toBe(before);
    expect(readFileSync(join(dir, 'small.qcow2')).equals(small)).toBe(true);
    const scratch = mkdtempSync(join(tmpdir(), 'diskwright-convert-'));
    execFileSync('cp', [join(dir, 'mixed.raw'), join(dir, 'small.qcow2'), scratch]);
    const theirs = qemuImg(['convert', ...args], { cwd: scratch });
    rmSync(scratch, { recursive: true });
    expect(theirs.code, theirs.stderr).toBe(1);
  });
});
