/** Which place one is in: the address behind the `#`, so that back, forward and links work. */
import { useSyncExternalStore } from 'react';

export type Place = 'create' | 'open' | 'convert';

const read = (): Place => {
  const named = location.hash.slice(1);
  return named === 'open' || named === 'convert' ? named : 'create';
};

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

export const usePlace = (): Place => useSyncExternalStore(subscribe, read);

export function goTo(place: Place): void {
  if (read() !== place) location.hash = place;
}
