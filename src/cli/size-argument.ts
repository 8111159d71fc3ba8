/** A size on the command line: `create file 32G`, `measure --size 32G`. */
import { parseQemuSize } from '../engine/bytes/size-text.ts';
import { type Io, UsageError, warn } from './io.ts';

const MAX_SIZE = (1n << 63n) - 1n;

export function readSizeArgument(text: string, command: string, io: Io): bigint {
  const reading = parseQemuSize(text);
  if (reading.ok && reading.bytes <= MAX_SIZE) {
    if (reading.warning !== undefined) warn(io, reading.warning);
    return reading.bytes;
  }
  const why =
    reading.ok || reading.reason === 'range'
      ? 'is too large: a disk ends below 8 EiB'
      : 'is not a size: write a number with one of the letters K, M, G, T, P, E';
  throw new UsageError(`"${text}" ${why}`, command);
}
