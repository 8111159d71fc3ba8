/** Brings the control that a problem is about into focus. */
import type { Spot } from './reading.ts';

export const COMMAND_ID = 'command-line';

/** In a group of radios the chosen one; the first where a refused value leaves none chosen. */
const CONTROLS = [':is(input:checked, input:not([type="radio"]), select)', 'input'];

function controlOf(spot: Spot): HTMLElement | null {
  if (spot === 'command') return document.getElementById(COMMAND_ID);
  const place = typeof spot === 'string' ? spot : spot.option;
  // The forms of other places are there too, hidden.
  const fields = [...document.querySelectorAll(`[data-option="${CSS.escape(place)}"]`)];
  const field = fields.find((one) => !one.closest('[hidden]'));
  for (const control of CONTROLS) {
    const found = field?.querySelector<HTMLElement>(control);
    if (found) return found;
  }
  return null;
}

/** In sight, and with the ring that shows where one was taken, whatever brought one there. */
export function focusSpot(spot: Spot): void {
  const control = controlOf(spot);
  const options: FocusOptions & { focusVisible: boolean } = { preventScroll: true, focusVisible: true };
  control?.focus(options);
  control?.scrollIntoView({ block: 'center' });
}
