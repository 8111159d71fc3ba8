/** The image that is open: one at a time, for looking as well as for changing; another order closes it. */
import { PrefetchedFile } from '../../platform/browser/prefetched-file.ts';
import type { ProgressMeter } from '../progress-meter.ts';
import type { OpenOrder } from './protocol.ts';
import { Session } from './session.ts';

let current: { readonly id: string; readonly session: Promise<Session> } | undefined;

/** Called when the open session is closed: what others keep of it goes, too. */
const listeners: (() => void)[] = [];

export function whenClosed(listener: () => void): void {
  listeners.push(listener);
}

function closeCurrent(): void {
  for (const listener of listeners) listener();
  current?.session.then((session) => session.close()).catch(() => {});
  current = undefined;
}

/** Closes the session of this order, if it is the open one. */
export function closeSession({ id }: OpenOrder): void {
  if (current?.id === id) closeCurrent();
}

export function sessionOf(order: OpenOrder, meter: ProgressMeter, signal: AbortSignal): Promise<Session> {
  if (current?.id === order.id) return current.session;
  closeCurrent();
  let phase = '';
  const onProgress = (words: string, done: number, total: number): void => {
    if (words === phase) meter.update(done, total);
    else meter.begin(words, order.files[0]?.file.name ?? '', done, total);
    phase = words;
  };
  const session = Session.open(order, onProgress, signal, { makeDevice: (file) => new PrefetchedFile(file) });
  current = { id: order.id, session };
  // What a passphrase opens is open now; the copy of it that came here is needed no more.
  const forget = (): void => {
    for (const { passphrase } of order.files) passphrase?.fill(0);
  };
  session.then(forget, forget);
  // A session that did not open may be tried again.
  session.catch(() => {
    if (current?.session === session) current = undefined;
  });
  return session;
}
