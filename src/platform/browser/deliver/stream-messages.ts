/**
 * What passes between page, worker and service worker during a streamed download.
 *
 * The page introduces a download to the service worker with one end of a channel; the other end goes to
 * the worker. Bytes travel worker → service worker, counts come back. Pings go from the page, because
 * only its messages keep an idle-killing browser (Firefox, 30 s) from ending the stream half-way.
 */

/** Page → service worker. The port comes with `open`. */
export type StreamOrder =
  | {
      readonly kind: 'open';
      readonly id: string;
      readonly name: string;
      readonly type: string;
      readonly length?: number;
    }
  | { readonly kind: 'ping'; readonly id: string }
  | { readonly kind: 'drop'; readonly id: string };

/** Worker → service worker, over the channel. */
export type StreamInput =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'zeros'; readonly length: number }
  | { readonly kind: 'end'; readonly length: number }
  | { readonly kind: 'abort' };

/** Service worker → worker, over the channel. `taken` and `closed` count bytes from the start. */
export type StreamReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'begun' }
  | { readonly kind: 'taken'; readonly bytes: number }
  | { readonly kind: 'closed'; readonly bytes: number }
  | { readonly kind: 'refused'; readonly bytes: number }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'alive' };
