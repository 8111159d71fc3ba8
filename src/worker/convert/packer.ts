/** Entry of a worker that compresses: whoever has a channel to it may ask. The wall stands before anything else is loaded. */
import '../wall.ts';

declare const self: DedicatedWorkerGlobalScope;

const loaded = import('./pack-units.ts');
loaded.catch((error: unknown) => {
  // Thrown outside a promise it reaches the page, which then ends what waits for it.
  setTimeout(() => {
    throw error;
  });
});

self.onmessage = ({ ports: [port] }: MessageEvent) => {
  loaded.then(({ serve }) => port && serve(port)).catch(() => {});
};
