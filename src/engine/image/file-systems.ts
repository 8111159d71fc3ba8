/**
 * Which file system, or other content, a disk or a partition holds, by its signature alone: nothing is mounted and
 * nothing but the signature is believed. Labels are shown as they stand there.
 */
import { decodeUtf8 } from '../bytes/text.ts';
import { bytesAt, type DiskBytes, standsAt, viewAt } from './disk-bytes.ts';

export interface Content {
  /** `ext4`, `NTFS`, `LVM2 physical volume`. */
  readonly name: string;
  /** Where its signature stands, in bytes from the start, and what it is: `53 ef at 1080`. */
  readonly reason: string;
  readonly label?: string;
}

interface Signature {
  readonly at: number;
  readonly magic: string;
  readonly name: string | ((disk: DiskBytes) => string);
  readonly label?: readonly [at: number, length: number];
}

const EXT_COMPATIBLE = 0x5c;
const HAS_JOURNAL = 4;
const EXT_INCOMPATIBLE = 0x60;
/** Extents, 64 bits, flexible groups: what only ext4 has. */
const EXT4_ONLY = 0x40 | 0x80 | 0x200;

function extName(disk: DiskBytes): string {
  const view = viewAt(disk, 1024, 1024);
  if ((view.getUint32(EXT_INCOMPATIBLE, true) & EXT4_ONLY) !== 0) return 'ext4';
  return (view.getUint32(EXT_COMPATIBLE, true) & HAS_JOURNAL) !== 0 ? 'ext3' : 'ext2';
}

/** Most telling first: a boot sector of FAT may stand in front of anything. */
const signatures: readonly Signature[] = [
  { at: 0, magic: 'LUKS\xba\xbe', name: (disk) => `LUKS${viewAt(disk, 6, 2).getUint16(0)} encryption` },
  { at: 0, magic: 'XFSB', name: 'XFS', label: [108, 12] },
  { at: 3, magic: 'NTFS    ', name: 'NTFS' },
  { at: 3, magic: 'EXFAT   ', name: 'exFAT' },
  { at: 3, magic: 'ReFS\0\0\0\0', name: 'ReFS' },
  { at: 3, magic: '-FVE-FS-', name: 'BitLocker encryption' },
  { at: 32, magic: 'NXSB', name: 'APFS container' },
  { at: 1024, magic: 'H+', name: 'HFS+' },
  { at: 1024, magic: 'HX', name: 'HFS+ (case-sensitive)' },
  { at: 0x438, magic: '\x53\xef', name: extName, label: [1024 + 120, 16] },
  { at: 0x10040, magic: '_BHRfS_M', name: 'Btrfs', label: [0x1012b, 64] },
  { at: 0x400, magic: '\x10\x20\xf5\xf2', name: 'F2FS' },
  { at: 0x400, magic: '\xe2\xe1\xf5\xe0', name: 'EROFS' },
  { at: 0, magic: 'hsqs', name: 'SquashFS' },
  { at: 512, magic: 'LABELONE', name: 'LVM2 physical volume' },
  { at: 4096, magic: '\xfc\x4e\x2b\xa9', name: 'Linux RAID member' },
  { at: 4086, magic: 'SWAPSPACE2', name: 'Linux swap', label: [1052, 16] },
  { at: 0x8001, magic: 'CD001', name: 'ISO 9660', label: [0x8028, 32] },
  { at: 0x8001, magic: 'BEA01', name: 'UDF' },
  { at: 82, magic: 'FAT32   ', name: 'FAT32', label: [71, 11] },
  { at: 54, magic: 'FAT16   ', name: 'FAT16', label: [43, 11] },
  { at: 54, magic: 'FAT12   ', name: 'FAT12', label: [43, 11] },
];

const PRINTABLE = /^[\x20-\x7e]+$/;

/** `"NTFS    " at 3`, `53 ef at 1080`. */
function reasonOf({ magic, at }: Signature): string {
  if (PRINTABLE.test(magic)) return `"${magic.trimEnd()}" at ${at}`;
  const bytes = [...magic].map((one) => one.charCodeAt(0).toString(16).padStart(2, '0'));
  return `${bytes.join(' ')} at ${at}`;
}

function labelOf(disk: DiskBytes, place: Signature['label']): string {
  if (!place) return '';
  const bytes = bytesAt(disk, ...place);
  const end = bytes.indexOf(0);
  return decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end)).trim();
}

/** Every signature lies in front of it. */
const HEAD = 0x10200;

/** What the disk holds, as far as a signature tells. */
export function contentOf(whole: DiskBytes): Content | undefined {
  // One read: the signatures lie here and there.
  const head = bytesAt(whole, 0, Math.min(HEAD, whole.size));
  const disk: DiskBytes = {
    size: head.length,
    read: (at, into) => into.set(head.subarray(at, at + into.length)),
  };
  for (const signature of signatures) {
    if (!standsAt(disk, signature.at, signature.magic)) continue;
    const { name, label: place } = signature;
    const label = labelOf(disk, place);
    const known = label !== '' && label !== 'NO NAME';
    return {
      name: typeof name === 'string' ? name : name(disk),
      reason: reasonOf(signature),
      ...(known ? { label } : {}),
    };
  }
  return undefined;
}
