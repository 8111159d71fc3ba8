/** Parts of a running job that builds and conversions show alike: how long, how fast. */
import { useEffect, useState } from 'react';
import { formatBytes, measureBytes } from '../../engine/bytes/units.ts';
import { formatSeconds, Measured } from '../measure.tsx';

/** Seconds since `startedAt`, ticking. */
export function useElapsed(startedAt: number): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, now - startedAt) / 1000;
}

/** `3 s` → value and unit apart, for a reading. */
export function Duration({ seconds }: { readonly seconds: number | undefined }) {
  if (seconds === undefined) return <span className="u">–</span>;
  const [value = '', unit = '', ...rest] = formatSeconds(seconds).split(' ');
  return (
    <>
      <Measured value={value} unit={unit} />
      {rest.length > 0 && (
        <>
          {' '}
          <Measured value={rest[0] ?? ''} unit={rest[1] ?? ''} />
        </>
      )}
    </>
  );
}

/** Bytes a second, once they are known. */
export function Rate({ rate }: { readonly rate: number }) {
  if (rate <= 0) return <span className="u">–</span>;
  const { value, unit } = measureBytes(rate);
  return <Measured value={value} unit={`${unit}/s`} />;
}

export function RateChart({ rates }: { readonly rates: readonly number[] }) {
  const top = Math.max(...rates, 1) * 1.1;
  const low = Math.min(...rates);
  const step = 100 / Math.max(1, rates.length - 1);
  const points = rates.map((rate, index) => `${(index * step).toFixed(1)},${(44 - (rate / top) * 44).toFixed(1)}`);
  return (
    <div className="chart">
      <p className="scale__row">
        <span>Rate since the start</span>
        <span>0 to {formatBytes(top)}/s</span>
      </p>
      <svg
        viewBox="0 0 100 44"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Between ${formatBytes(low)} and ${formatBytes(Math.max(...rates))} a second`}
      >
        <path className="chart__frame" d="M0 .5H100M0 43.5H100" vectorEffect="non-scaling-stroke" />
        <polyline className="chart__line" points={points.join(' ')} vectorEffect="non-scaling-stroke" />
      </svg>
    </div>
  );
}
