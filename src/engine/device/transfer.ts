/** What every device checks before it moves bytes. */
import { assert, DiskwrightError } from '../errors.ts';
import { MAX_TRANSFER } from './device.ts';

/** One read or write moves at most 8 MiB: callers that want more have lost sight of memory. */
export function assertTransfer(length: number): void {
  assert(length <= MAX_TRANSFER, `a transfer of ${length} bytes exceeds ${MAX_TRANSFER}`);
}

/** Refuses a closed device and offsets that a double cannot hold exactly. */
export function assertRange(name: string, open: boolean, at: number, length: number): void {
  assert(open, `${name} is closed`);
  assert(at >= 0 && length >= 0, `${name}: offset ${at} or length ${length} is negative`);
  if (!Number.isSafeInteger(at) || !Number.isSafeInteger(at + length)) {
    const end = Number.isInteger(at + length) ? BigInt(at) + BigInt(length) : at + length;
    throw new DiskwrightError('out-of-range', `${name}: byte ${end} is beyond 8 PiB, the most that works here`);
  }
}
