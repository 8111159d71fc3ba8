/**
 * Settings of an open image (contract: systems.md row 32): how much of its tables is kept in memory, whether
 * refcounts may lag behind, which freed space goes back to the host, which writes are checked against tables.
 *
 * Nothing of this is stored in the image. Names and rules are QEMU's.
 */
import { isPowerOfTwo, roundUp } from '../../bytes/math.ts';
import { parseQemuNumber, parseQemuSize } from '../../bytes/size-text.ts';
import { DiskwrightError } from '../../errors.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { FLAG_WORDS } from '../../options/read.ts';
import { Compatible } from './features.ts';
import type { ImageHeader } from './image-header.ts';
import { MIN_CLUSTER_SIZE } from './limits.ts';

/** What a write into the image must not touch: one bit each, in QEMU's order. */
export const Overlap = {
  header: 1 << 0,
  activeL1: 1 << 1,
  activeL2: 1 << 2,
  refcountTable: 1 << 3,
  refcountBlock: 1 << 4,
  snapshotTable: 1 << 5,
  inactiveL1: 1 << 6,
  inactiveL2: 1 << 7,
  bitmapDirectory: 1 << 8,
} as const;

const CONSTANT =
  Overlap.header | Overlap.activeL1 | Overlap.refcountTable | Overlap.snapshotTable | Overlap.bitmapDirectory;
const CACHED = CONSTANT | Overlap.activeL2 | Overlap.refcountBlock | Overlap.inactiveL1;

/** `constant`: known without looking; `cached`: what is in memory anyway; `all`: reads every snapshot's L1 table. */
const TEMPLATES: Readonly<Record<string, number>> = {
  none: 0,
  constant: CONSTANT,
  cached: CACHED,
  all: CACHED | Overlap.inactiveL2,
};

const SINGLE_CHECKS: readonly (readonly [name: string, bit: number])[] = [
  ['overlap-check.main-header', Overlap.header],
  ['overlap-check.active-l1', Overlap.activeL1],
  ['overlap-check.active-l2', Overlap.activeL2],
  ['overlap-check.refcount-table', Overlap.refcountTable],
  ['overlap-check.refcount-block', Overlap.refcountBlock],
  ['overlap-check.snapshot-table', Overlap.snapshotTable],
  ['overlap-check.inactive-l1', Overlap.inactiveL1],
  ['overlap-check.inactive-l2', Overlap.inactiveL2],
  ['overlap-check.bitmap-directory', Overlap.bitmapDirectory],
];

const NAMES: ReadonlySet<string> = new Set([
  'lazy-refcounts',
  'pass-discard-request',
  'pass-discard-snapshot',
  'pass-discard-other',
  'overlap-check',
  'overlap-check.template',
  ...SINGLE_CHECKS.map(([name]) => name),
  'cache-size',
  'l2-cache-size',
  'l2-cache-entry-size',
  'refcount-cache-size',
  'cache-clean-interval',
]);

export interface RuntimeOptions {
  /** Refcounts are written late, under the dirty bit. */
  readonly lazyRefcounts: boolean;
  /** Bytes of L2 tables kept in memory, at least two slices. */
  readonly l2CacheBytes: number;
  /** What the L2 cache loads at once: a slice of a table, at most the whole. */
  readonly l2EntryBytes: number;
  /** Bytes of refcount blocks kept in memory, at least four clusters. */
  readonly refcountCacheBytes: number;
  /** Seconds after which QEMU drops unused tables; here they go when the cache is full. */
  readonly cacheCleanInterval: number;
  /** Whose freed clusters are given back to the host: asked for by the guest, a deleted snapshot's, all others. */
  readonly passDiscard: { readonly request: boolean; readonly snapshot: boolean; readonly other: boolean };
  /** Bits of `Overlap`. */
  readonly overlapChecks: number;
}

const MIB = 2 ** 20;
const DEFAULT_L2_CACHE = 32 * MIB;
const DEFAULT_SLICE = 4096;
const MIN_SLICES = 2;
const MIN_REFCOUNT_BLOCKS = 4;
const MAX_ENTRIES = 2 ** 31 - 1;
const DEFAULT_CLEAN_INTERVAL = 600;

function refuse(option: string, message: string): never {
  throw new DiskwrightError('invalid-option', `qcow2: ${message}.`, { option });
}

function flag(texts: OptionTexts, name: string, otherwise: boolean): boolean {
  const text = texts[name];
  if (text === undefined) return otherwise;
  return FLAG_WORDS[text] ?? refuse(name, `${name} is on or off, not "${text}"`);
}

/** Beyond what a double holds exactly is beyond every limit here. */
function bytes(texts: OptionTexts, name: string): number | undefined {
  const text = texts[name];
  if (text === undefined) return undefined;
  const reading = parseQemuSize(text);
  return reading.ok ? Number(reading.bytes) : refuse(name, `${name}: "${text}" is not a size below 16 EiB`);
}

function seconds(texts: OptionTexts): number {
  const name = 'cache-clean-interval';
  const text = texts[name];
  if (text === undefined) return DEFAULT_CLEAN_INTERVAL;
  const value = parseQemuNumber(text) ?? refuse(name, `${name}: "${text}" is not a number of seconds`);
  return value < 2n ** 32n ? Number(value) : refuse(name, `${name}: ${text} seconds is more than 2^32`);
}

interface CacheSizes {
  readonly l2: number;
  readonly entry: number;
  readonly refcounts: number;
}

/** How a limit for both caches together is shared out; `covering`: all L2 tables of the disk. */
function share(total: number, l2: number | undefined, refcounts: number | undefined, covering: number, least: number) {
  if (l2 !== undefined && refcounts !== undefined) {
    refuse('cache-size', 'cache-size, l2-cache-size and refcount-cache-size: two of them decide the third');
  }
  if (l2 !== undefined && l2 > total) refuse('l2-cache-size', 'l2-cache-size is larger than cache-size');
  if (refcounts !== undefined && refcounts > total) {
    refuse('refcount-cache-size', 'refcount-cache-size is larger than cache-size');
  }
  if (l2 !== undefined) return { l2: Math.min(covering, l2), refcounts: total - Math.min(covering, l2) };
  if (refcounts !== undefined) return { l2: total - refcounts, refcounts };
  if (total >= covering + least) return { l2: covering, refcounts: total - covering };
  return { l2: total - Math.min(total, least), refcounts: Math.min(total, least) };
}

function cacheSizes(texts: OptionTexts, header: ImageHeader, virtualSize: number): CacheSizes {
  const { clusterSize, extendedL2 } = header;
  const clusters = Math.ceil(virtualSize / clusterSize);
  const covering = roundUp(clusters * (extendedL2 ? 16 : 8), clusterSize);
  const total = bytes(texts, 'cache-size');
  const l2Wish = bytes(texts, 'l2-cache-size');
  const refcountWish = bytes(texts, 'refcount-cache-size');
  const { l2, refcounts } =
    total === undefined
      ? { l2: Math.min(covering, l2Wish ?? DEFAULT_L2_CACHE), refcounts: refcountWish ?? 0 }
      : share(total, l2Wish, refcountWish, covering, MIN_REFCOUNT_BLOCKS * clusterSize);
  // A cache that cannot hold all tables loads smaller pieces of them.
  const usual = l2 < covering ? Math.min(clusterSize, DEFAULT_SLICE) : clusterSize;
  const entry = bytes(texts, 'l2-cache-entry-size') ?? usual;
  if (entry < MIN_CLUSTER_SIZE || entry > clusterSize || !isPowerOfTwo(entry)) {
    const range = `${MIN_CLUSTER_SIZE} and the cluster size, ${clusterSize}`;
    refuse('l2-cache-entry-size', `l2-cache-entry-size is a power of two between ${range}`);
  }
  return { l2, entry, refcounts };
}

/** Whole entries of a cache, at least `least`; more than QEMU can count are refused. */
function wholeEntries(option: string, size: number, entry: number, least: number): number {
  const entries = Math.max(least, Math.floor(size / entry));
  if (entries > MAX_ENTRIES) refuse(option, `${option}: ${entries} tables are more than 2^31`);
  return entries * entry;
}

function overlapChecks(texts: OptionTexts): number {
  const [name, other] = ['overlap-check', 'overlap-check.template'];
  const [given, template] = [texts[name], texts[other]];
  if (given !== undefined && template !== undefined && given !== template) {
    refuse(name, `${name} is ${given} and ${other} is ${template}: they are two names of one setting`);
  }
  const word = given ?? template ?? 'cached';
  let checks = TEMPLATES[word];
  if (checks === undefined) {
    return refuse(name, `${name}: "${word}" is not known; there are ${Object.keys(TEMPLATES).join(', ')}`);
  }
  for (const [single, bit] of SINGLE_CHECKS) {
    checks = flag(texts, single, (checks & bit) !== 0) ? checks | bit : checks & ~bit;
  }
  return checks;
}

/**
 * Reads the settings of an open image, defaults as in QEMU 7.2. `unmap`: the image was opened so that the guest's
 * discards reach the host. Throws `invalid-option`.
 */
export function readRuntimeOptions(
  texts: OptionTexts,
  header: ImageHeader,
  virtualSize: number,
  unmap = false,
): RuntimeOptions {
  const unknown = Object.keys(texts).find((name) => !NAMES.has(name));
  if (unknown !== undefined) refuse(unknown, `an open image has no setting ${unknown}`);
  const { l2, entry, refcounts } = cacheSizes(texts, header, virtualSize);
  const l2CacheBytes = wholeEntries('l2-cache-size', l2, entry, MIN_SLICES);
  const refcountCacheBytes = wholeEntries('refcount-cache-size', refcounts, header.clusterSize, MIN_REFCOUNT_BLOCKS);
  const cacheCleanInterval = seconds(texts);
  const lazyRefcounts = flag(texts, 'lazy-refcounts', (header.compatible & Compatible.lazyRefcounts) !== 0n);
  if (lazyRefcounts && header.version < 3) {
    refuse('lazy-refcounts', 'lazy-refcounts needs an image of version 3 (compat=1.1), this one is version 2');
  }
  return {
    lazyRefcounts,
    l2CacheBytes,
    l2EntryBytes: entry,
    refcountCacheBytes,
    cacheCleanInterval,
    overlapChecks: overlapChecks(texts),
    passDiscard: {
      request: flag(texts, 'pass-discard-request', unmap),
      snapshot: flag(texts, 'pass-discard-snapshot', true),
      other: flag(texts, 'pass-discard-other', false),
    },
  };
}
