import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackingChain } from './backing-chain.ts';
import { createImageFile } from './create-image-file.ts';

let dir: string;
const warnings: string[] = [];

const open = (name: string, format?: string) =>
  openBackingChain('new.qcow2', format === undefined ? { name } : { name, format }, {
    cwd: dir,
    onWarning: (text) => warnings.push(text),
  });

const overlay = (file: string, backing_file: string, backing_fmt = 'qcow2') =>
  createImageFile({
    file,
    format: 'qcow2',
    cwd: dir,
    unsafe: true,
    options: { size: '1M', backing_file, backing_fmt },
  });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'base'), Buffer.alloc(1000));
  await overlay('a', 'base', 'raw');
  await overlay('sub/b', '../a');
  await overlay('round1', 'round2');
  await overlay('round2', './round1');
  await overlay('pipe.qcow2', 'pipe', 'raw');
  await overlay('json.qcow2', 'json:{"driver":"raw"}', 'raw');
  await overlay('net.qcow2', 'nbd:host', 'raw');
  await overlay('tty.qcow2', '/dev/null', 'raw');
  spawnSync('mkfifo', [join(dir, 'pipe')]);
  symlinkSync('base', join(dir, 'link'));
  for (let i = 0; i < 201; i++) await overlay(`deep${i}`, i === 0 ? 'a' : `deep${i - 1}`);
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the chain below a new image', () => {
  test('is opened to its bottom, each name relative to its own image', async () => {
    const chain = await open('sub/b', 'qcow2');
    expect(chain.map(({ name, format, size }) => [name, format, size])).toEqual([
      ['sub/b', 'qcow2', 1024 * 1024],
      ['sub/../a', 'qcow2', 1024 * 1024],
      ['sub/../base', 'raw', 1024],
    ]);
    expect(warnings).toEqual(['sub/b rests on sub/../a, which is outside its folder']);
  });

  test('probes where no format is given, and takes a link', async () => {
    expect((await open('a'))[0].format).toBe('qcow2');
    expect((await open('link'))[0]).toMatchObject({ format: 'raw', size: 1024 });
  });

  test.each([
    ['nosuch', 'no such file'],
    ['sub', 'only regular files and block devices'],
    ['pipe', 'only regular files and block devices'],
    ['/dev/null', 'only regular files and block devices'],
    ['json:{}', '"json:" names a protocol'],
    ['nbd:host', '"nbd:" names a protocol'],
    ['round1', 'in a circle'],
    ['pipe.qcow2', 'only regular files'],
    ['tty.qcow2', 'only regular files'],
    ['json.qcow2', '"json:" names a protocol'],
    ['net.qcow2', '"nbd:" names a protocol'],
    ['deep200', 'more than 200 images'],
  ])('refuses %s', async (name, why) => {
    await expect(open(name)).rejects.toThrow(why);
  });

  test('refuses a format that the bytes are not, and one that cannot be opened here', async () => {
    await expect(open('base', 'qcow2')).rejects.toMatchObject({ kind: 'not-this-format' });
    await expect(open('base', 'rbd')).rejects.toThrow('"rbd" cannot be opened here');
    await expect(open('base', 'host_device')).rejects.toThrow('cannot be opened here');
  });

  test('200 images are allowed', async () => {
    expect(await open('deep197')).toHaveLength(200);
  });
});
