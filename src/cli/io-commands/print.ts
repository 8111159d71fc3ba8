/** What `io` prints about its work: qemu-io's lines, with the times that were really taken. */
import { fixed } from '../numbers.ts';

const UNITS = [' bytes', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB', ' EiB'];

/** `64 KiB`, `1.500 GiB`, `471 bytes`: three decimals, dropped where they are zeros. */
export function sizeText(bytes: number): string {
  let power = 0;
  while (power < UNITS.length - 1 && bytes >= 1024 ** (power + 1)) power++;
  const number = fixed(bytes / 1024 ** power, power === 0 ? 6 : 3);
  return number.replace(/\.000\d*$/, '') + UNITS[power];
}

const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');

function parts(seconds: number): { hours: number; minutes: number; rest: string } {
  const rest = seconds % 60;
  return {
    hours: Math.floor(seconds / 3600),
    minutes: Math.floor(seconds / 60) % 60,
    rest: `${two(rest)}.${two((rest % 1) * 100)}`,
  };
}

export interface Done {
  /** `read`, `wrote`, `discard`. */
  readonly what: string;
  readonly at: number;
  readonly length: number;
  readonly seconds: number;
}

/** The two lines about one request; `forMachines`: one line of numbers. */
export function reportText({ what, at, length, seconds }: Done, forMachines: boolean): string {
  // Nothing takes no time, but a clock may say so.
  const taken = Math.max(seconds, 1e-9);
  const { hours, minutes, rest } = parts(seconds);
  if (forMachines) {
    const time = `${hours}:${two(minutes)}:${rest}`;
    return `${length},1,${time},${(length / taken).toFixed(3)},${(1 / taken).toFixed(3)}\n`;
  }
  const time = seconds < 60 ? `${rest} sec` : `${hours}:${two(minutes)}:${rest}`;
  const rates = `${sizeText(length / taken)}/sec and ${(1 / taken).toFixed(4)} ops/sec`;
  return `${what} ${length}/${length} bytes at offset ${at}\n${sizeText(length)}, 1 ops; ${time} (${rates})\n`;
}

const isLetterOrDigit = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** Sixteen bytes a line, in hexadecimal and as characters. */
export function dumpText(bytes: Uint8Array, offset: number): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = Array.from(row, (byte) => `${byte.toString(16).padStart(2, '0')} `).join('');
    const characters = Array.from(row, (byte) => (isLetterOrDigit(byte) ? String.fromCharCode(byte) : '.')).join('');
    text += `${(offset + at).toString(16).padStart(8, '0')}:  ${hex} ${characters}\n`;
  }
  return text;
}
