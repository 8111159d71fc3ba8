/**
 * The text that describes a VMDK ("Virtual Disk Format 5.0", section "The descriptor"): its kind, its
 * extents, and the ids that tie it to a parent. Read as leniently and as strictly as QEMU 7.2 reads it.
 */
import { asciiText, decodeUtf8 } from '../../bytes/text.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { corrupt, readBytes, SECTOR, unsupported } from '../../image/recognise.ts';

/** QEMU reads no further; a description of 10 TiB in pieces of 2 GiB takes a fifth of it. */
const MAX_DESCRIPTION = 2 ** 20 - 1;
/** Ids and parent are looked for here only. */
const ID_AREA = 20 * SECTOR;
const MAX_PARENT_NAME = 1023;

/** Kinds whose data lies in other files. */
const KINDS = ['monolithicFlat', 'vmfs', 'vmfsSparse', 'seSparse', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat'];
/** Lines with another type are passed over, even ZERO: QEMU leaves them out of the disk. */
const EXTENT_TYPES = ['FLAT', 'SPARSE', 'VMFS', 'VMFSSPARSE', 'SESPARSE'];

/**
 * `RW 4192256 SPARSE "disk-s001.vmdk"`, flat ones with the first sector behind the name. A word is cut
 * after ten characters.
 */
const BLANK = '[ \\t\\v\\f\\r]*';
const SOLID = '[^ \\t\\n\\v\\f\\r]';
const EXTENT_LINE = new RegExp(
  [
    `${BLANK}RW(?!${SOLID})${BLANK}([+-]?\\d+)(?!\\d)`,
    `(${SOLID}{10}|${SOLID}{1,9}(?!${SOLID}))`,
    '"([^\\n\\r"]{1,511})(?:"',
    '([+-]?\\d+)(?!\\d))?',
  ].join(BLANK),
  'y',
);
/** More digits than 64 bits have. */
const MAX_DIGITS = 20;

function rawAt(device: ReadableDevice, at: number, length: number): string {
  return asciiText(readBytes(device, at, Math.max(0, Math.min(length, device.size - at))));
}

/** Text ends at its first NUL. */
function cut(raw: string): string {
  const end = raw.indexOf('\0');
  return end < 0 ? raw : raw.slice(0, end);
}

const textAt = (device: ReadableDevice, at: number, length: number): string => cut(rawAt(device, at, length));

/** What stands between the quotes behind `name=`. */
function quoted(text: string, name: string): string | undefined {
  const at = text.indexOf(name);
  if (at < 0) return undefined;
  const from = at + name.length + 2;
  const end = text.indexOf('"', from);
  return end < 0 ? undefined : text.slice(from, end);
}

function sectorsOf(text: string): bigint {
  let sum = 0n;
  for (let at = 0; at < text.length; ) {
    EXTENT_LINE.lastIndex = at;
    const [line, count = '', type = '', , first] = EXTENT_LINE.exec(text) ?? [];
    if (line !== undefined) {
      if (count.length > MAX_DIGITS)
        throw corrupt('VMDK description: an extent has more sectors than 64 bits can count.');
      const sectors = BigInt(count.replace('+', ''));
      if (type === 'FLAT' ? first === undefined || first.startsWith('-') : first !== undefined) {
        throw corrupt(`VMDK description: an extent line is malformed: ${line.trim().slice(0, 80)}`);
      }
      if (sectors > 0n && EXTENT_TYPES.includes(type)) sum += sectors;
    }
    const end = text.indexOf('\n', at);
    at = end < 0 ? text.length : end + 1;
  }
  return sum;
}

/** Sectors of the disk that the description at `at` describes. The files it names are not opened. */
export function describedSectors(device: ReadableDevice, at: number): bigint {
  const text = textAt(device, at, MAX_DESCRIPTION);
  const kind = quoted(text, 'createType');
  if (kind === undefined) throw corrupt('VMDK description: it does not say what kind of disk it is (createType).');
  if (!KINDS.includes(kind)) throw unsupported(`VMDK description: disks of kind "${kind.slice(0, 80)}" are unknown.`);
  return sectorsOf(text);
}

const NUMBER = /^[ \t\n\v\f\r]*[+-]?(0x)?[0-9a-f]/i;

/**
 * Both ids must be there, and a parent's name must end. Between a name and its value one character is passed
 * over whatever it is, a NUL too, as in QEMU.
 */
export function checkIds(device: ReadableDevice, at: number): void {
  const raw = rawAt(device, at, ID_AREA);
  const text = cut(raw);
  for (const name of ['CID', 'parentCID']) {
    const found = text.indexOf(name);
    if (found < 0 || !NUMBER.test(raw.slice(found + name.length + 1, found + name.length + 40))) {
      throw corrupt(`VMDK description: ${name} is missing.`);
    }
  }
  const hint = text.indexOf('parentFileNameHint');
  if (hint < 0) return;
  const length = cut(raw.slice(hint + 'parentFileNameHint'.length + 2)).indexOf('"');
  if (length < 0 || length > MAX_PARENT_NAME) {
    throw corrupt('VMDK description: the name of the parent has no end.');
  }
}

/** Name of the parent of a disk that holds only differences. */
export function parentName(device: ReadableDevice, at: number): string | undefined {
  const name = quoted(textAt(device, at, ID_AREA), 'parentFileNameHint');
  return name === undefined ? undefined : decodeUtf8(Uint8Array.from(name, (character) => character.charCodeAt(0)));
}
