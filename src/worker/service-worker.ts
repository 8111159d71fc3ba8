/**
 * Turns bytes that arrive over a channel into a browser download. It answers requests in its own folder
 * (`download/<id>`) and nothing else, keeps nothing, and fetches nothing.
 *
 * The stream's queue tells how much the browser has taken; that count goes back and paces the
 * sender. The stream is closed only when its queue is empty, so `closed` means that the browser has
 * every byte.
 */
import './wall.ts';
import type { StreamInput, StreamOrder, StreamReport } from '../platform/browser/deliver/stream-messages.ts';

declare const self: ServiceWorkerGlobalScope;

/** Bytes that may wait for the browser. */
const ROOM = 4 * 1024 * 1024;
const ZEROS = new Uint8Array(1024 * 1024);

interface Download {
  readonly order: StreamOrder & { kind: 'open' };
  readonly port: MessagePort;
}

/** Introduced, not requested yet. */
const waiting = new Map<string, Download>();
/** The channels of all that run, by id. */
const running = new Map<string, { readonly port: MessagePort; fail(): void }>();

const attachment = (name: string): string => {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
};

function bodyOf({ order, port }: Download): ReadableStream<Uint8Array> {
  let enqueued = 0;
  let expected: number | undefined;
  let ended = false;
  const tell = (report: StreamReport) => port.postMessage(report);

  const end = (report: StreamReport) => {
    ended = true;
    running.delete(order.id);
    tell(report);
  };
  const settle = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const queued = ROOM - (controller.desiredSize ?? ROOM);
    if (expected === undefined || queued > 0) tell({ kind: 'taken', bytes: enqueued - queued });
    else if (expected === enqueued) {
      controller.close();
      end({ kind: 'closed', bytes: enqueued });
    } else {
      controller.error(new Error('the byte count is wrong'));
      end({ kind: 'refused', bytes: enqueued });
    }
  };

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const fail = () => {
          if (ended) return;
          ended = true;
          running.delete(order.id);
          controller.error(new Error('cancelled'));
        };
        running.set(order.id, { port, fail });
        port.onmessage = ({ data }: MessageEvent<StreamInput>) => {
          if (ended) return;
          if (data.kind === 'abort') return fail();
          if (data.kind === 'bytes') {
            enqueued += data.bytes.length;
            controller.enqueue(data.bytes);
          } else if (data.kind === 'zeros') {
            enqueued += data.length;
            for (let left = data.length; left > 0; left -= ZEROS.length) controller.enqueue(ZEROS.subarray(0, left));
          } else {
            expected = data.length;
            settle(controller);
          }
        };
        tell({ kind: 'begun' });
      },
      pull(controller) {
        if (enqueued > 0 || expected !== undefined) settle(controller);
      },
      cancel() {
        if (!ended) end({ kind: 'cancelled' });
      },
    },
    { highWaterMark: ROOM, size: (chunk) => chunk.length },
  );
}

self.addEventListener('message', (event) => {
  const order: StreamOrder = event.data;
  const [port] = event.ports;
  if (order.kind === 'open') {
    if (!port) return;
    waiting.set(order.id, { order, port });
    port.postMessage({ kind: 'ready' } satisfies StreamReport);
  } else if (order.kind === 'ping') {
    const known = running.get(order.id) ?? waiting.get(order.id);
    known?.port.postMessage({ kind: 'alive' } satisfies StreamReport);
  } else {
    waiting.delete(order.id);
    running.get(order.id)?.fail();
  }
});

self.addEventListener('fetch', (event) => {
  const id = new URL(event.request.url).pathname.split('/').at(-1) ?? '';
  const download = waiting.get(id);
  waiting.delete(id);
  if (!download) {
    event.respondWith(new Response('There is no such download.', { status: 404 }));
    return;
  }
  const { name, type, length } = download.order;
  const headers = new Headers({
    'Content-Type': type,
    'Content-Disposition': attachment(name),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  if (length !== undefined) headers.set('Content-Length', String(length));
  event.respondWith(new Response(bodyOf(download), { headers }));
});
