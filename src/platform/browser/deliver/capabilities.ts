/** What this browser can do for saving. The page's half; whether OPFS works, its worker must try. */
import type { Capabilities, Sink } from './choose.ts';
import { hasPicker } from './picker.ts';
import { hasServiceWorker } from './stream-target.ts';

/** For tests and for people whose browser misbehaves: `?without=picked,stream,opfs&ping=500`. */
export interface Switches {
  readonly without: ReadonlySet<Sink>;
  /** Milliseconds between two pings of the service worker. */
  readonly pingInterval: number;
}

export function readSwitches(query: string): Switches {
  const given = new URLSearchParams(query);
  const ping = Number(given.get('ping'));
  return {
    without: new Set((given.get('without') ?? '').split(',') as Sink[]),
    pingInterval: ping > 0 ? ping : 5000,
  };
}

export function detectCapabilities(opfsWorks: boolean, { without }: Switches): Capabilities {
  return {
    secure: isSecureContext,
    picker: hasPicker() && !without.has('picked'),
    serviceWorker: hasServiceWorker() && !without.has('stream'),
    opfs: opfsWorks && !without.has('opfs'),
    windows: /Windows/.test(navigator.userAgent),
  };
}
