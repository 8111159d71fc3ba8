/** How an overlay and its backing file make one disk. The picture is drawn, not measured. */
import type { Bar } from '../picture/drawing.ts';
import { Strip } from '../picture/strip.tsx';

/** Stretches as [from, to] in percent of the disk. */
const bars = (part: Bar['part'], stretches: readonly (readonly [number, number])[]): Bar[] =>
  stretches.map(([from, to]) => ({ part, from: from / 100, share: (to - from) / 100 }));

const CHANGED = bars('l2', [
  [12, 20],
  [46, 51],
  [72, 74],
]);
const BASE = bars('data', [
  [0, 38],
  [42, 60],
]);

const LAYERS: readonly { readonly name: string; readonly bars: readonly Bar[]; readonly label: string }[] = [
  {
    name: 'What the guest sees',
    bars: [
      ...bars('data', [
        [0, 12],
        [20, 38],
        [42, 46],
        [51, 60],
      ]),
      ...CHANGED,
    ].sort((a, b) => a.from - b.from),
    label: 'The changed clusters, and around them what the backing file holds',
  },
  { name: 'Overlay: what was changed', bars: CHANGED, label: 'Three short stretches of changed clusters' },
  { name: 'Backing file: stays as it is', bars: BASE, label: 'Two long stretches of data' },
];

export function BackingPart() {
  return (
    <>
      <p>
        An image can rest on another one, its backing file. It then holds only what was changed since, and everything
        else is read from below. Many overlays can share one backing file.
      </p>
      {LAYERS.map(({ name, bars: shown, label }) => (
        <div key={name} className="scale">
          <p className="scale__row">
            <span>
              <b>{name}</b>
            </span>
          </p>
          <Strip bars={shown} captions={[]} second="size" label={`${name}: ${label}.`} />
        </div>
      ))}
      <ul>
        <li>
          <b>Never write to the backing file</b> once something rests on it: every overlay would show a mix of old and
          new. Make it read-only.
        </li>
        <li>
          <b>The name is stored as you type it.</b> A name without a folder is looked for beside the overlay, wherever
          the overlay is; a full path must be the same on every machine.
        </li>
        <li>
          <b>The format is stored with it</b>, so that nobody has to guess it from bytes that a guest can write.
        </li>
        <li>
          <b>The overlay can be larger</b> than what it rests on; behind the end of the backing file it reads as zeros.
          Cloud images grow that way at their first start.
        </li>
        <li>
          <b>To make one file of the two</b>: diskwright convert, or commit to write the changes down into the backing
          file.
        </li>
      </ul>
    </>
  );
}
