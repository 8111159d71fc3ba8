/**
 * Entry of the dedicated worker. The wall stands before anything else is loaded: what a bundler makes of static
 * imports runs first, so everything behind the wall is imported when it stands.
 */
import './wall.ts';
import type { ToWorker } from './protocol.ts';

declare const self: DedicatedWorkerGlobalScope;

const calls = import('./calls.ts');
calls.catch((error: unknown) => {
  // Thrown outside a promise it reaches the page, which then says that the worker did not load.
  setTimeout(() => {
    throw error;
  });
});

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  calls.then(({ hear }) => hear(data)).catch(() => {});
};
