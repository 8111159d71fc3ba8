/**
 * What the drivers of recognised formats share: reading a few bytes of a header, and the refusals.
 *
 * QEMU counts the length of a file in whole 512-byte sectors, rounded up, and finds trailers from there.
 */
import { roundUp } from '../bytes/math.ts';
import type { ReadableDevice } from '../device/device.ts';
import { DiskwrightError } from '../errors.ts';

export const SECTOR = 512;

/** Bytes [at, at + length); what lies past the end is zeros. */
export function readBytes(device: ReadableDevice, at: number, length: number): Uint8Array {
  const into = new Uint8Array(length);
  device.read(at, into);
  return into;
}

/** Length of the file as QEMU sees it. */
export const lengthInSectors = (device: ReadableDevice): number => roundUp(device.size, SECTOR);

/** The text `magic` as Latin-1 bytes stands at `at`. */
export function holdsText(device: ReadableDevice, at: number, magic: string): boolean {
  return readBytes(device, at, magic.length).every((byte, i) => byte === magic.charCodeAt(i));
}

/** The longest file that QEMU addresses; reading beyond it fails, while the end of the real file is zeros. */
const LONGEST_FILE = 2n ** 63n - 2n ** 30n;

/** Refuses an offset from a header that no file can have. */
export function assertOffset(what: string, at: bigint, length = 0n): void {
  if (at < 0n || at + length > LONGEST_FILE) throw corrupt(`${what} lies at byte ${at}, which no file has.`);
}

export function notThisFormat(message: string): DiskwrightError {
  return new DiskwrightError('not-this-format', message);
}

export function corrupt(message: string): DiskwrightError {
  return new DiskwrightError('corrupt', message);
}

export function unsupported(message: string, fix?: string): DiskwrightError {
  return new DiskwrightError('unsupported', message, fix === undefined ? {} : { fix });
}

/** Rounds a disk size down to whole sectors; refuses what a number cannot hold exactly. */
export function diskSize(format: string, bytes: bigint): number {
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw unsupported(`${format}: the disk has ${bytes} bytes: only sizes below 2^53 work here.`);
  }
  return Number(bytes - (bytes % BigInt(SECTOR)));
}
