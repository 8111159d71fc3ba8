/** One strip of a file, its names on ticks below it, and a legend for what is too thin to be named there. */
import { useLayoutEffect, useRef, useState } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { Bar, Caption } from './drawing.ts';
import { partName, shortPartName } from './parts.ts';
import { placeLabels } from './place-labels.ts';

const percent = (fraction: number): string => `${(fraction * 100).toFixed(4)}%`;
/** Before it is measured; the width of the panel on a desktop. */
const USUAL_WIDTH = 478;
/** Thinner than this a texture cannot be seen. */
const HAIRLINE = 4;

function useWidth() {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(USUAL_WIDTH);
  useLayoutEffect(() => {
    const observed = element.current;
    if (!observed || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setWidth(entry.contentRect.width);
    });
    observer.observe(observed);
    return () => observer.disconnect();
  }, []);
  return { element, width };
}

interface Props {
  readonly bars: readonly Bar[];
  /** What to name below; the second line is an offset or a size. */
  readonly captions: readonly Caption[];
  readonly second: 'offset' | 'size';
  /** What the strip shows, in words. */
  readonly label: string;
  readonly thin?: boolean;
}

export function Strip({ bars, captions, second, label, thin = false }: Props) {
  const { element, width } = useWidth();
  const noteOf = (one: Caption) =>
    second === 'size' ? formatBytes(one.bytes) : one.at === 0 ? '0' : formatBytes(one.at);
  const { placed, left } = placeLabels(
    captions.map((item) => ({
      item,
      from: item.from,
      share: item.share,
      names: [partName(item.part, item.count), shortPartName(item.part)],
      note: noteOf(item),
    })),
    width,
  );
  return (
    <>
      <div ref={element} className={thin ? 'strip strip--thin' : 'strip'} role="img" aria-label={label}>
        {bars.map((bar) => (
          <i
            key={bar.from}
            className={`k k-${bar.part}${bar.share * width < HAIRLINE ? ' k--hair' : ''}`}
            style={{ left: percent(bar.from), width: percent(bar.share) }}
          />
        ))}
      </div>
      {captions.length > 0 && (
        <div className="ticks" aria-hidden="true">
          {placed.map(({ item, name, side, at }) => (
            <span
              key={item.part}
              className={side === 'end' ? 'ticks__end' : undefined}
              style={side === 'end' ? { right: percent(1 - at) } : { left: percent(at) }}
            >
              {name}
              <small>{noteOf(item)}</small>
            </span>
          ))}
        </div>
      )}
      {left.length > 0 && (
        <ul className="legend" aria-hidden="true">
          {left.map((item) => (
            <li key={item.part}>
              <i className={`sw k k-${item.part}`} />
              {partName(item.part, item.count)} <span>{formatBytes(item.bytes)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
