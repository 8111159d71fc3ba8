/**
 * Whether QEMU has a file open. Node cannot take locks, but Linux lists everyone's in /proc/locks, so an
 * image that a machine is using is refused like qemu-img refuses it. Where there is no such list, nothing is
 * known and nothing is refused; who opens for writing is told so.
 *
 * QEMU says with a lock on byte 100 + n that it does something to the image, with one on byte 200 + n that
 * nobody else may: n is 0 for reading, 1 for writing, 3 for resizing. To create is to write and resize, alone.
 */
import { fstatSync, readFileSync, type Stats } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';

const IN_THE_WAY = {
  create: [103, 201, 203],
  // To read is to want that nobody writes or resizes, and that nobody minds a reader (n = 0).
  read: [101, 103, 200],
  // Images grow as they are written, so to write is to resize, and nobody else may do either meanwhile.
  write: [101, 103, 200, 201, 203],
} as const;

export type Intent = keyof typeof IN_THE_WAY;

const FIXES: Readonly<Record<Intent, string>> = {
  create: 'Shut the machine down that uses it, or name another file.',
  read: 'Shut the machine down that uses it, or read it while it changes: -U.',
  write: 'Shut the machine down that uses it.',
};

/** `major:minor:inode` of the list: device numbers in hex, packed by the kernel as in stat's `dev`. */
function listedName({ dev, ino }: { readonly dev: number | bigint; readonly ino: number | bigint }): string {
  const device = BigInt(dev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${hexPair(major)}:${hexPair(minor)}:${ino}`;
}

const hexPair = (number: number | bigint): string => number.toString(16).padStart(2, '0');

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const lockList = (): string => readIfThere('/proc/locks') ?? '';

/** Whether this host tells who has a file locked. */
export const locksAreListed = (): boolean => readIfThere('/proc/locks') !== undefined;

/**
 * The names that an open file may have in the list. Some file systems (btrfs) give `stat` a device number of their
 * own making, while the list has the one of the mount.
 */
export function listedNames(fd: number): string[] {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const names = [listedName({ dev, ino })];
  const mount = /^mnt_id:\s*(\d+)$/m.exec(readIfThere(`/proc/self/fdinfo/${fd}`) ?? '')?.[1];
  const line = (readIfThere('/proc/self/mountinfo') ?? '').split('\n').find((one) => one.startsWith(`${mount} `));
  const [major, minor] = (line?.split(' ')[2] ?? '').split(':').map(Number);
  if (major !== undefined && minor !== undefined) names.push(`${hexPair(major)}:${hexPair(minor)}:${ino}`);
  return names;
}

/** `file`: an open file, or (where it must not be opened) what `stat` says of it. */
export function refuseIfInUse(
  name: string,
  file: number | Stats,
  intent: Intent = 'create',
  list: string = lockList(),
): void {
  const names = typeof file === 'number' ? listedNames(file) : [listedName(file)];
  // Lines look like `3: OFDLCK ADVISORY READ -1 08:01:1234 201 201`; the last number may be `EOF`.
  for (const line of list.split('\n')) {
    const [, , , , , where, first, last] = line.trim().split(/\s+/);
    if (where === undefined || !names.includes(where)) continue;
    const from = Number(first);
    const to = last === 'EOF' ? Number.POSITIVE_INFINITY : Number(last);
    if (!IN_THE_WAY[intent].some((byte) => byte >= from && byte <= to)) continue;
    throw new DiskwrightError('locked', `${name}: another program has this image open`, { fix: FIXES[intent] });
  }
}
