/** Numbers as the page shows them: value in ink, unit beside it in a lighter ink. */
import { groupDigits, measureBytes } from '../engine/bytes/units.ts';

export function Measured({ value, unit }: { readonly value: string; readonly unit: string }) {
  return (
    <>
      {value} <span className="u">{unit}</span>
    </>
  );
}

export function Bytes({ bytes }: { readonly bytes: number | bigint }) {
  return <Measured {...measureBytes(bytes)} />;
}

export const exactBytes = (bytes: number | bigint): string =>
  `${groupDigits(bytes)} ${Number(bytes) === 1 ? 'byte' : 'bytes'}`;

/** `3 s`, `2 min 5 s`, `1 h 20 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
  const minutes = Math.round(whole / 60);
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** `38 ms`, `1.4 s`, `2 min 5 s`. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return formatSeconds(milliseconds / 1000);
}

/** `0.016`, `2.3`, `41`. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0';
  return percent >= 10 ? Math.round(percent).toString() : Number(percent.toPrecision(2)).toString();
}
