import { expect, test, vi } from 'vitest';
import type { ForecastReport } from '../jobs/forecast.ts';
import type { Lane } from './client-lane.ts';
import { NewestOnly } from './client-newest.ts';
import { cancelled } from './protocol.ts';

/** A worker that computes one call at a time and can only be ended. */
function fakeLane() {
  const asked: string[] = [];
  let settle: { resolve(report: ForecastReport): void; reject(error: Error): void } | undefined;
  const lane = {
    ask: (call: { order: { texts: Record<string, string> } }) => {
      asked.push(call.order.texts.size ?? '');
      return new Promise((resolve, reject) => {
        settle = { resolve, reject };
      });
    },
    restart: vi.fn(() => settle?.reject(cancelled())),
  };
  const answer = () => settle?.resolve({} as ForecastReport);
  return { lane: lane as unknown as Lane & typeof lane, asked, answer };
}

const call = (size: string) => ({ name: 'forecast', order: { format: 'raw', texts: { size } } }) as const;

test('one runs, the newest waits, what lies between is never asked', async () => {
  const { lane, asked, answer } = fakeLane();
  const newest = new NewestOnly(lane);
  const all = ['1', '2', '3', '4'].map((size) => newest.ask(call(size)));
  await expect(all[1]).rejects.toMatchObject({ kind: 'cancelled' });
  await expect(all[2]).rejects.toMatchObject({ kind: 'cancelled' });
  answer();
  await all[0];
  await Promise.resolve();
  expect(asked).toEqual(['1', '4']);
  answer();
  await all[3];
  expect(lane.restart).not.toHaveBeenCalled();
});

test('one that takes long is ended once another waits', async () => {
  const { lane, asked, answer } = fakeLane();
  const newest = new NewestOnly(lane);
  const slow = newest.ask(call('slow'));
  const next = newest.ask(call('next'));
  await expect(slow).rejects.toMatchObject({ kind: 'cancelled' });
  expect(lane.restart).toHaveBeenCalledOnce();
  expect(asked).toEqual(['slow', 'next']);
  answer();
  await next;
});

test('an aborted one ends at once', async () => {
  const { lane } = fakeLane();
  const abort = new AbortController();
  const asked = new NewestOnly(lane).ask(call('1'), abort.signal);
  abort.abort();
  await expect(asked).rejects.toMatchObject({ kind: 'cancelled' });
});
