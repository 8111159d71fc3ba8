import { describe, expect, it } from 'vitest';
import { MemoryDevice } from '../../../device/memory.ts';
import { TableCache } from './table-cache.ts';

const BYTES = 512;

/** A device whose writes and flushes are told in order. */
function recorded() {
  const device = new MemoryDevice();
  const events: string[] = [];
  const cache = (name: string, most = 4): TableCache =>
    new TableCache(device, BYTES, most, {
      write: (at, bytes) => {
        events.push(`${name} ${at}=${bytes[0]}`);
        device.write(at, bytes);
      },
      flush: () => events.push('flush'),
    });
  return { device, events, cache };
}

function put(cache: TableCache, offset: number, value: number): void {
  const table = cache.getEmpty(offset);
  table.view.setUint8(0, value);
  cache.markDirty(table);
}

describe('table cache', () => {
  it('reads what is on the disk, zeros behind its end', () => {
    const { device, cache } = recorded();
    device.write(BYTES, new Uint8Array(BYTES).fill(7));
    const tables = cache('a');
    expect(tables.get(BYTES).view.getUint8(3)).toBe(7);
    expect(tables.get(9 * BYTES).view.getUint8(3)).toBe(0);
    expect(tables.get(2 ** 60).view.getUint8(3)).toBe(0);
  });

  it('writes the table used longest ago when it needs room, and keeps the others', () => {
    const { events, cache } = recorded();
    const tables = cache('a', 4);
    for (const i of [1, 2, 3, 4]) put(tables, i * BYTES, i);
    tables.get(BYTES);
    put(tables, 5 * BYTES, 5);
    expect(events).toEqual(['a 1024=2']);
    expect(tables.has(2 * BYTES)).toBe(false);
    expect(tables.get(2 * BYTES).view.getUint8(0)).toBe(2);
  });

  it('flushes what comes first, once', () => {
    const { events, cache } = recorded();
    const [counts, tables] = [cache('counts'), cache('l2')];
    put(counts, 0, 1);
    put(tables, BYTES, 2);
    put(tables, 2 * BYTES, 3);
    tables.dependsOn(counts);
    tables.write();
    expect(events).toEqual(['counts 0=1', 'flush', 'l2 512=2', 'l2 1024=3']);
  });

  it('never makes a circle: the other way round settles what was there', () => {
    const { events, cache } = recorded();
    const [counts, tables] = [cache('counts'), cache('l2')];
    put(counts, 0, 1);
    put(tables, BYTES, 2);
    tables.dependsOn(counts);
    counts.dependsOn(tables);
    expect(events).toEqual(['counts 0=1', 'flush']);
    put(counts, 0, 4);
    counts.flush();
    expect(events.slice(2)).toEqual(['l2 512=2', 'flush', 'counts 0=4', 'flush']);
  });

  it('flushes the device before the next table when asked', () => {
    const { events, cache } = recorded();
    const tables = cache('l2');
    put(tables, BYTES, 2);
    tables.dependsOnFlush();
    tables.write();
    put(tables, BYTES, 3);
    tables.write();
    expect(events).toEqual(['flush', 'l2 512=2', 'l2 512=3']);
  });

  it('forgets a dropped table without writing it, and refuses changes to it', () => {
    const { events, cache } = recorded();
    const tables = cache('l2');
    put(tables, BYTES, 2);
    const table = tables.get(BYTES);
    tables.drop(BYTES);
    tables.flush();
    expect(events).toEqual(['flush']);
    expect(() => table.view.getUint8(0)).toThrow(RangeError);
    expect(() => tables.markDirty(table)).toThrow('still in the cache');
  });
});
