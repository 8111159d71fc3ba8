/**
 * Whether QEMU has a file open. Node cannot take locks, but Linux lists everyone's in /proc/locks, so an
 * image that a machine is using is refused like qemu-img refuses it. Where there is no such list, nothing is
 * known and nothing is refused.
 *
 * QEMU says with a lock on byte 100 + n that it does something to the image, with one on byte 200 + n that
 * nobody else may: n is 1 for writing, 3 for resizing. To create is to write and resize, alone.
 */
import { readFileSync, type Stats } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';

const IN_THE_WAY = {
  create: [103, 201, 203],
  // To read is to want that nobody writes or resizes, and that nobody minds a reader (n = 0).
  read: [101, 103, 200],
} as const;

export type Intent = keyof typeof IN_THE_WAY;

/** `major:minor:inode` of the list: device numbers in hex, packed by the kernel as in stat's `dev`. */
function listedName({ dev, ino }: Stats): string {
  const device = BigInt(dev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}:${ino}`;
}

function lockList(): string {
  try {
    return readFileSync('/proc/locks', 'utf8');
  } catch {
    return '';
  }
}

/** Lines look like `3: OFDLCK ADVISORY READ -1 08:01:1234 201 201`; the last number may be `EOF`. */
export function refuseIfInUse(name: string, stat: Stats, intent: Intent = 'create', list: string = lockList()): void {
  const file = listedName(stat);
  for (const line of list.split('\n')) {
    const [, , , , , where, first, last] = line.trim().split(/\s+/);
    if (where !== file) continue;
    const from = Number(first);
    const to = last === 'EOF' ? Number.POSITIVE_INFINITY : Number(last);
    if (!IN_THE_WAY[intent].some((byte) => byte >= from && byte <= to)) continue;
    throw new DiskwrightError('locked', `${name}: another program has this image open`, {
      fix:
        intent === 'read'
          ? 'Shut the machine down that uses it, or read it while it changes: -U.'
          : 'Shut the machine down that uses it, or name another file.',
    });
  }
}
