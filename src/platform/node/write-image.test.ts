import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileLayout, type ImageLayout, type Piece, pieceLayout } from '../../engine/image/layout.ts';
import { layoutForDevice } from './block-device.ts';
import { planTarget } from './target.ts';
import { writeImage } from './write-image.ts';

let dir: string;
let said: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  said = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const at = (name: string): string => join(dir, name);
const options = () => ({
  cwd: dir,
  onNote: (text: string) => said.push(`note: ${text}`),
  onWarning: (text: string) => said.push(`warning: ${text}`),
});

/** Bytes 1, 2, 3 at 0 and a hole behind; or a fault while they are filled in. */
function layout(length: number, fault?: () => void, content: Piece['content'] = 'bytes'): FileLayout {
  const piece: Piece = { part: 'header', index: 0, at: 0, length: Math.min(3, length), content };
  return pieceLayout(
    length,
    () => [piece],
    (_piece, from, into) => {
      fault?.();
      into.forEach((_, i) => {
        into[i] = from + i + 1;
      });
    },
  );
}
const image = (length = 1000): ImageLayout => ({ image: layout(length) });
const failing: ImageLayout = {
  image: layout(1000, () => {
    throw new Error('a fault');
  }),
};
const withData = (name: string): ImageLayout => ({ image: layout(1000), dataFile: { name, layout: layout(500) } });
const mode = (name: string): string => (statSync(at(name)).mode & 0o7777).toString(8);

describe('a new or ordinary file', () => {
  test('has its bytes, length and mode, and no part is left', async () => {
    const umask = process.umask(0o027);
    try {
      await writeImage('x', image(), options());
    } finally {
      process.umask(umask);
    }
    const bytes = readFileSync(at('x'));
    expect([bytes.length, ...bytes.subarray(0, 4)]).toEqual([1000, 1, 2, 3, 0]);
    expect(mode('x')).toBe('640');
    expect(readdirSync(dir)).toEqual(['x']);
    expect(said).toEqual([]);
  });

  test('replaces an older one and keeps its mode', async () => {
    writeFileSync(at('x'), 'old'.repeat(1000));
    chmodSync(at('x'), 0o604);
    await writeImage('x', image(), options());
    expect([statSync(at('x')).size, mode('x')]).toEqual([1000, '604']);
  });

  test('a failure leaves what was there, byte for byte, and nothing else', async () => {
    writeFileSync(at('x'), 'old');
    await expect(writeImage('x', failing, options())).rejects.toThrow('a fault');
    await expect(writeImage('new', failing, options())).rejects.toThrow('a fault');
    expect([readdirSync(dir), readFileSync(at('x'), 'utf8')]).toEqual([['x'], 'old']);
  });

  test('does not disturb the part of another run', async () => {
    writeFileSync(at('.x.part'), 'another run');
    await writeImage('x', image(), options());
    expect(readdirSync(dir)).toEqual(['.x.part', 'x']);
    expect(readFileSync(at('.x.part'), 'utf8')).toBe('another run');
  });

  test('a name as long as names can be works', async () => {
    const name = 'n'.repeat(255);
    await writeImage(name, image(), options());
    expect(readdirSync(dir)).toEqual([name]);
  });

  test('a cancel leaves nothing', async () => {
    const cancel = new AbortController();
    const endless = pieceLayout(2 ** 40, () => [{ part: 'data', index: 0, at: 0, length: 2 ** 40, content: 'bytes' }]);
    setTimeout(() => cancel.abort(), 30);
    const run = writeImage('x', { image: endless }, { ...options(), signal: cancel.signal });
    await expect(run).rejects.toMatchObject({ kind: 'cancelled' });
    expect(readdirSync(dir)).toEqual([]);
  });

  test("`..` behind a linked folder is that folder's parent, as the system sees it", async () => {
    mkdirSync(at('far/deep'), { recursive: true });
    symlinkSync('far/deep', at('link'));
    await writeImage('link/../x', image(), options());
    expect(readdirSync(at('far')).toSorted()).toEqual(['deep', 'x']);
    expect(readdirSync(dir).toSorted()).toEqual(['far', 'link']);
    expect(() => planTarget('missing/../x', dir)).toThrow('look at its folder');
  });
});

describe('in place, with a line that says so', () => {
  test('a symbolic link stays one, and its end gets the image', async () => {
    mkdirSync(at('store'));
    writeFileSync(at('store/real'), 'old'.repeat(1000));
    symlinkSync('store/real', at('x'));
    await writeImage('x', image(), options());
    expect(lstatSync(at('x')).isSymbolicLink()).toBe(true);
    expect(statSync(at('store/real')).size).toBe(1000);
    expect(said).toEqual(['note: x: written in place, because it is a symbolic link']);
  });

  test('a dangling link makes its end, and a failure removes it again', async () => {
    symlinkSync('real', at('x'));
    await expect(writeImage('x', failing, options())).rejects.toThrow('a fault');
    expect(readdirSync(dir)).toEqual(['x']);
    await writeImage('x', image(), options());
    expect(statSync(at('real')).size).toBe(1000);
  });

  test('hard links keep sharing the file', async () => {
    writeFileSync(at('x'), 'old');
    linkSync(at('x'), at('y'));
    await writeImage('x', image(), options());
    expect(statSync(at('y')).size).toBe(1000);
    expect(said[0]).toContain('one of 2 hard links');
  });

  test('a failure restores the length and says what is lost', async () => {
    writeFileSync(at('real'), 'old');
    symlinkSync('real', at('x'));
    await expect(writeImage('x', failing, options())).rejects.toThrow('a fault');
    expect(statSync(at('real')).size).toBe(3);
    expect(said[1]).toBe('warning: x: it was written in place, so what it held is lost');
  });
});

describe('refused before anything is opened', () => {
  test.each([
    ['folder', 'this is a folder'],
    ['folder/', 'this is a folder'],
    ['new/', 'names a folder'],
    ['nowhere/x', 'no such file or folder'],
    ['old/x', 'not a folder'],
    ['/dev/null', 'a character device'],
    ['loop', 'circle'],
    ['', 'empty'],
    ['nbd:x', 'protocol'],
    ['n'.repeat(256), 'too long'],
  ])('%s', async (name, why) => {
    mkdirSync(at('folder'));
    writeFileSync(at('old'), 'old');
    symlinkSync('loop', at('loop'));
    const before = readdirSync(dir);
    await expect(writeImage(name, failing, options())).rejects.toThrow(why);
    expect(readdirSync(dir)).toEqual(before);
    expect(readFileSync(at('old'), 'utf8')).toBe('old');
  });

  test('a file of the backing chain, under any name', async () => {
    writeFileSync(at('base'), 'precious');
    symlinkSync('base', at('x'));
    const { dev, ino } = statSync(at('base'));
    const inUse = new Map([[`${dev}:${ino}`, 'the backing image base']]);
    await expect(writeImage('x', image(), { ...options(), inUse })).rejects.toThrow('would destroy the backing image');
    await expect(writeImage('new', withData('base'), { ...options(), inUse })).rejects.toThrow('would destroy');
    expect([existsSync(at('new')), readFileSync(at('base'), 'utf8')]).toEqual([false, 'precious']);
  });
});

describe('data files', () => {
  test('come beside the image; one that holds something is named in a warning', async () => {
    await writeImage('x', withData('d'), options());
    expect([statSync(at('x')).size, statSync(at('d')).size, said]).toEqual([1000, 500, []]);
    await writeImage('x', withData('d'), options());
    expect(said).toEqual(['warning: d: the data file exists, its 500 bytes are overwritten']);
  });

  test.each([['x'], ['./x'], ['sub/../x'], ['link']])('the image itself is refused as %s', async (name) => {
    mkdirSync(at('sub'));
    if (name === 'link') {
      writeFileSync(at('x'), 'old');
      symlinkSync('x', at('link'));
    }
    const before = readdirSync(dir);
    await expect(writeImage('x', withData(name), options())).rejects.toThrow('the data file is the image itself');
    expect(readdirSync(dir)).toEqual(before);
  });

  test('a failure of either leaves neither', async () => {
    const broken = { ...withData('d'), dataFile: { name: 'd', layout: failing.image } };
    await expect(writeImage('x', broken, options())).rejects.toThrow('a fault');
    await expect(writeImage('x', withData('nowhere/d'), options())).rejects.toThrow('no such file or folder');
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('block devices (a file stands in for one)', () => {
  const plan = () => {
    writeFileSync(at('device'), '');
    truncateSync(at('device'), 4096);
    return planTarget('device', dir);
  };

  test('one that is too small is refused before it is written', () => {
    expect(() => layoutForDevice(plan(), layout(4097), 'image')).toThrow(expect.objectContaining({ kind: 'no-space' }));
    expect(layoutForDevice(plan(), layout(4096), 'image').length).toBe(4096);
  });

  test('an image cannot preallocate there, a data file is left as it is', () => {
    const zeros = layout(100, undefined, 'zeros');
    expect(() => layoutForDevice(plan(), zeros, 'image')).toThrow('cannot preallocate');
    expect([...layoutForDevice(plan(), zeros, 'data file').pieces()].map((piece) => piece.content)).toEqual(['hole']);
  });
});
