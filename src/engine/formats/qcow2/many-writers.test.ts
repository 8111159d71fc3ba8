/**
 * Many writers, one image: requests that come in from everywhere, one while the others wait, end as if they had been
 * made one after the other (contract: systems.md row 50). Every request is a whole: nothing of another is in its midst.
 */
import { expect, it } from 'vitest';
import { Random } from '../../../testing/random.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { diskDifference } from '../../../testing/writable/disk-difference.ts';
import { applyToImage, applyToModel, type DiskOperation, drawOperation } from '../../../testing/writable/operations.ts';
import { newImage, openForWriting, problemsOf } from '../../../testing/writable/qcow2-images.ts';
import { MemoryDevice } from '../../device/memory.ts';
import { readGuest } from '../../image/access.ts';
import type { WritableImage } from '../../image/writable.ts';

/** Lets others go on: a microtask, or a turn of the event loop. */
async function pause(random: Random): Promise<void> {
  if (random.once(3)) await new Promise<void>((resolve) => setImmediate(resolve));
  else if (!random.once(3)) await undefined;
}

/** Hands requests of many callers to one image, as a worker does: a channel of messages, an answer to each. */
function hosted(image: WritableImage): { request(operation: DiskOperation): Promise<number>; close(): void } {
  const { port1, port2 } = new MessageChannel();
  const waiting = new Map<number, (place: number) => void>();
  let asked = 0;
  let done = 0;
  port1.on('message', ({ id, operation }: { id: number; operation: DiskOperation }) => {
    applyToImage(image, operation);
    port1.postMessage({ id, place: done++ });
  });
  port2.on('message', ({ id, place }: { id: number; place: number }) => {
    waiting.get(id)?.(place);
    waiting.delete(id);
  });
  return {
    request: (operation) =>
      new Promise((resolve) => {
        const id = asked++;
        waiting.set(id, resolve);
        port2.postMessage({ id, operation });
      }),
    close: () => {
      port1.close();
      port2.close();
    },
  };
}

const SIZE = 512 * 1024;

for (const [texts, clusterSize] of [
  [{ cluster_size: '512' }, 512],
  [{ cluster_size: '4096', refcount_bits: '64' }, 4096],
  [{ cluster_size: '65536', extended_l2: 'on' }, 65536],
] as const) {
  it(`clusters of ${clusterSize}: overlapping requests of ten callers end in a serial order`, async () => {
    for (let run = 0; run < runs(4); run++) {
      const file = newImage({ ...texts, size: `${SIZE}` });
      const image = openForWriting({ image: file }, { unmap: true });
      const host = hosted(image);
      const order: DiskOperation[] = [];
      const caller = async (number: number): Promise<void> => {
        const random = new Random(seed).fork(run * 100 + number);
        for (let i = 0; i < 30; i++) {
          await pause(random);
          // Few clusters, so that most requests meet another's.
          const weights = { write: 5, zero: 2, discard: 1 };
          const edges = [0, clusterSize, 2 * clusterSize];
          const operation = drawOperation(random, { size: 8 * clusterSize, clusterSize, edges, weights });
          const place = await host.request(operation);
          order[place] = operation;
        }
      };
      await Promise.all(Array.from({ length: 10 }, (_, number) => caller(number)));
      host.close();
      expect(order.length).toBe(300);
      const model = new MemoryDevice();
      model.resize(SIZE);
      for (const operation of order) applyToModel(model, operation, { size: SIZE, discardUnit: clusterSize });
      expect(diskDifference([image], model, 0, SIZE)).toBe(-1);
      image.close();
      expect(problemsOf(file)).toEqual([]);
    }
  });
}

it('readers in between see whole requests', async () => {
  const file = newImage({ cluster_size: '4096', size: `${SIZE}` });
  const image = openForWriting({ image: file });
  const random = new Random(seed);
  const torn: number[] = [];
  let writing = true;
  const writer = async (value: number): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      await pause(random);
      // Always the same stretch, crossing clusters, and all of one value.
      image.write(3000, new Uint8Array(20_000).fill(value));
    }
  };
  const reader = async (): Promise<void> => {
    const into = new Uint8Array(20_000);
    while (writing) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      readGuest([image], 3000, into);
      if (into.some((byte) => byte !== into[0])) torn.push(into[0] ?? 0);
    }
  };
  const readers = [reader(), reader()];
  await Promise.all([1, 2, 3, 4, 5].map((value) => writer(value)));
  writing = false;
  await Promise.all(readers);
  expect(torn).toEqual([]);
  image.close();
  expect(problemsOf(file)).toEqual([]);
});
