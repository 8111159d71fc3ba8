/**
 * The second wall beside the Content-Security-Policy: takes every way to the network out of a worker's
 * global scope. Import it first, before anything that runs.
 */
const WAYS_OUT = [
  'fetch',
  'fetchLater',
  'XMLHttpRequest',
  'WebSocket',
  'WebSocketStream',
  'EventSource',
  'WebTransport',
  'RTCPeerConnection',
  'importScripts',
  // Its `add` fetches.
  'caches',
  'CacheStorage',
  'Cache',
];

function removeFrom(target: object, name: string): void {
  for (let owner: object | null = target; owner !== null; owner = Object.getPrototypeOf(owner)) {
    if (Object.hasOwn(owner, name)) Reflect.deleteProperty(owner, name);
  }
  Object.defineProperty(target, name, { value: undefined, writable: false, configurable: false });
}

for (const name of WAYS_OUT) removeFrom(globalThis, name);
if ('sendBeacon' in navigator) removeFrom(navigator, 'sendBeacon');
