/**
 * The one writer of cluster 0: header fields, unknown header bytes, extensions in fixed order, end marker, backing
 * file name, zeros (contract: qcow2-format.md §3). A new image and every change of an open one go through it, so what
 * this program does not know (header bytes past 112, extensions) survives each of them.
 */
import { log2, roundUp } from '../../bytes/math.ts';
import { struct, u32, u64 } from '../../bytes/struct.ts';
import { getU64 } from '../../bytes/u64.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import { readBytes } from '../../image/recognise.ts';
import type { Extension } from './extensions.ts';
import { Autoclear, featureNameTable, Incompatible } from './features.ts';
import { ExtensionType, extensionHead, headerV2, headerV3, QCOW2_MAGIC } from './header.ts';
import { hasFeatureTable } from './header-size.ts';
import type { ImageHeader } from './image-header.ts';

/** What the fields of the header say; the rest of an `ImageHeader` follows from it and from where things fit. */
export type HeaderFields = Pick<
  ImageHeader,
  | 'version'
  | 'clusterBits'
  | 'virtualSize'
  | 'cryptMethod'
  | 'l1'
  | 'refcountTable'
  | 'snapshots'
  | 'incompatible'
  | 'compatible'
  | 'autoclear'
  | 'refcountBits'
  | 'compressionType'
>;

/** Where the bitmap directory lies. */
export interface BitmapDirectoryPlace {
  readonly count: number;
  readonly bytes: number;
  readonly offset: number;
}

/** What cluster 0 holds behind the header fields. Texts are bytes as stored: a name need not be UTF-8. */
export interface HeaderContents {
  readonly backingName?: Uint8Array | undefined;
  readonly backingFormat?: Uint8Array | undefined;
  /** Written only with the feature bit that says the image has a data file. */
  readonly dataFileName?: Uint8Array | undefined;
  /** Where the LUKS header lies. */
  readonly crypto?: { readonly offset: number; readonly length: number } | undefined;
  readonly bitmaps?: BitmapDirectoryPlace | undefined;
  /** In the order of writing, which reverses that of reading: QEMU does so at every rewrite. */
  readonly unknownExtensions: readonly { readonly type: number; readonly data: Uint8Array }[];
  /** Header bytes from 112 on. */
  readonly unknownFields: Uint8Array;
}

const cryptoPointer = struct('encryption extension', 'big', { offset: u64, length: u64 });
export const bitmapsExtension = struct('bitmaps extension', 'big', {
  count: u32,
  reserved: u32,
  directoryBytes: u64,
  directoryOffset: u64,
});

const KNOWN_TYPES: readonly number[] = Object.values(ExtensionType);
const noBytes = new Uint8Array(0);

/** A text as QEMU keeps it: what follows a NUL is lost. */
function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** What a validated header holds behind its fields, to be written again. */
export function readHeaderContents(
  device: ReadableDevice,
  header: ImageHeader,
  extensions: readonly Extension[],
): HeaderContents {
  const dataOf = (type: number): Uint8Array | undefined => extensions.findLast((one) => one.type === type)?.data;
  const textOf = (type: number): Uint8Array | undefined => {
    const data = dataOf(type);
    return data && untilNul(data);
  };
  const { offset, length } = header.backingName;
  const crypto = dataOf(ExtensionType.crypto);
  const bitmaps = (header.autoclear & Autoclear.bitmaps) !== 0n ? dataOf(ExtensionType.bitmaps) : undefined;
  const unknownFrom = header.version === 2 ? headerV2.size : headerV3.size;
  return {
    backingName: offset === 0 ? undefined : untilNul(readBytes(device, offset, length)),
    backingFormat: textOf(ExtensionType.backingFormat),
    dataFileName: textOf(ExtensionType.dataFile),
    crypto: crypto && cryptoPlace(crypto),
    bitmaps: bitmaps && bitmapsPlace(bitmaps),
    unknownExtensions: extensions.filter(({ type }) => !KNOWN_TYPES.includes(type)).toReversed(),
    unknownFields:
      header.headerLength > unknownFrom ? readBytes(device, unknownFrom, header.headerLength - unknownFrom) : noBytes,
  };
}

function cryptoPlace(data: Uint8Array): HeaderContents['crypto'] {
  const view = new DataView(data.buffer, data.byteOffset, cryptoPointer.size);
  const offset = getU64(view, cryptoPointer.offsets.offset);
  return offset === 0 ? undefined : { offset, length: getU64(view, cryptoPointer.offsets.length) };
}

function bitmapsPlace(data: Uint8Array): BitmapDirectoryPlace {
  const { count, directoryBytes, directoryOffset } = bitmapsExtension.read(data);
  return { count, bytes: directoryBytes, offset: directoryOffset };
}

/** Extensions in the order of writing; identity with QEMU's files depends on it. */
function* extensionsToWrite(
  fields: HeaderFields,
  contents: HeaderContents,
): Generator<readonly [type: number, data: Uint8Array]> {
  const { backingFormat, dataFileName, crypto, bitmaps } = contents;
  if (backingFormat) yield [ExtensionType.backingFormat, backingFormat];
  if (dataFileName && (fields.incompatible & Incompatible.externalDataFile) !== 0n) {
    yield [ExtensionType.dataFile, dataFileName];
  }
  if (crypto) {
    const data = new Uint8Array(cryptoPointer.size);
    cryptoPointer.write(crypto, data);
    yield [ExtensionType.crypto, data];
  }
  if (hasFeatureTable(fields.version === 2 ? '0.10' : '1.1', 2 ** fields.clusterBits)) {
    yield [ExtensionType.featureNames, featureNameTable()];
  }
  if (bitmaps && bitmaps.count > 0) {
    const data = new Uint8Array(bitmapsExtension.size);
    const { count, bytes, offset } = bitmaps;
    bitmapsExtension.write({ count, reserved: 0, directoryBytes: bytes, directoryOffset: offset }, data);
    yield [ExtensionType.bitmaps, data];
  }
  for (const { type, data } of contents.unknownExtensions) yield [type, data];
}

function writeFields(fields: HeaderFields, contents: HeaderContents, nameAt: number, into: Uint8Array): void {
  const common = {
    magic: QCOW2_MAGIC,
    backingFileOffset: nameAt,
    backingFileSize: contents.backingName?.length ?? 0,
    clusterBits: fields.clusterBits,
    size: BigInt(fields.virtualSize),
    cryptMethod: fields.cryptMethod,
    l1Size: fields.l1.entries,
    l1TableOffset: fields.l1.offset,
    refcountTableOffset: fields.refcountTable.offset,
    refcountTableClusters: fields.refcountTable.clusters,
    nbSnapshots: fields.snapshots.count,
    snapshotsOffset: fields.snapshots.offset,
  };
  if (fields.version === 2) {
    headerV2.write({ ...common, version: 2 }, into);
    return;
  }
  headerV3.write(
    {
      ...common,
      version: 3,
      incompatibleFeatures: fields.incompatible,
      compatibleFeatures: fields.compatible,
      autoclearFeatures: fields.autoclear,
      refcountOrder: log2(fields.refcountBits),
      headerLength: headerV3.size + contents.unknownFields.length,
      compressionType: fields.compressionType === 'zstd' ? 1 : 0,
      padding: new Uint8Array(7),
    },
    into,
  );
}

/** All of cluster 0. Throws `no-space` when its contents do not fit one cluster. */
export function encodeHeaderCluster(fields: HeaderFields, contents: HeaderContents): Uint8Array {
  const cluster = new Uint8Array(2 ** fields.clusterBits);
  let at = fields.version === 2 ? headerV2.size : headerV3.size;
  const put = (bytes: Uint8Array, room: number): void => {
    if (at + room > cluster.length) {
      throw new DiskwrightError(
        'no-space',
        `qcow2 header: what it holds does not fit the first cluster of ${cluster.length} bytes.`,
      );
    }
    cluster.set(bytes, at);
    at += room;
  };
  const head = new Uint8Array(extensionHead.size);
  put(contents.unknownFields, contents.unknownFields.length);
  for (const [type, data] of extensionsToWrite(fields, contents)) {
    extensionHead.write({ type, length: data.length }, head);
    put(head, head.length);
    put(data, roundUp(data.length, 8));
  }
  put(head.fill(0), head.length);
  const nameAt = contents.backingName ? at : 0;
  if (contents.backingName) put(contents.backingName, contents.backingName.length);
  writeFields(fields, contents, nameAt, cluster);
  return cluster;
}
