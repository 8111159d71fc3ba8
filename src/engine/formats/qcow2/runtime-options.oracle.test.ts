/** Settings of an open image: what is refused is what qemu-io refuses; the sizes of the caches follow QEMU's rules. */
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NodeReadDevice } from '../../../platform/node/file-device.ts';
import { qemuImgOrThrow, qemuIo } from '../../../testing/oracle/qemu-tools.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { parseOptionList } from '../../options/option-list.ts';
import { openHeader } from './open-header.ts';
import { Overlap, type RuntimeOptions, readRuntimeOptions } from './runtime-options.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  const make = (name: string, options: string, size: string) =>
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', options, name, size], { cwd: dir });
  make('plain', 'compat=1.1', '1M');
  make('old', 'compat=0.10', '1M');
  make('lazy', 'lazy_refcounts=on', '1M');
  make('tiny', 'cluster_size=512', '1M');
  make('huge', 'compat=1.1', '1T');
  make('extended', 'extended_l2=on', '1T');
});
afterAll(() => rmSync(dir, { recursive: true }));

function read(name: string, texts: OptionTexts, unmap = false): RuntimeOptions {
  const device = new NodeReadDevice(openSync(join(dir, name), 'r'), name);
  try {
    const header = openHeader(device);
    return readRuntimeOptions(texts, header, header.virtualSize, unmap);
  } finally {
    device.close();
  }
}

const accepted = (name: string, list: string): boolean => {
  try {
    read(name, parseOptionList(list) ?? {});
    return true;
  } catch {
    return false;
  }
};

test.each(
  [
    'cache-size=1M,l2-cache-size=512k,refcount-cache-size=512k',
    'cache-size=1M,l2-cache-size=512k',
    'cache-size=1M,l2-cache-size=1M',
    'cache-size=1M,l2-cache-size=1025k',
    'cache-size=1M,refcount-cache-size=1M',
    'cache-size=1M,refcount-cache-size=2M',
    'cache-size=0',
    'l2-cache-size=0,refcount-cache-size=0',
    'l2-cache-size=9E',
    'refcount-cache-size=9E',
    'l2-cache-size=-1',
    'l2-cache-size=1x',
    'l2-cache-size=1.5M',
    'l2-cache-entry-size=511',
    'l2-cache-entry-size=512',
    'l2-cache-entry-size=1000',
    'l2-cache-entry-size=4k',
    'l2-cache-entry-size=64k',
    'l2-cache-entry-size=128k',
    'overlap-check=none',
    'overlap-check=constant',
    'overlap-check=cached',
    'overlap-check=all',
    'overlap-check=All',
    'overlap-check=foo',
    'overlap-check=all,overlap-check.template=none',
    'overlap-check=all,overlap-check.template=all',
    'overlap-check.template=none,overlap-check.active-l1=on',
    'overlap-check.bitmap-directory=off',
    'overlap-check.inactive-l2=maybe',
    'overlap-check.nothing=on',
    'lazy-refcounts=on',
    'lazy-refcounts=off',
    'lazy-refcounts=yes',
    'lazy-refcounts=1',
    'pass-discard-request=off,pass-discard-snapshot=off,pass-discard-other=on',
    'pass-discard-other=x',
    'cache-clean-interval=0',
    'cache-clean-interval=4294967295',
    'cache-clean-interval=4294967296',
    'cache-clean-interval=x',
    'no-such-setting=1',
  ].flatMap((list) => ['plain', 'old', 'tiny', 'huge'].map((name) => [name, list] as const)),
)('%s with %s', (name, list) => {
  const { code } = qemuIo(['-c', 'quit', '--image-opts', `driver=qcow2,file.filename=${name},${list}`], { cwd: dir });
  expect(accepted(name, list)).toBe(code === 0);
});

describe('read as', () => {
  const MIB = 2 ** 20;
  test.each<[string, OptionTexts, Partial<RuntimeOptions>]>([
    ['plain', {}, { l2CacheBytes: 131072, l2EntryBytes: 65536, refcountCacheBytes: 262144, lazyRefcounts: false }],
    ['huge', {}, { l2CacheBytes: 32 * MIB, l2EntryBytes: 4096, refcountCacheBytes: 262144 }],
    ['huge', { 'l2-cache-size': '128M' }, { l2CacheBytes: 128 * MIB, l2EntryBytes: 65536 }],
    ['huge', { 'l2-cache-size': '1G' }, { l2CacheBytes: 128 * MIB, l2EntryBytes: 65536 }],
    ['extended', { 'l2-cache-size': '1G' }, { l2CacheBytes: 256 * MIB, l2EntryBytes: 65536 }],
    ['huge', { 'cache-size': '1M' }, { l2CacheBytes: 768 * 1024, refcountCacheBytes: 256 * 1024, l2EntryBytes: 4096 }],
    ['huge', { 'cache-size': '200M' }, { l2CacheBytes: 128 * MIB, refcountCacheBytes: 72 * MIB }],
    ['huge', { 'cache-size': '4M', 'l2-cache-size': '1M' }, { l2CacheBytes: MIB, refcountCacheBytes: 3 * MIB }],
    ['huge', { 'cache-size': '4M', 'refcount-cache-size': '1M' }, { l2CacheBytes: 3 * MIB, refcountCacheBytes: MIB }],
    ['tiny', {}, { l2CacheBytes: 16384, l2EntryBytes: 512, refcountCacheBytes: 2048 }],
    ['tiny', { 'l2-cache-size': '0' }, { l2CacheBytes: 1024, l2EntryBytes: 512 }],
    ['lazy', {}, { lazyRefcounts: true }],
    ['lazy', { 'lazy-refcounts': 'off' }, { lazyRefcounts: false }],
    ['plain', {}, { overlapChecks: 0x17f, passDiscard: { request: false, snapshot: true, other: false } }],
    ['plain', { 'overlap-check': 'none', 'overlap-check.main-header': 'on' }, { overlapChecks: Overlap.header }],
    ['plain', { 'overlap-check.template': 'all', 'overlap-check.active-l1': 'off' }, { overlapChecks: 0x1fd }],
    ['plain', { 'overlap-check': 'constant' }, { overlapChecks: 0x12b }],
  ])('%s %o', (name, texts, wanted) => {
    expect(read(name, texts)).toMatchObject(wanted);
  });

  test('discards reach the host where the image was opened so', () => {
    expect(read('plain', {}, true).passDiscard.request).toBe(true);
    expect(read('plain', { 'pass-discard-request': 'off' }, true).passDiscard.request).toBe(false);
  });
});
