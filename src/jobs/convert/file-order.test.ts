/** A file in two halves, brought into order: whatever an engine writes where, what leaves is the file, in order. */
import { expect, test } from 'vitest';
import { Random } from '../../testing/random.ts';
import { runs, seed } from '../../testing/seed.ts';
import { FileOrder, LateFinder } from './file-order.ts';
import { SplitFile } from './split-file.ts';

const MiB = 1024 * 1024;

interface Write {
  readonly to: 'clusters' | 'structures';
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Nearly in order: structures between clusters, clusters written again, a place far back that is taken late. */
function writesOf(random: Random): { writes: Write[]; model: Uint8Array } {
  const writes: Write[] = [];
  const model = new Uint8Array(48 * MiB);
  let end = 0;
  const write = (to: Write['to'], at: number, length: number): void => {
    const bytes = new Uint8Array(length).fill(1 + random.below(255));
    for (let i = 0; i < length; i += 509) bytes[i] = random.below(256);
    writes.push({ to, at, bytes });
    model.set(bytes, at);
    end = Math.max(end, at + length);
  };
  const freed: number[] = [];
  while (end < 40 * MiB) {
    const kind = random.below(12);
    if (kind === 0) {
      // A sector holds structures or clusters.
      end = Math.ceil(end / 512) * 512;
      write('structures', end, 65_536);
      if (random.below(2) === 0) freed.push(end - 65_536);
    } else if (kind === 1 && end > 3 * MiB) write('clusters', Math.floor(end / 512) * 512 - 65_536, 4096);
    else if (kind === 2) end += 65_536 * random.below(5);
    else if (kind === 3 && freed.length > 0) write('clusters', freed.shift() as number, 65_536);
    else if (kind === 4) write('clusters', end, 1 + random.below(70_000));
    else {
      end = Math.ceil(end / 65_536) * 65_536;
      write('clusters', end, 65_536 * (1 + random.below(20)));
    }
  }
  return { writes, model: model.subarray(0, end) };
}

function fill(split: SplitFile, writes: readonly Write[], length: number): void {
  for (const { to, at, bytes } of writes) split[to].write(at, bytes);
  split.structures.resize(length);
}

test('two passes give the file in order', () => {
  for (let run = 0; run < runs(6); run++) {
    const { writes, model } = writesOf(new Random(seed + run));
    const finder = new LateFinder();
    const first = new SplitFile((at, bytes) => finder.write(at, bytes));
    fill(first, writes, model.length);
    const out = new Uint8Array(model.length).fill(0xee);
    let left = 0;
    const order = new FileOrder(first, finder.late(), {
      bytes(at, bytes) {
        expect(at).toBe(left);
        out.set(bytes, at);
        left += bytes.length;
      },
      zeros(at, length) {
        expect(at).toBe(left);
        out.fill(0, at, at + length);
        left += length;
      },
    });
    const second = new SplitFile((at, bytes) => order.write(at, bytes));
    fill(second, writes, model.length);
    order.finish(model.length);
    expect(left).toBe(model.length);
    expect(Buffer.compare(out, model)).toBe(0);
  }
});

test('clusters that go to their places at once, the structures last: the same file', () => {
  const { writes, model } = writesOf(new Random(seed));
  const out = new Uint8Array(model.length);
  const split = new SplitFile((at, bytes) => out.set(bytes, at));
  fill(split, writes, model.length);
  for (const { at, bytes } of split.pieces()) out.set(bytes, at);
  expect(Buffer.compare(out, model)).toBe(0);
});

test('what would be lost without a survey is told', () => {
  const order = new FileOrder({ pieces: () => [] }, [], { bytes: () => {}, zeros: () => {} });
  order.write(20 * MiB, new Uint8Array(512));
  expect(() => order.write(0, new Uint8Array(512))).toThrow(/too late/);
});
