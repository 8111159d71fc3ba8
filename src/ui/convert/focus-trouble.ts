/** Brings what has to be settled into focus: an option's control, or the way on for an image. */
import { focusSpot } from '../create/focus-spot.ts';
import type { Trouble } from './plan.ts';

/** Its passphrase, or the button for what it lacks, else the one that removes it. */
function focusImage(id: string): void {
  const card = document.querySelector(`[data-image="${CSS.escape(id)}"]`);
  const way =
    card?.querySelector<HTMLElement>('.passphrase input, .problem button') ??
    card?.querySelector<HTMLElement>('button');
  const options: FocusOptions & { focusVisible: boolean } = { preventScroll: true, focusVisible: true };
  way?.focus(options);
  card?.scrollIntoView({ block: 'center' });
}

export function focusTrouble({ spot }: Trouble): void {
  if (spot === undefined) return;
  if (typeof spot === 'object' && 'image' in spot) focusImage(spot.image);
  else focusSpot(spot);
}
