/** Recognises Parallels images and reads their size (QEMU's `docs/interop/parallels.txt`; all little-endian). */
import { ascii, bigU64, bytes, struct, u32 } from '../../bytes/struct.ts';
import type { FormatDriver } from '../../image/format.ts';
import { corrupt, diskSize, notThisFormat, readBytes, SECTOR, unsupported } from '../../image/recognise.ts';

const header = struct('Parallels header', 'little', {
  magic: ascii(16),
  version: u32,
  heads: u32,
  cylinders: u32,
  /** Sectors of a cluster. */
  tracks: u32,
  /** Entries of the block table. */
  tableEntries: u32,
  /** Sectors of the disk; only the lower half counts in the older kind. */
  sectors: bigU64,
  inUse: u32,
  /** Sector where data begins; 0: behind the block table. */
  dataOffset: u32,
  flags: u32,
  extensionOffset: bytes(8),
});

const OLD_MAGIC = 'WithoutFreeSpace';
const NEW_MAGIC = 'WithouFreSpacExt';
const VERSION = 2;
const MAX_TRACKS = Math.floor((2 ** 31 - 1) / SECTOR);
const MAX_TABLE_ENTRIES = Math.floor((2 ** 31 - 1) / 4);

const isMagic = (text: string): boolean => text === OLD_MAGIC || text === NEW_MAGIC;

export const parallelsDriver: FormatDriver = {
  probe(device) {
    const head = readBytes(device, 0, header.size);
    const magic = header.get('magic', head);
    return isMagic(magic) && header.get('version', head) === VERSION ? `"${magic}" at 0, version 2` : undefined;
  },

  virtualSize(device) {
    const head = header.read(readBytes(device, 0, header.size));
    if (!isMagic(head.magic)) throw notThisFormat('Not a Parallels image: it does not begin with "WithoutFreeSpace".');
    if (head.version !== VERSION) throw unsupported(`Parallels header: version is ${head.version}, expected 2.`);
    if (head.tracks === 0) throw corrupt('Parallels header: clusters have no sectors.');
    if (head.tracks > MAX_TRACKS)
      throw corrupt(`Parallels header: clusters have ${head.tracks} sectors, 1 GiB or more.`);
    if (head.tableEntries > MAX_TABLE_ENTRIES) {
      throw corrupt(`Parallels header: the block table has ${head.tableEntries} entries, 2 GiB or more.`);
    }
    const sectors = head.magic === OLD_MAGIC ? BigInt.asUintN(32, head.sectors) : head.sectors;
    return diskSize('Parallels', sectors * BigInt(SECTOR));
  },
};
