/**
 * Counts every reference in an image: header, L1 and L2 tables of disk and snapshots, data, tables of everything else
 * (contract: qcow2-format.md §11). A check compares the result with the stored refcounts, a repair builds on it.
 *
 * Memory is 2 bytes a cluster of the file, in pages that exist only where something is referenced.
 */
import { getU64 } from '../../../bytes/u64.ts';
import type { ReadableDevice } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { CheckProgress } from '../../../image/report.ts';
import type { BitmapDirectory } from '../bitmaps.ts';
import { type Extension, extensionsOf } from '../extensions.ts';
import { ExtensionType } from '../header.ts';
import type { ImageHeader } from '../image-header.ts';
import { MAX_L1_BYTES } from '../limits.ts';
import { type OpenPurpose, openHeader } from '../open-header.ts';
import { bitmapsOf, isExternal, validateForReading } from '../validate.ts';
import type { Comparison } from './compare.ts';
import type { Findings } from './findings.ts';
import { type CopiedCheck, L1Walk } from './l1-tables.ts';
import { L2Walk, type TableUse, type Tally } from './l2-tables.ts';
import { type Beyond, Marker } from './marker.ts';
import { ReferenceCounts } from './reference-counts.ts';
import { type CheckedTable, readCheckedTable } from './snapshot-table.ts';
import {
  CountsOne,
  checkBlocks,
  LAST_READABLE,
  readRefcountTable,
  readTable,
  storedCount,
} from './stored-refcounts.ts';

/** Tables are read at least this much between two reports of progress. */
export const PROGRESS_BYTES = 8 * 1024 * 1024;
/** More clusters than QEMU looks at. */
const MAX_CLUSTERS = 2 ** 31 - 1;

/**
 * All tables of a kind together are part of the file. A hostile image could name one large table 65536 times; when
 * they add up to so many files, nothing more is to be learned.
 */
const MAX_WALKED = 4;

/** What the image has beside its disk, as opening finds it. */
export interface Subject {
  readonly header: ImageHeader;
  readonly extensions: readonly Extension[];
  readonly snapshots: CheckedTable;
  readonly bitmaps: BitmapDirectory | undefined;
}

/** Opens what is to be checked. Throws where the image cannot be opened at all. `tolerant`: as for snapshot tables. */
export function openSubject(device: ReadableDevice, purpose: OpenPurpose, tolerant: boolean): Subject {
  const header = openHeader(device, purpose);
  const extensions = extensionsOf(device, header);
  validateForReading(device, header, extensions);
  if (device.size > MAX_CLUSTERS * header.clusterSize) {
    throw new DiskwrightError('unsupported', `qcow2: the file has ${device.size} bytes, too many to be checked.`);
  }
  const bitmaps = bitmapsOf(device, header, extensions);
  return { header, extensions, snapshots: readCheckedTable(device, header, tolerant), bitmaps };
}

export interface SurveySettings {
  /** COPIED is asked for: the stored counts are taken as they are. */
  readonly copied: boolean;
  /** Repairs entries on the way. Blocks outside the file are taken for repaired. */
  readonly zeroEntry?: (use: TableUse, table: DataView, at: number) => boolean;
}

export interface Survey extends Comparison {
  readonly tally: Tally;
  /** The refcount blocks themselves are broken: the structure must be built anew. */
  readonly broken: boolean;
  /** Something refers to what lies behind the end of the file. */
  readonly beyond: Beyond;
  /** How long the file has to be, in bytes, for the refcount blocks that a repair has taken for granted. */
  readonly fileLength: number;
}

function refuseOverlap(tables: string, walked: number, device: ReadableDevice): void {
  if (walked <= MAX_WALKED * device.size + PROGRESS_BYTES) return;
  throw new DiskwrightError('corrupt', `qcow2: the ${tables} overlap many times.`);
}

/** A name from the image, as far as a line has room for it: it may have 65535 bytes. */
const clipped = (name: string): string => (name.length > 60 ? `${name.slice(0, 60)}…` : name);

/** Bytes of a table of 64-bit entries that lie inside the file, whole entries. */
function tablePart(device: ReadableDevice, table: { readonly offset: number; readonly entries: number }): number {
  const bytes = Math.min(table.entries * 8, Math.max(0, device.size - table.offset));
  return bytes - (bytes % 8);
}

function surveySnapshots(
  device: ReadableDevice,
  { header, snapshots: table }: Subject,
  l1: L1Walk,
  marker: Marker,
  findings: Findings,
): void {
  if (table.snapshots.length === 0) return;
  if (isExternal(header)) {
    findings.corruption(`${table.snapshots.length} snapshots on an image with an external data file`);
  }
  let walked = 0;
  for (const { id, name, l1: tables, aligned } of table.snapshots) {
    walked += tablePart(device, tables);
    refuseOverlap('L1 tables of the snapshots', walked, device);
    const what = `the L1 table of snapshot ${clipped(id)} "${clipped(name)}"`;
    // QEMU stops here as well: giving up what a snapshot refers to because of one wrong bit would be a loss.
    if (tables.entries > 0 && tables.offset > LAST_READABLE - MAX_L1_BYTES) {
      throw new DiskwrightError('corrupt', `qcow2: ${what} is at ${tables.offset}, where no file reaches.`);
    }
    if (!aligned) findings.corruption(`${what} at ${tables.offset}, not aligned`);
    else if (tables.entries * 8 > MAX_L1_BYTES) findings.corruption(`${what}: ${tables.entries} entries, too many`);
    else l1.walk(what, tables, false);
  }
  marker.mark('the snapshot table', header.snapshots.offset, table.bytes);
}

function surveyCrypto({ extensions }: Subject, marker: Marker): void {
  for (const { type, data } of extensions) {
    if (type !== ExtensionType.crypto || data.length !== 16) continue;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    marker.mark('the encryption header', getU64(view, 0), getU64(view, 8));
  }
}

function surveyBitmaps(
  device: ReadableDevice,
  { header, bitmaps: directory }: Subject,
  marker: Marker,
  findings: Findings,
): void {
  if (!directory) return;
  marker.mark('the bitmap directory', directory.offset, directory.bytes);
  let walked = 0;
  for (const { name, table } of directory.bitmaps) {
    marker.mark(`the table of bitmap "${clipped(name)}"`, table.offset, table.entries * 8);
    const bytes = tablePart(device, table);
    walked += bytes;
    refuseOverlap('bitmap tables', walked, device);
    readTable(device, table.offset, bytes, (view, from) => {
      for (let at = 0; at < view.byteLength; at += 8) {
        const upper = view.getUint32(at);
        const lower = view.getUint32(at + 4);
        const offset = (upper & 0x00ff_ffff) * 2 ** 32 + ((lower & ~0x1ff) >>> 0);
        const reserved = (upper & 0xff00_0000) !== 0 || (lower & 0x1fe) !== 0 || ((lower & 1) !== 0 && offset !== 0);
        const place = `bitmap "${clipped(name)}", table entry ${(from + at) / 8}`;
        if (reserved || offset % header.clusterSize !== 0) findings.corruption(`${place}: reserved bits are set`);
        else if (offset !== 0) marker.mark(place, offset, header.clusterSize);
      }
    });
  }
}

/** Walks the whole image. What is wrong with it, the counts aside, is in `findings` afterwards. */
export function* survey(
  device: ReadableDevice,
  subject: Subject,
  findings: Findings,
  { copied: asked, zeroEntry }: SurveySettings,
): Generator<CheckProgress, Survey> {
  const { header } = subject;
  const { clusterSize, refcountBits } = header;
  const counts = new ReferenceCounts(refcountBits);
  const marker = new Marker(counts, findings, clusterSize, device.size);
  const stored = readRefcountTable(device, header);
  let done = 0;
  let total = asked ? stored.blocks.reduce((sum, block) => sum + (block > 0 ? clusterSize : 0), 0) : 0;
  let since = 0;
  const progress = (): CheckProgress => ({ done: Math.min(done, total), total });

  let copied: CopiedCheck | undefined;
  if (asked) {
    const ones = new CountsOne(stored.blockRefcounts, refcountBits);
    for (const bytes of ones.learn(device, stored, clusterSize)) {
      done += bytes;
      since += bytes;
      if (since < PROGRESS_BYTES) continue;
      since = 0;
      yield progress();
    }
    copied = { ones, storedCount: (cluster) => storedCount(device, stored, refcountBits, cluster) };
  }

  marker.mark('the header', 0, clusterSize);
  const l1 = new L1Walk({ device, header, marker, findings, copied });
  l1.walk('the L1 table', header.l1, true);
  surveySnapshots(device, subject, l1, marker, findings);
  marker.mark('the refcount table', header.refcountTable.offset, header.refcountTable.clusters * clusterSize);
  surveyCrypto(subject, marker);
  surveyBitmaps(device, subject, marker, findings);

  const tally: Tally = { allocated: 0, fragmented: 0, compressed: 0 };
  const l2 = new L2Walk({ header, dataFile: isExternal(header), marker, findings, copied, tally, zeroEntry });
  const table = new Uint8Array(clusterSize);
  const view = new DataView(table.buffer);
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
  const broken = checkBlocks(device, header, marker, counts, findings, zeroEntry !== undefined);
  const end = Math.max(marker.end / clusterSize, counts.end);
  return {
    counts,
    stored,
    end,
    tally,
    broken,
    beyond: marker.beyond,
    fileLength: marker.fileLength,
    ones: copied?.ones,
  };
}
