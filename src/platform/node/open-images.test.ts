/** Names inside images are hostile input: what they may open, what is warned about, and that nothing stays open. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readGuest } from '../../engine/image/access.ts';
import { createImageFile } from './create-image-file.ts';
import { type OpenOptions, openChain } from './open-images.ts';

let dir: string;
let warnings: string[] = [];

const overlay = (file: string, backing_file: string, backing_fmt = 'qcow2') =>
  createImageFile({
    file,
    format: 'qcow2',
    cwd: dir,
    unsafe: true,
    options: { size: '1M', backing_file, backing_fmt },
  });

/** Opens, reads the first sector, closes; what was found at each depth. */
async function look(name: string, more: Partial<OpenOptions> = {}): Promise<readonly [string, string][]> {
  const options = { cwd: dir, onWarning: (text: string) => warnings.push(text), ...more };
  const { layers, chain, close } = await openChain({ name }, options);
  readGuest(chain, 0, new Uint8Array(512));
  close();
  return layers.map((layer) => [layer.name, layer.format]);
}

const openFiles = (): number => readdirSync('/proc/self/fd').length;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'base'), Buffer.alloc(1000, 1));
  await overlay('a', 'base', 'raw');
  await overlay('sub/b', '../a');
  await overlay('sub/inside', 'c/../b');
  mkdirSync(join(dir, 'sub/c'));
  await overlay('round1', 'round2');
  await overlay('round2', './round1');
  await overlay('self', 'self2');
  symlinkSync('self', join(dir, 'self2'));
  await overlay('pipe.qcow2', 'pipe', 'raw');
  await overlay('tty.qcow2', '/dev/null', 'raw');
  await overlay('json.qcow2', 'json:{"driver":"raw"}', 'raw');
  await overlay('net.qcow2', 'nbd:host', 'raw');
  await overlay('lost.qcow2', 'nowhere', 'raw');
  await overlay('vdi.qcow2', 'base', 'vdi');
  spawnSync('mkfifo', [join(dir, 'pipe')]);
  for (let i = 0; i < 201; i++) await overlay(`deep${i}`, i === 0 ? 'a' : `deep${i - 1}`);
  const data = { size: '1M', data_file: 'outer.data' };
  await createImageFile({ file: join(dir, 'outer.qcow2'), format: 'qcow2', cwd: dir, options: data });
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(() => {
  warnings = [];
});

describe('a chain', () => {
  test('is opened to its bottom, names relative to each image', async () => {
    const before = openFiles();
    expect(await look('sub/inside')).toEqual([
      ['sub/inside', 'qcow2'],
      ['sub/c/../b', 'qcow2'],
      ['sub/c/../../a', 'qcow2'],
      ['sub/c/../../base', 'raw'],
    ]);
    expect(openFiles()).toBe(before);
  });

  test('that leaves its folder says so, once for each image that does', async () => {
    await look('sub/b');
    expect(warnings).toEqual(['sub/b uses sub/../a, which is outside its folder']);
  });

  test('of 200 images is opened, one more is refused', async () => {
    // The first overlay rests on a, and a on base.
    expect(await look('deep197')).toHaveLength(200);
    await expect(look('deep198')).rejects.toThrow('more than 200 images rest on each other');
  });

  test.each([
    ['round1', 'leads in a circle'],
    ['self', 'leads in a circle'],
    ['pipe.qcow2', 'cannot be a backing image: only regular files are opened'],
    ['tty.qcow2', 'cannot be a backing image: only regular files are opened'],
    ['json.qcow2', '"json:" names a protocol'],
    ['net.qcow2', '"nbd:" names a protocol'],
    ['lost.qcow2', 'there is no such file or folder'],
    ['vdi.qcow2', 'cannot be read here so far'],
    ['pipe', 'cannot be an image'],
    ['nowhere', 'there is no such file or folder'],
    ['sub', 'cannot be an image'],
  ])('of %s is refused, and nothing stays open', async (name, why) => {
    const before = openFiles();
    await expect(look(name)).rejects.toThrow(why);
    expect(openFiles()).toBe(before);
  });
});

describe('without external files', () => {
  test.each(['a', 'outer.qcow2'])('%s is refused', async (name) => {
    const before = openFiles();
    await expect(look(name, { noExternal: true })).rejects.toThrow('--no-external opens none');
    expect(openFiles()).toBe(before);
  });

  test('an image of its own is opened', async () => {
    expect(await look('base', { noExternal: true })).toEqual([['base', 'raw']]);
  });
});

test('a data file is opened by its name in the current folder', async () => {
  expect(await look('outer.qcow2')).toEqual([['outer.qcow2', 'qcow2']]);
  expect(warnings).toEqual([]);
  await expect(look(join(dir, 'outer.qcow2'), { cwd: join(dir, 'sub') })).rejects.toThrow('open the data file');
  writeFileSync(join(dir, 'sub/outer.data'), Buffer.alloc(1024 * 1024));
  await look('../sub/../outer.qcow2', { cwd: join(dir, 'sub') });
  expect(warnings).toEqual([]);
});
