/** The header, in disk order (contract: qcow2-format.md §1). Big-endian; offsets in bytes. */
import { bigU64, bytes, struct, u8, u32, u64 } from '../../bytes/struct.ts';

/** "QFI" and 0xfb. */
export const QCOW2_MAGIC = 0x514649fb;

/** Fields that versions 2 and 3 share. */
const common = {
  magic: u32,
  version: u32, // 2 or 3
  backingFileOffset: u64, // 0 = none; at most one cluster
  backingFileSize: u32, // at most 1023
  clusterBits: u32, // 9 … 21
  size: bigU64, // of the disk
  cryptMethod: u32, // 0 none, 1 AES, 2 LUKS
  l1Size: u32, // entries
  l1TableOffset: u64,
  refcountTableOffset: u64,
  refcountTableClusters: u32,
  nbSnapshots: u32,
  snapshotsOffset: u64, // 0 if none
} as const;

export const headerV2 = struct('qcow2 header', 'big', common);

export const headerV3 = struct('qcow2 header', 'big', {
  ...common,
  incompatibleFeatures: bigU64,
  compatibleFeatures: bigU64,
  autoclearFeatures: bigU64,
  refcountOrder: u32, // width = 2^order bits
  headerLength: u32,
  compressionType: u8, // 0 zlib, 1 zstd
  padding: bytes(7),
});

/** Header extensions: type, length, data padded to 8 bytes (§3). */
export const extensionHead = struct('qcow2 header extension', 'big', { type: u32, length: u32 });

export const ExtensionType = {
  backingFormat: 0xe2792aca,
  dataFile: 0x44415441,
  crypto: 0x0537be77,
  featureNames: 0x6803f857,
  bitmaps: 0x23852875,
} as const;
