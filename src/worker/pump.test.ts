/** The turns of the event loop are tested in a browser (e2e/cancel.spec.ts): Node serves one port up to 1000 times in a row. */
import { expect, test } from 'vitest';
import type { Operation } from '../jobs/step.ts';
import { pump, type StepTaker } from './pump.ts';

const nothing: StepTaker = { write: () => {}, zeros: () => {}, progress: () => {} };

function* writes(count: number, log: string[]): Operation<string> {
  try {
    for (let i = 0; i < count; i++) {
      yield { kind: 'emit', at: i, bytes: new Uint8Array(1) };
      log.push(`resumed ${i}`);
    }
    return 'all';
  } finally {
    log.push('cleaned up');
  }
}

test('hands every step on, waits for promises, and gives the result', async () => {
  const log: string[] = [];
  const taker: StepTaker = {
    ...nothing,
    async write(at) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      log.push(`took ${at}`);
    },
  };
  expect(await pump(writes(2, log), taker, new AbortController().signal)).toBe('all');
  expect(log).toEqual(['took 0', 'resumed 0', 'took 1', 'resumed 1', 'cleaned up']);
});

test('cancelling interrupts a wait that would never end, and the operation cleans up', async () => {
  const log: string[] = [];
  const cancel = new AbortController();
  const stuck: StepTaker = { ...nothing, write: () => new Promise(() => {}) };
  setTimeout(() => cancel.abort(), 5);
  await expect(pump(writes(2, log), stuck, cancel.signal)).rejects.toMatchObject({ kind: 'cancelled' });
  expect(log).toEqual(['cleaned up']);
});

test('a failing sink ends the operation with its own error', async () => {
  const log: string[] = [];
  const failing: StepTaker = { ...nothing, write: () => Promise.reject(new Error('disk full')) };
  await expect(pump(writes(2, log), failing, new AbortController().signal)).rejects.toThrow('disk full');
  expect(log).toEqual(['cleaned up']);
});
