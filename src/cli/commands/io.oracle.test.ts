/** `io` beside qemu-io: the same commands print the same (times aside), return the same and leave the same file. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';
import { main } from '../main.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  mkdirSync(join(dir, 'stock'));
  const cwd = join(dir, 'stock');
  writeFileSync(join(cwd, 'raw'), '');
  truncateSync(join(cwd, 'raw'), 2 ** 20);
  writeFileSync(join(cwd, 'odd'), Buffer.alloc(1000, 0x61));
  writeFileSync(join(cwd, 'text'), 'some words\n');
  writeFileSync(join(cwd, 'base'), Buffer.alloc(2 ** 20, 0xbb));
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'qcow2', '1M'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'compat=0.10', 'old', '1M'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', 'lazy', '1M'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on', 'extended', '1M'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'data_file=guest', 'data', '1M'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'empty', '0'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', 'overlay'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-b', 'empty', '-F', 'qcow2', 'zeros', '1M'], { cwd });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', '-b', 'base', '-F', 'raw', 'small', '43k'], {
    cwd,
  });
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly files: Record<string, string>;
}

const filesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );

let run = 0;
function inCopy<T>(body: (cwd: string) => T): T {
  const cwd = join(dir, `run${run++}`);
  cpSync(join(dir, 'stock'), cwd, { recursive: true });
  return body(cwd);
}

async function ours(args: readonly string[], input?: string): Promise<Outcome> {
  return await inCopy(async (cwd) => {
    let [stdout, stderr] = ['', ''];
    const status = await main(['io', ...args], {
      cwd,
      stdout: (text) => {
        stdout += text;
      },
      stderr: (text) => {
        stderr += text;
      },
      async *stdin() {
        if (input) yield* input.split('\n').slice(0, -1);
      },
    });
    return { status, stdout, stderr, files: filesOf(cwd) };
  });
}

function theirs(args: readonly string[]): Outcome {
  return inCopy((cwd) => {
    const { code, stdout, stderr } = qemuIo(args, { cwd });
    return { status: code, stdout, stderr, files: filesOf(cwd) };
  });
}

const withoutTimes = (text: string): string =>
  text
    .replaceAll(/^(.*, 1 ops; ).*$/gm, '$1')
    .replaceAll(/^(\d+,1,)\d+:\d\d:\d\d\.\d\d,[\d.]+,[\d.]+$/gm, '$1')
    .replaceAll(/[\d.]+ (?:[KMGTPE]i)?B?(?:bytes)?\/sec and [\d.]+ ops\/sec/g, '');

async function same(args: readonly string[]): Promise<void> {
  const wanted = theirs(args);
  const got = await ours(args);
  expect({ args, ...got, stdout: withoutTimes(got.stdout), stderr: '' }).toEqual({
    args,
    ...wanted,
    stdout: withoutTimes(wanted.stdout),
    stderr: '',
  });
  for (const line of got.stderr.split('\n').slice(0, -1)) expect(line).toMatch(/^diskwright: /);
}

const commands = (lines: string): string[] => lines.split('; ').flatMap((line) => ['-c', line]);

const SCRIPTS = [
  'write -P 0x41 64k 4k; read -P 0x41 64k 4k; read -v 65530 40; read -P 0x42 64k 8k; read 64k 8k',
  'read -P 0 0 4k; read -P 0 -s 1k -l 2k 0 8k; read -P 1 -l 3k 0 4k; read -q -P 1 0 4k; read -qv 0 16',
  'write 0 1; write 100 0; write 100 4k; write -P 010 0 4k; w 1k 1k; r 0 2k',
  'write -z 0 64k; write -z -u 0 64k; write -P 1 0 256k; write -z 64k 64k; write -zu 128k 64k; read -P 0 64k 128k',
  'write -P 1 0 256k; discard 64k 64k; d -q 0 4k; write -P 2 512k 4k; discard -C 0 64k',
  'length; l; map; alloc 0; alloc 64k 4k; alloc 64k 128k; alloc 2M; a 100 1000',
  'write 64k 64k; map; alloc 0 1M; info; i',
  'flush; f; aio_flush; aio_write -P 2 128k 4k; aio_flush; aio_read -P 2 128k 4k; aio_flush',
  'aio_read -P 3 128k 4k; aio_flush',
  'aio_read 5M 4k; aio_flush',
  'writev -P 3 0 512 512 1k; readv -P 3 0 1k 1k; readv -v 0 16; readv -P 4 0 1k; writev -q 0 4k',
  'read 5M 4k; length',
  'write 5M 4k; writev 5M 4k; readv 5M 4k; discard 5M 4k; discard 960k 128k; write -z 5M 4k',
  'write 1M 0; write 1M 1; read 1M 0; read 1048575 1; write 1048575 2',
  'write -C 0 4k; read -C 0 4k; write -f -P 5 0 4k',
  'write -s text -q 1000 4k; read -v 1000 30',
  'write -c 64k 4k; write -c 1k 64k',
  'sleep 1; length; quit; length',
  'write -P 7 0 64k; reopen -r; read -P 7 0 4k; length; reopen -w; write 0 4k',
  'close; open qcow2; length; write -q 0 4k',
  'write -P 1 0 1M; read -P 1 0 1M',
  'write -P 1 32k 256k; discard 0 64k; write -P 9 500k 30k; write -z 500k 10k',
];

describe('a script of commands', () => {
  const images = [
    ['raw', '-f', 'raw'],
    ['qcow2'],
    ['old'],
    ['lazy'],
    ['extended'],
    ['data'],
    ['overlay'],
    ['odd', '-f', 'raw'],
    ['empty'],
    ['-r', 'qcow2'],
    ['-d', 'ignore', 'qcow2'],
  ];
  for (const image of images) {
    test.each(SCRIPTS)(`${image.join(' ')}: %s`, async (lines) => {
      // Opening without a name of its own closes the image; a raw one has been recognised then.
      if (lines.startsWith('close') && image.length > 1) return;
      await same([...image, ...commands(lines)]);
    });
  }
});

test('a raw image that was recognised as such does not become one of another format', async () => {
  const header = `write -s qcow2 0 64k`;
  for (const args of [['raw'], ['-f', 'raw', 'raw']]) await same([...args, ...commands(`${header}; write -P 1 0 4k`)]);
});

test('compressed clusters have the same content and checks', async () => {
  const args = commands('write -c -P 3 128k 64k; write -c -P 4 192k 128k; write -c -P 5 960k 64k; write -c 128k 64k');
  const wanted = theirs(['qcow2', ...args]);
  const got = await ours(['qcow2', ...args]);
  expect([got.status, withoutTimes(got.stdout)]).toEqual([wanted.status, withoutTimes(wanted.stdout)]);
  const cwd = join(dir, `run${run - 1}`);
  expect(qemuImgOrThrow(['check', 'qcow2'], { cwd }).stdout).toContain('No errors were found');
  expect(qemuIo(['-c', 'read -P 3 128k 64k', '-c', 'read -P 4 192k 128k', 'qcow2'], { cwd }).code).toBe(0);
});

describe('copying on reading', () => {
  test.each([
    ['overlay', 'read -P 0xbb 100k 4k; map'],
    ['overlay', 'write -P 1 64k 64k; read 0 1M; map'],
    ['overlay', 'write -z 64k 64k; read 10k 200k; discard 0 64k; read 0 64k; map'],
    ['overlay', 'reopen -r; read 0 64k; reopen -w; read 0 64k; map'],
    ['zeros', 'read 0 1M; map'],
    ['qcow2', 'read 0 1M; map'],
    ['old', 'read 0 100k; map'],
    ['small', 'read 0 1k; map; read 40k 3k; map'],
  ])('%s: %s', async (image, lines) => {
    await same(['-C', image, ...commands(lines)]);
  });

  test('needs an image that is open for writing', async () => {
    const args = ['-r', '-C', '-c', 'length', 'overlay'];
    expect((await ours(args)).status).toBe(theirs(args).status);
  });
});

describe('lines that cannot be run', () => {
  test.each([
    'foo',
    'write',
    'write 0',
    'write 0 x',
    'write x 0',
    'write 0 4k 5',
    'read -z 0 1',
    'read -l 3k 0 4k',
    'read -P 3 -s 5k 0 4k',
    'read -P 999 0 4k',
    'read 0 3G',
    'discard 0 3G',
    'write -u 0 4k',
    'write -z -P 3 0 4k',
    'write -s nofile 0 4k',
    'write 0 99999999999999999999',
    'write 0 -1',
    'read -- -1 4',
    'length x',
    'truncate',
    'truncate -m foo 3M',
    'sleep x',
    'alloc x',
    'open raw',
    'reopen -r -w',
    'readv 0',
    'write -P 0x1g 0 4k',
    'help foo',
    'write 9E 4k',
  ])('%s', async (line) => {
    const wanted = theirs(['-c', line, '-c', 'length', 'qcow2']);
    const got = await ours(['-c', line, '-c', 'length', 'qcow2']);
    expect([got.status, got.files]).toEqual([wanted.status, wanted.files]);
    // What qemu-io says about it on stdout is about its own usage; ours is one line on stderr.
    expect(got.stdout).toBe('1 MiB\n');
    expect(got.stderr).toMatch(/^diskwright: .+\n$/);
  });

  test.each(['write 0 4k', 'write -z 0 4k', 'discard 0 4k', 'truncate 2M', 'writev 0 4k'])(
    '%s of an image that is open for reading',
    async (line) => {
      const wanted = theirs(['-r', '-c', line, 'qcow2']);
      const got = await ours(['-r', '-c', line, 'qcow2']);
      expect([got.status, got.stdout, got.files]).toEqual([wanted.status, wanted.stdout, wanted.files]);
      expect(got.stderr).toBe('diskwright: qcow2 is open for reading only\n');
    },
  );

  test.each([
    'write -b 0 4k',
    'read -b 0 4k',
    'write -z -n 0 64k',
    'aio_write -i 0 4k',
    'abort',
    'open -s raw',
    'sigraise 9',
  ])('%s is not available, and says so', async (line) => {
    const got = await ours(['-c', line, 'qcow2']);
    expect(got).toMatchObject({ status: 1, stdout: '' });
    expect(got.stderr).toMatch(/^diskwright: .*not available/);
  });
});

describe('the command line', () => {
  test.each<[string, string[]]>([
    ['no such image', ['-c', 'length', 'nowhere']],
    ['two images', ['-c', 'length', 'raw', 'qcow2']],
    ['no image', ['-c', 'length']],
    ['an unknown discard mode', ['-d', 'foo', '-c', 'length', 'qcow2']],
    ['sharing and writing', ['-U', '-c', 'length', 'qcow2']],
    ['sharing and reading', ['-r', '-U', '-c', 'length', 'qcow2']],
    ['an unknown format', ['-f', 'foo', '-c', 'length', 'qcow2']],
    ['image options and a format', ['--image-opts', '-f', 'qcow2', '-c', 'length', 'driver=qcow2,file.filename=qcow2']],
    ['image options', ['--image-opts', '-c', 'length', 'driver=qcow2,file.filename=qcow2']],
    ['settings', ['--image-opts', '-c', 'write 0 4k', 'driver=qcow2,lazy-refcounts=on,file.filename=qcow2']],
    ['a bad setting', ['--image-opts', '-c', 'length', 'driver=qcow2,overlap-check=x,file.filename=qcow2']],
    ['an unknown setting', ['--image-opts', '-c', 'length', 'driver=qcow2,nothing=x,file.filename=qcow2']],
    ['reading only by option', ['--image-opts', '-c', 'length', '-r', 'driver=qcow2,read-only=on,file.filename=qcow2']],
    ['no command', ['-c', '', 'qcow2']],
    ['a flag behind the name', ['qcow2', '-c', '  length  ']],
  ])('%s', async (_what, args) => {
    const wanted = theirs(args);
    const got = await ours(args);
    expect([got.status, got.files]).toEqual([wanted.status, wanted.files]);
    if (wanted.status === 0) expect(withoutTimes(got.stdout)).toBe(withoutTimes(wanted.stdout));
  });

  test('commands from standard input, a prompt before each', async () => {
    const input = 'length\nread 0 4k\n\nfoo\nquit\nlength\n';
    const got = await ours(['qcow2'], input);
    expect(got.status).toBe(1);
    expect(got.stdout).toMatch(/^qemu-io> 1 MiB\nqemu-io> read 4096\/4096 .*\n.*\nqemu-io> qemu-io> qemu-io> $/);
    expect((await ours(['qcow2'], '')).stdout).toBe('qemu-io> ');
  });
});
