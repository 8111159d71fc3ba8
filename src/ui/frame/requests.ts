/** Counts what the page asked of other places since it loaded, by the browser's own record. */
import { useSyncExternalStore } from 'react';

let count = 0;
const listeners = new Set<() => void>();

/** A request that left: another origin, over the network (`data:` and `blob:` do not). */
export function isForeign(url: string, origin: string): boolean {
  try {
    const { protocol, origin: other } = new URL(url, origin);
    return /^(https?|wss?|ftp):$/.test(protocol) && other !== origin;
  } catch {
    return false;
  }
}

let watching = false;
function watch(): void {
  if (watching || typeof PerformanceObserver === 'undefined') return;
  watching = true;
  new PerformanceObserver((list) => {
    const foreign = list.getEntries().filter((entry) => isForeign(entry.name, location.origin)).length;
    if (foreign === 0) return;
    count += foreign;
    for (const listener of listeners) listener();
  }).observe({ type: 'resource', buffered: true });
}

function subscribe(listener: () => void): () => void {
  watch();
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useForeignRequests = (): number => useSyncExternalStore(subscribe, () => count);
