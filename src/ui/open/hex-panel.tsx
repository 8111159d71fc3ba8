/** Bytes of the file or of the disk, a window at a time, with the names of what is known. */
import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { groupDigits } from '../../engine/bytes/units.ts';
import type { BytesReport, NamedField, OpenReport } from '../../worker/open/protocol.ts';
import { hexRows } from './hex-rows.ts';
import { nameOf } from './kinds.ts';
import { hexOffset, offsetText, readOffset } from './offsets.ts';
import type { Spot } from './open-page.tsx';
import { type OpenImageHandle, wordsOf } from './use-image.ts';
import type { MapState } from './use-map.ts';

const WINDOW = 256;
/** Below it a row has eight bytes. */
const NARROW = 740;

interface Props {
  readonly report: OpenReport;
  readonly image: OpenImageHandle;
  readonly map: MapState;
  readonly spot: Spot;
  readonly onSpot: (spot: Spot) => void;
  /** The disk can be read. */
  readonly readable: boolean;
}

function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [width, setWidth] = useState(NARROW);
  useEffect(() => {
    if (!element) return;
    // It is told once at the start, when the layout is done: asking earlier would force one.
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, width];
}

/** Where a key leads from the window at `shown`. */
function placeFor(key: string, shown: number, perRow: number, size: number): number | undefined {
  switch (key) {
    case 'ArrowUp':
      return shown - perRow;
    case 'ArrowDown':
      return shown + perRow;
    case 'PageUp':
      return shown - WINDOW;
    case 'PageDown':
      return shown + WINDOW;
    case 'Home':
      return 0;
    case 'End':
      return size - 1;
    default:
      return undefined;
  }
}

interface Loaded {
  readonly key: string;
  readonly report: BytesReport;
}

function Names({
  fields,
  selected,
  space,
  onSpot,
}: {
  readonly fields: readonly NamedField[];
  readonly selected: number;
  readonly space: Spot['space'];
  readonly onSpot: Props['onSpot'];
}) {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const element = list.current?.children[selected];
    const frame = list.current;
    if (!(element instanceof HTMLElement) || !frame) return;
    // The list alone is scrolled, never the page.
    const top = element.offsetTop - frame.offsetTop;
    if (top < frame.scrollTop || top + element.offsetHeight > frame.scrollTop + frame.clientHeight) {
      frame.scrollTop = Math.max(0, top - 40);
    }
  }, [selected]);
  if (fields.length === 0) return <p className="names names--none">No names here: these are plain bytes.</p>;
  return (
    <ol className="names" aria-label="Named fields" ref={list}>
      {fields.map((field, index) => (
        <li key={field.at} className={index === selected ? 'names__on' : undefined}>
          <button type="button" aria-current={index === selected} onClick={() => onSpot({ space, at: field.at })}>
            <span className="names__at">{offsetText(field.at).includes(' ') ? hexOffset(field.at) : field.at}</span>
            <span className="names__name">{field.name}</span>
            <span className="names__value">{field.value}</span>
          </button>
          {index === selected && (field.note !== undefined || field.leads) && (
            <div className="names__more">
              {field.note}
              {field.leads && (
                <button
                  className="btn btn--sm"
                  type="button"
                  onClick={() => onSpot(field.leads ?? { space, at: field.at })}
                >
                  Go to {offsetText(field.leads.at)}
                </button>
              )}
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

function titleOf(spot: Spot, kind: number | undefined, clusterSize: number | undefined): ReactNode {
  if (spot.space === 'guest') return 'of the guest disk';
  if (kind === undefined || clusterSize === undefined) return 'of the file';
  return `${nameOf(kind).toLowerCase()}, cluster ${groupDigits(Math.floor(spot.at / clusterSize))}`;
}

export function HexPanel({ report, image, map, spot, onSpot, readable }: Props) {
  const { space, at } = spot;
  const size = (space === 'file' ? report.length : report.virtualSize) ?? 0;
  const [base, setBase] = useState(0);
  const [measured, width] = useWidth();
  const perRow = width < NARROW ? 8 : 16;
  const inside = at >= base && at < base + WINDOW;
  const shown = inside ? base : Math.floor(at / 16) * 16;
  useEffect(() => setBase(shown), [shown]);
  const [loaded, setLoaded] = useState<Loaded>();
  const [problem, setProblem] = useState<string>();
  const complete = map.summary?.complete === true;
  const key = `${space} ${shown} ${complete}`;
  useEffect(() => {
    let gone = false;
    image.ask({ kind: 'bytes', space, at: shown, length: WINDOW }).then(
      (found) => {
        if (gone) return;
        setLoaded({ key, report: found });
        setProblem(found.trouble?.message);
      },
      (error: unknown) => {
        if (!gone) setProblem(wordsOf(error));
      },
    );
    return () => {
      gone = true;
    };
  }, [image, space, shown, key]);

  const [goal, setGoal] = useState('');
  const [misread, setMisread] = useState(false);
  function go(event: FormEvent) {
    event.preventDefault();
    const to = readOffset(goal);
    setMisread(to === undefined || to >= size);
    if (to !== undefined && to < size) onSpot({ space, at: to });
  }

  const to = (next: number): void => {
    const last = Math.max(0, Math.floor((size - 1) / 16) * 16);
    const from = Math.max(0, Math.min(next, last));
    setBase(from);
    if (at < from || at >= from + WINDOW) onSpot({ space, at: from });
  };
  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = placeFor(event.key, shown, perRow, size);
    if (next === undefined) return;
    event.preventDefault();
    to(next);
  }

  const bytes = loaded?.key.startsWith(`${space} `) ? loaded.report : undefined;
  const start = loaded ? Number(loaded.key.split(' ')[1]) : shown;
  const fields = bytes?.fields ?? [];
  const selected = fields.findIndex((field) => at >= field.at && at < field.at + field.length);
  const rows = bytes ? hexRows(start, bytes.bytes, fields, perRow) : [];
  const digits = Math.max(6, size.toString(16).length);

  return (
    <section className="panel" aria-labelledby="bytes-title">
      <div className="panel__head panel__head--tools">
        <h2 id="bytes-title">Bytes</h2>
        <p>{titleOf(spot, bytes?.kind, report.clusterSize)}</p>
        <div className="tools">
          <div className="seg seg--small" role="radiogroup" aria-label="Bytes of">
            <label>
              <input
                type="radio"
                name="hex-space"
                checked={space === 'file'}
                onChange={() => onSpot({ space: 'file', at: 0 })}
              />
              File
            </label>
            <label>
              <input
                type="radio"
                name="hex-space"
                checked={space === 'guest'}
                disabled={!readable}
                onChange={() => onSpot({ space: 'guest', at: 0 })}
              />
              Disk
            </label>
          </div>
          <form onSubmit={go}>
            <input
              className="input input--mono"
              aria-label="Go to byte"
              placeholder="Go to byte"
              value={goal}
              aria-invalid={misread}
              spellCheck={false}
              onChange={(event) => {
                setGoal(event.target.value);
                setMisread(false);
              }}
            />
          </form>
        </div>
      </div>
      {map.summary && space === 'file' && (
        <div className="landmarks">
          {map.summary.landmarks.map((mark) => (
            <button
              key={mark.name}
              className="btn btn--sm btn--quiet"
              type="button"
              onClick={() => onSpot({ space: 'file', at: mark.at })}
            >
              {mark.name}
            </button>
          ))}
        </div>
      )}
      {problem !== undefined && <p className="help hex__problem">{problem}</p>}
      {size === 0 && <p className="help hex__problem">It is empty: there are no bytes to show.</p>}
      <div className="hexgrid" ref={measured} hidden={size === 0}>
        <div className="hexgrid__bytes">
          {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for the fields of a form. */}
          <div
            className="hex"
            role="group"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled and moved in with the keys.
            tabIndex={0}
            aria-label="Bytes in hexadecimal. Page up and page down move on; the named fields follow in words."
            onKeyDown={press}
          >
            {rows.map((row) => (
              <div key={row.at} className="hex__row">
                <span className="hex__at">{row.at.toString(16).padStart(digits, '0')}</span>
                <span className="hex__bytes">
                  {row.groups.map(({ text, field, zero }, index) => (
                    <span
                      // biome-ignore lint/suspicious/noArrayIndexKey: groups of a row have no other name.
                      key={index}
                      className={`h${field < 0 ? '' : field % 2 ? ' h--b' : ' h--a'}${zero ? ' h--z' : ''}${field >= 0 && field === selected ? ' h--on' : ''}`}
                    >
                      {text}
                    </span>
                  ))}
                </span>
                <span className="hex__letters">{row.letters}</span>
              </div>
            ))}
          </div>
          <div className="hex__ways">
            <button className="btn btn--sm" type="button" disabled={shown === 0} onClick={() => to(shown - WINDOW)}>
              Before
            </button>
            <button
              className="btn btn--sm"
              type="button"
              disabled={shown + WINDOW >= size}
              onClick={() => to(shown + WINDOW)}
            >
              After
            </button>
            <span>
              {hexOffset(shown)} of {hexOffset(size)}
            </span>
          </div>
        </div>
        <Names fields={fields} selected={selected} space={space} onSpot={onSpot} />
      </div>
    </section>
  );
}
