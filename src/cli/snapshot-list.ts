/** The table of snapshots, as `info` and `snapshot -l` print it. */
import type { SnapshotFacts } from '../engine/image/description.ts';
import { humanSize } from './numbers.ts';

const two = (value: number | bigint): string => String(value).padStart(2, '0');

/** In the time zone of the machine. */
function date(seconds: number): string {
  const at = new Date(seconds * 1000);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function clock(nanoseconds: bigint): string {
  const milliseconds = nanoseconds / 1_000_000n;
  const seconds = milliseconds / 1000n;
  const rest = String(milliseconds % 1000n).padStart(3, '0');
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}.${rest}`;
}

/** C counts bytes. */
const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - Buffer.byteLength(text)));

function row(columns: readonly [string, string, string, string, string, string]): string {
  const [id, name, size, when, time, icount] = columns;
  const left = `${padded(id, 9)} ${padded(name, 16)} `;
  return `${left}${size.padStart(8)}${when.padStart(20)}${time.padStart(13)}${icount.padStart(11)}\n`;
}

/** Empty where there is none. */
export function snapshotList(snapshots: readonly SnapshotFacts[]): string {
  if (snapshots.length === 0) return '';
  const rows = snapshots.map(({ id, name, vmStateSize, seconds, clock: ns, icount }) =>
    row([id, name, humanSize(vmStateSize), date(seconds), clock(ns), icount === undefined ? '' : String(icount)]),
  );
  return `Snapshot list:\n${row(['ID', 'TAG', 'VM SIZE', 'DATE', 'VM CLOCK', 'ICOUNT'])}${rows.join('')}`;
}
