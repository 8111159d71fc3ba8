/** Files that are no image themselves and may hold one: compressed files and archives, told by their magic. */
import { type DiskBytes, standsAt } from './disk-bytes.ts';

export interface Wrapping {
  readonly name: string;
  readonly reason: string;
  /** What to do about it. */
  readonly advice: string;
  /** The page can unpack it itself. */
  readonly gzip?: true;
}

const unpack = 'Unpack it first, then open what is in it.';

const wrappings: readonly (Omit<Wrapping, 'reason'> & { readonly at: number; readonly magic: string })[] = [
  { at: 0, magic: '\x1f\x8b\x08', name: 'a gzip file', advice: unpack, gzip: true },
  { at: 0, magic: '\xfd7zXZ\0', name: 'an xz file', advice: unpack },
  { at: 0, magic: '\x28\xb5\x2f\xfd', name: 'a zstd file', advice: unpack },
  { at: 0, magic: 'BZh', name: 'a bzip2 file', advice: unpack },
  { at: 0, magic: '7z\xbc\xaf\x27\x1c', name: 'a 7z archive', advice: unpack },
  { at: 0, magic: 'PK\x03\x04', name: 'a zip archive', advice: unpack },
  { at: 0, magic: 'Rar!\x1a\x07', name: 'a rar archive', advice: unpack },
  { at: 257, magic: 'ustar', name: 'a tar archive (an OVA is one)', advice: unpack },
  { at: 0, magic: 'MSWIM\0\0\0', name: 'a WIM file', advice: 'It holds files, not a disk.' },
  { at: 0, magic: '%PDF-', name: 'a PDF document', advice: 'Choose another file.' },
];

const spelled = (magic: string): string =>
  /^[\x20-\x7e]+$/.test(magic)
    ? `"${magic}"`
    : [...magic].map((one) => one.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');

export function wrappingOf(disk: DiskBytes): Wrapping | undefined {
  const found = wrappings.find(({ at, magic }) => standsAt(disk, at, magic));
  if (!found) return undefined;
  const { at, magic, ...facts } = found;
  return { ...facts, reason: `${spelled(magic)} at ${at}` };
}
