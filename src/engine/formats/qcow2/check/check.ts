/**
 * Checks an image: counts every reference and compares with the stored refcounts (contract:
 * qcow2-format.md §11; the same verdict and numbers as `qemu-img check`).
 *
 * Memory is 2 bytes a cluster of the file, in pages that exist only where something is referenced.
 */
import { divideUp } from '../../../bytes/math.ts';
import { getU64 } from '../../../bytes/u64.ts';
import type { ReadableDevice } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { CheckProgress, CheckReport } from '../../../image/report.ts';
import { readBitmaps } from '../bitmaps.ts';
import { type Extension, extensionsOf } from '../extensions.ts';
import { Incompatible } from '../features.ts';
import { ExtensionType } from '../header.ts';
import type { ImageHeader } from '../image-header.ts';
import { MAX_L1_BYTES } from '../limits.ts';
import { openHeader } from '../open-header.ts';
import { readSnapshots } from '../snapshots.ts';
import { compareRefcounts } from './compare.ts';
import { Findings } from './findings.ts';
import { L1Walk } from './l1-tables.ts';
import { L2Walk, type Tally } from './l2-tables.ts';
import { Marker } from './marker.ts';
import { ReferenceCounts } from './reference-counts.ts';
import { CountsOne, readRefcountTable, readTable, type StoredRefcounts, storedCount } from './stored-refcounts.ts';

/** Tables are read at least this much between two reports of progress. */
const PROGRESS_BYTES = 8 * 1024 * 1024;

/**
 * All tables of a kind together are part of the file. A hostile image could name one large table 65536 times; when
 * they add up to so many files, nothing more is to be learned.
 */
const MAX_WALKED = 4;

function refuseOverlap(tables: string, walked: number, device: ReadableDevice): void {
  if (walked <= MAX_WALKED * device.size + PROGRESS_BYTES) return;
  throw new DiskwrightError('corrupt', `qcow2: the ${tables} overlap many times.`);
}

/** Bytes of a table of 64-bit entries that lie inside the file, whole entries. */
function tablePart(device: ReadableDevice, table: { readonly offset: number; readonly entries: number }): number {
  const bytes = Math.min(table.entries * 8, Math.max(0, device.size - table.offset));
  return bytes - (bytes % 8);
}

function checkSnapshots(
  device: ReadableDevice,
  header: ImageHeader,
  l1: L1Walk,
  marker: Marker,
  findings: Findings,
): void {
  if (header.snapshots.count === 0) return;
  if ((header.incompatible & Incompatible.externalDataFile) !== 0n) {
    findings.corruption(`${header.snapshots.count} snapshots on an image with an external data file`);
  }
  const table = readSnapshots(device, header);
  let walked = 0;
  for (const { id, name, l1: tables } of table.snapshots) {
    walked += tablePart(device, tables);
    refuseOverlap('L1 tables of the snapshots', walked, device);
    const what = `the L1 table of snapshot ${id} "${name}"`;
    if (tables.offset % header.clusterSize !== 0) findings.corruption(`${what} at ${tables.offset}, not aligned`);
    else if (tables.entries * 8 > MAX_L1_BYTES) findings.corruption(`${what}: ${tables.entries} entries, too many`);
    else l1.walk(what, tables, false);
  }
  marker.mark('the snapshot table', header.snapshots.offset, table.bytes);
}

function checkCrypto(extensions: readonly Extension[], marker: Marker): void {
  for (const { type, data } of extensions) {
    if (type !== ExtensionType.crypto || data.length !== 16) continue;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    marker.mark('the encryption header', getU64(view, 0), getU64(view, 8));
  }
}

function checkBitmaps(
  device: ReadableDevice,
  header: ImageHeader,
  extensions: readonly Extension[],
  marker: Marker,
  findings: Findings,
): void {
  const extension = extensions.find((one) => one.type === ExtensionType.bitmaps);
  if (!extension) return;
  const directory = readBitmaps(device, extension.data, header.clusterSize);
  marker.mark('the bitmap directory', directory.offset, directory.bytes);
  let walked = 0;
  for (const { name, table } of directory.bitmaps) {
    marker.mark(`the table of bitmap "${name}"`, table.offset, table.entries * 8);
    const bytes = tablePart(device, table);
    walked += bytes;
    refuseOverlap('bitmap tables', walked, device);
    readTable(device, table.offset, bytes, (view, from) => {
      for (let at = 0; at < view.byteLength; at += 8) {
        const upper = view.getUint32(at);
        const lower = view.getUint32(at + 4);
        const offset = (upper & 0x00ff_ffff) * 2 ** 32 + ((lower & ~0x1ff) >>> 0);
        const reserved = (upper & 0xff00_0000) !== 0 || (lower & 0x1fe) !== 0 || ((lower & 1) !== 0 && offset !== 0);
        const place = `bitmap "${name}", table entry ${(from + at) / 8}`;
        if (reserved || offset % header.clusterSize !== 0) findings.corruption(`${place}: reserved bits are set`);
        else if (offset !== 0) marker.mark(place, offset, header.clusterSize);
      }
    });
  }
}

/** Reads every refcount block once to learn which clusters count exactly 1. */
function* learnOnes(
  device: ReadableDevice,
  { blocks }: StoredRefcounts,
  clusterSize: number,
  ones: CountsOne,
  report: () => CheckProgress,
): Generator<CheckProgress, void> {
  const buffer = new Uint8Array(clusterSize);
  let since = 0;
  for (let index = 0; index < blocks.length; index++) {
    const offset = blocks[index] ?? 0;
    if (offset === 0) continue;
    device.read(offset, buffer);
    ones.addBlock(index, buffer);
    since += clusterSize;
    if (since >= PROGRESS_BYTES) {
      since = 0;
      yield report();
    }
  }
}

/** Checks without changing anything. Throws where the image cannot be opened at all. */
export function* checkImage(device: ReadableDevice): Generator<CheckProgress, CheckReport> {
  const header = openHeader(device, 'check');
  const { clusterSize, refcountBits, virtualSize } = header;
  const extensions = extensionsOf(device, header);
  const findings = new Findings();
  const counts = new ReferenceCounts(refcountBits);
  const marker = new Marker(counts, findings, clusterSize, device.size);
  const stored = readRefcountTable(device, header, marker, counts, findings);
  const early = Float64Array.from(stored.blocks, (block) => (block === 0 ? 0 : counts.get(block / clusterSize)));
  const ones = new CountsOne(stored.blockRefcounts, refcountBits);
  const storedCountOf = (cluster: number): number => storedCount(device, stored, refcountBits, cluster);
  let done = 0;
  let total = stored.blocks.reduce((sum, block) => sum + (block === 0 ? 0 : 2 * clusterSize), 0);
  const progress = (): CheckProgress => ({ done: Math.min(done, total), total });
  yield* learnOnes(device, stored, clusterSize, ones, progress);
  done = total / 2;

  marker.mark('the header', 0, clusterSize);
  const l1 = new L1Walk(device, header, { marker, findings, ones, storedCount: storedCountOf });
  l1.walk('the L1 table', header.l1, true);
  checkSnapshots(device, header, l1, marker, findings);
  checkCrypto(extensions, marker);
  checkBitmaps(device, header, extensions, marker, findings);

  const dataFile = (header.incompatible & Incompatible.externalDataFile) !== 0n;
  const tally: Tally = { allocated: 0, fragmented: 0, compressed: 0 };
  const l2 = new L2Walk({ header, dataFile, marker, findings, ones, storedCount: storedCountOf, tally });
  const table = new Uint8Array(clusterSize);
  const view = new DataView(table.buffer);
  let since = 0;
  for (const use of l1.tables()) {
    device.read(use.offset, table);
    l2.walk(view, use);
    since += clusterSize;
    if (since < PROGRESS_BYTES) continue;
    done += since;
    total += since;
    since = 0;
    yield progress();
  }
  // A refcount block's cluster belongs to nothing else, which is known only now.
  for (const [index, block] of stored.blocks.entries()) {
    const times = block === 0 ? 0 : counts.get(block / clusterSize);
    if (times > (early[index] ?? 0)) {
      findings.corruption(`refcount block ${index} at ${block}: its cluster is referenced ${times} times`);
    }
  }
  const highest = yield* compareRefcounts(device, header, stored, counts, findings);
  return {
    corruptions: findings.corruptions,
    leaks: findings.leaks,
    totalClusters: divideUp(virtualSize, clusterSize),
    allocatedClusters: tally.allocated,
    fragmentedClusters: tally.fragmented,
    compressedClusters: tally.compressed,
    imageEndOffset: (highest + 1) * clusterSize,
    findings: findings.list,
  };
}

/** Runs a check to its end. */
export function checkAtOnce(device: ReadableDevice): CheckReport {
  const steps = checkImage(device);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
