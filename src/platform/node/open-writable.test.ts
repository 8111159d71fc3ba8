/** Opening to write: what a name inside an image may make us write, what is refused, and that nothing stays open. */
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readGuest } from '../../engine/image/access.ts';
import { createImageFile } from './create-image-file.ts';
import { openWritableImage, type WritableOptions, withWritableImage } from './open-writable.ts';
import { runSteps } from './run-steps.ts';

const NOBODY = 65534;

let dir: string;
let warnings: string[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const options = (more: Partial<WritableOptions> = {}): WritableOptions => ({
  cwd: dir,
  onWarning: (text) => warnings.push(text),
  ...more,
});
const openFiles = (): number => readdirSync('/proc/self/fd').length;
const bytes = (name: string): Buffer => readFileSync(join(dir, name));

describe('a raw image', () => {
  test('is written in place, through a symbolic link, and grows to whole sectors only where it is written', async () => {
    writeFileSync(join(dir, 'disk'), Buffer.alloc(1000, 1));
    symlinkSync('disk', join(dir, 'link'));
    await withWritableImage({ name: 'link', format: 'raw' }, options(), ({ image, chain }) => {
      expect(image.virtualSize).toBe(1024);
      image.discard(900, 124);
      image.write(10, Uint8Array.of(7, 8));
      image.zero(100, 3);
      const read = new Uint8Array(1024);
      readGuest(chain, 0, read);
      const wanted = Buffer.concat([Buffer.alloc(900, 1), Buffer.alloc(124)]);
      wanted.set([7, 8], 10);
      wanted.fill(0, 100, 103);
      expect(Buffer.from(read).equals(wanted)).toBe(true);
    });
    expect(bytes('disk').length).toBe(1000);
    await withWritableImage({ name: 'disk', format: 'raw' }, options(), ({ image }) => {
      image.write(1023, Uint8Array.of(9));
      expect(() => image.write(1023, Uint8Array.of(1, 2))).toThrow('not all on the disk of 1024');
      expect(() => image.zero(1024, 1)).toThrow('not all on the disk');
      expect(() => image.discard(-1, 1)).toThrow('not all on the disk');
    });
    expect(bytes('disk').length).toBe(1024);
    expect(bytes('disk')[1023]).toBe(9);
  });
});

describe('a raw image whose format was not given', () => {
  const magic = Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3);

  test('cannot be made to look like an image of another format, in one write or in two', async () => {
    writeFileSync(join(dir, 'disk'), Buffer.alloc(4096, 1));
    await withWritableImage({ name: 'disk' }, options(), ({ image }) => {
      expect(() => image.write(0, magic)).toThrow('would look like that of a qcow2 image');
      image.write(4, magic.subarray(4));
      expect(() => image.write(0, magic.subarray(0, 4))).toThrow('would look like');
      image.write(512, magic);
      image.write(0, Uint8Array.of(7));
      image.zero(100, 50);
    });
    expect(warnings).toEqual([expect.stringContaining('disk: its format was not given')]);
    expect([...bytes('disk').subarray(0, 2)]).toEqual([7, 1]);
  });

  test('may be written anyhow where raw is said', async () => {
    writeFileSync(join(dir, 'disk'), Buffer.alloc(4096, 1));
    await withWritableImage({ name: 'disk', format: 'raw' }, options(), ({ image }) => image.write(0, magic));
    expect(warnings).toEqual([]);
    expect(bytes('disk').subarray(0, 8).equals(magic)).toBe(true);
  });
});

describe('refused, with nothing changed and nothing left open:', () => {
  test.each([
    ['nowhere', undefined, 'there is no such file'],
    ['sub', undefined, 'only regular files and block devices are opened'],
    ['nbd:host', undefined, '"nbd:" names a protocol'],
    ['disk', 'vdi', 'cannot be written so far'],
    ['disk', 'foo', 'the format "foo" cannot be opened here'],
  ])('%s as %s', async (name, format, why) => {
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'disk'), Buffer.alloc(1024, 1));
    const before = openFiles();
    const reference = format === undefined ? { name } : { name, format };
    await expect(openWritableImage(reference, options())).rejects.toThrow(why);
    expect(openFiles()).toBe(before);
    expect(bytes('disk').equals(Buffer.alloc(1024, 1))).toBe(true);
  });

  test('a file that may not be written', async () => {
    writeFileSync(join(dir, 'disk'), Buffer.alloc(1024, 1));
    chmodSync(join(dir, 'disk'), 0o444);
    chmodSync(dir, 0o755);
    // Nothing is forbidden to root: it becomes nobody for the attempt.
    const root = process.getuid?.() === 0;
    if (root) process.seteuid?.(NOBODY);
    try {
      await expect(openWritableImage({ name: 'disk' }, options())).rejects.toThrow('permission is missing');
    } finally {
      if (root) process.seteuid?.(0);
    }
  });
});

describe('a data file named inside the image', () => {
  const withData = async (name: string, make = true): Promise<void> => {
    const options = { size: '1M', data_file: name };
    await createImageFile({ file: 'x.qcow2', format: 'qcow2', cwd: dir, options });
    if (!make) rmSync(join(dir, name));
  };

  test('outside the folder is written only where that is allowed', async () => {
    mkdirSync(join(dir, 'sub'));
    await createImageFile({ file: 'sub/x', format: 'qcow2', cwd: dir, options: { size: '1M', data_file: 'outer' } });
    const before = openFiles();
    await expect(openWritableImage({ name: 'sub/x' }, options())).rejects.toMatchObject({
      message: expect.stringContaining('names the data file outer, which is outside its folder'),
      fix: 'If it is to be written: --allow-outside.',
    });
    expect(openFiles()).toBe(before);
  });

  test('that leads outside by a symbolic link is outside', async () => {
    await withData('x.data', false);
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'secret'), Buffer.alloc(2 ** 20, 5));
    symlinkSync('../secret', join(dir, 'sub/x.data'));
    writeFileSync(join(dir, 'sub/x'), bytes('x.qcow2'));
    const cwd = join(dir, 'sub');
    await expect(openWritableImage({ name: 'x' }, options({ cwd }))).rejects.toThrow('outside its folder');
    expect(bytes('secret').equals(Buffer.alloc(2 ** 20, 5))).toBe(true);
  });

  test('is refused altogether without external files, and where it is the image itself', async () => {
    await withData('x.data', false);
    const before = openFiles();
    await expect(openWritableImage({ name: 'x.qcow2' }, options({ noExternal: true }))).rejects.toThrow(
      '--no-external opens none',
    );
    linkSync(join(dir, 'x.qcow2'), join(dir, 'x.data'));
    await expect(openWritableImage({ name: 'x.qcow2' }, options())).rejects.toThrow('which it would overwrite');
    expect(openFiles()).toBe(before);
  });
});

describe('work in steps', () => {
  test('ends between two steps when it is cancelled, and cleans up', async () => {
    const events: string[] = [];
    const signal = new AbortController();
    function* steps() {
      try {
        for (let done = 0; ; done++) {
          if (done === 3) signal.abort();
          const until = performance.now() + 60;
          while (performance.now() < until);
          yield { done, total: 10 };
        }
      } finally {
        events.push('cleaned up');
      }
    }
    const onProgress = (done: number): void => void events.push(`${done}`);
    await expect(runSteps(steps(), { signal: signal.signal, onProgress })).rejects.toMatchObject({ kind: 'cancelled' });
    expect(events).toEqual(['0', '1', '2', '3', 'cleaned up']);
  });

  test('that fails in the middle closes the image and tells the first failure', async () => {
    writeFileSync(join(dir, 'disk'), Buffer.alloc(1024, 1));
    const before = openFiles();
    const body = (): never => {
      throw new Error('first');
    };
    await expect(withWritableImage({ name: 'disk' }, options(), body)).rejects.toThrow('first');
    expect(openFiles()).toBe(before);
  });
});
