/**
 * The page's part of a streamed download: it starts the service worker, introduces the download, loads
 * the hidden frame that begins it, and passes pings on. A link with `download` would go past the service
 * worker in Chromium, hence the frame.
 */
import type { StreamOrder } from './stream-messages.ts';

/** After the last byte the browser is still writing: pings go on, the frame stays. */
const AFTERGLOW_MS = 30_000;

export interface StreamTarget {
  /** For the worker: bytes in, counts out. */
  readonly port: MessagePort;
  begin(): void;
  ping(): void;
  end(): void;
}

export const hasServiceWorker = (): boolean => 'serviceWorker' in navigator;

function activated(registration: ServiceWorkerRegistration): Promise<ServiceWorker> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (worker === null) return Promise.reject(new Error('no service worker'));
  return new Promise((resolve, reject) => {
    const look = () => {
      if (worker.state === 'activated') resolve(worker);
      else if (worker.state === 'redundant') reject(new Error('the service worker was not installed'));
    };
    worker.addEventListener('statechange', look);
    look();
  });
}

/** Throws when the browser has no service worker for us (private windows, policies). */
export async function openStream(
  name: string,
  type: string,
  length: number | undefined,
  pingInterval: number,
): Promise<StreamTarget> {
  const scope = new URL('download/', document.baseURI);
  const registration = await navigator.serviceWorker.register(new URL('download-sw.js', document.baseURI), {
    scope: scope.href,
    // Built as one classic script; the development server can only serve it as a module.
    type: import.meta.env.DEV ? 'module' : 'classic',
  });
  const worker = await activated(registration);
  const id = crypto.randomUUID();
  const { port1, port2 } = new MessageChannel();
  const tell = (order: StreamOrder, transfer: Transferable[] = []) => worker.postMessage(order, transfer);
  tell({ kind: 'open', id, name, type, ...(length === undefined ? {} : { length }) }, [port2]);

  let frame: HTMLIFrameElement | undefined;
  const ping = () => tell({ kind: 'ping', id });
  const drop = () => tell({ kind: 'drop', id });
  window.addEventListener('pagehide', drop);
  return {
    port: port1,
    begin() {
      frame = document.createElement('iframe');
      frame.hidden = true;
      frame.title = 'Download';
      frame.src = new URL(id, scope).href;
      document.body.append(frame);
    },
    ping,
    end() {
      window.removeEventListener('pagehide', drop);
      const beat = setInterval(ping, pingInterval);
      setTimeout(() => {
        clearInterval(beat);
        frame?.remove();
      }, AFTERGLOW_MS);
    },
  };
}
