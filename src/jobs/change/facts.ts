/** What a change makes different, told from what an image says about itself before and after. */
import { formatBytes } from '../../engine/bytes/units.ts';
import type { ReadableDevice } from '../../engine/device/device.ts';
import type { OverlayDevice } from '../../engine/device/overlay.ts';
import type { FactValue, ImageDescription } from '../../engine/image/description.ts';
import type { ChangeFact } from './change.ts';

/** Facts of the format that a change can reach, and what the page calls them. */
const LABELS: Readonly<Record<string, string>> = {
  compat: 'Format version (compat)',
  'lazy-refcounts': 'Lazy refcounts',
  'refcount-bits': 'Refcount bits',
  corrupt: 'Marked as corrupt',
};

const spelled = (value: FactValue | undefined): string =>
  value === undefined ? 'none' : value === true ? 'on' : value === false ? 'off' : String(value);

const backingText = ({ backing }: ImageDescription): string =>
  backing ? `${backing.name}${backing.format === undefined ? '' : ` (${backing.format})`}` : 'none';

const bitmapCount = ({ specific }: ImageDescription): number => {
  const listed = specific?.data['bitmaps'];
  return Array.isArray(listed) ? listed.length : 0;
};

/** `before`: absent where the image says nothing about itself any more. */
export function factsOf(
  before: ImageDescription | undefined,
  after: ImageDescription,
  lengths: { readonly before: number; readonly after: number },
): ChangeFact[] {
  const facts: ChangeFact[] = [];
  const tell = (label: string, from: string | undefined, to: string): void => {
    if (from !== to) facts.push({ label, ...(from === undefined ? {} : { before: from }), after: to });
  };
  const size = ({ virtualSize }: ImageDescription): string => formatBytes(virtualSize);
  tell('Size of the disk', before && size(before), size(after));
  if (before && before.virtualSize !== after.virtualSize && size(before) === size(after)) {
    tell('Size of the disk', `${before.virtualSize} bytes`, `${after.virtualSize} bytes`);
  }
  tell('Backing image', before && backingText(before), backingText(after));
  const count = ({ snapshots = [] }: ImageDescription): string => String(snapshots.length);
  tell('Snapshots', before && count(before), count(after));
  tell('Bitmaps', String(before ? bitmapCount(before) : 0), String(bitmapCount(after)));
  tell('Closed cleanly', before && (before.dirty ? 'no' : 'yes'), after.dirty ? 'no' : 'yes');
  if (before?.specific?.type === after.specific?.type) {
    for (const [key, label] of Object.entries(LABELS)) {
      const [from, to] = [before?.specific?.data[key], after.specific?.data[key]];
      // What is off and what the version does not know are the same to a person.
      if ((from ?? false) !== (to ?? false)) tell(label, spelled(from), spelled(to));
    }
  }
  facts.push({ label: 'Length of the file', before: formatBytes(lengths.before), after: formatBytes(lengths.after) });
  return facts;
}

export interface OverlayFacts {
  /** Bytes that no hole saves. */
  readonly written: number;
  /** Bytes that do not stand at the same place of the base. */
  readonly changed: number;
  readonly unchanged: boolean;
}

export function overlayFacts(overlay: OverlayDevice, base: ReadableDevice | undefined): OverlayFacts {
  let written = 0;
  let changed = 0;
  for (const piece of overlay.pieces()) {
    if (piece.kind !== 'hole') written += piece.length;
    const same = piece.kind === 'reference' && piece.source === base && piece.from === piece.at;
    if (!same) changed += piece.length;
  }
  return { written, changed, unchanged: base !== undefined && changed === 0 && overlay.size === base.size };
}
