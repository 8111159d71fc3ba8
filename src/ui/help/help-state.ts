/** Which part of the help is open, for whoever opens it and for the one dialog that shows it. */
import { useSyncExternalStore } from 'react';

export type HelpPart = 'clusters' | 'preallocation' | 'backing' | 'recipes' | 'keys';

let open: HelpPart | undefined;
const listeners = new Set<() => void>();

function set(part: HelpPart | undefined): void {
  open = part;
  for (const listener of listeners) listener();
}

export const openHelp = (part: HelpPart): void => set(part);
export const closeHelp = (): void => set(undefined);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useOpenHelp = (): HelpPart | undefined => useSyncExternalStore(subscribe, () => open);
