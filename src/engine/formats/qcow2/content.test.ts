/** The fast table writers against their obvious twins: one entry at a time, with BigInt. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import '../../../testing/seed.ts';
import type { Piece } from '../../image/layout.ts';
import { imageLayoutOf } from './image-layout.ts';
import { layoutOf, type Qcow2Layout } from './layout.ts';
import { type Parameters, parametersOf } from './parameters.ts';
import { piecesOf } from './pieces.ts';

const parameters: fc.Arbitrary<Parameters> = fc
  .record({
    cluster: fc.constantFrom(512, 1024, 4096, 16384, 65536),
    bits: fc.constantFrom(1, 2, 4, 8, 16, 32, 64),
    extended: fc.boolean(),
    preallocation: fc.constantFrom('off', 'metadata', 'falloc', 'full'),
    dataFile: fc.boolean(),
    clusters: fc.integer({ min: 0, max: 6000 }),
    tail: fc.integer({ min: -512, max: 512 }),
  })
  .map(({ cluster, bits, extended, preallocation, dataFile, clusters, tail }) =>
    parametersOf({
      size: String(Math.max(0, clusters * cluster + tail)),
      cluster_size: String(cluster),
      refcount_bits: String(bits),
      extended_l2: extended && cluster >= 16384 ? 'on' : 'off',
      preallocation,
      ...(dataFile ? { data_file: 'd.raw' } : {}),
    }),
  );

/** Cluster number → is it in use, from the pieces alone. */
function usedClusters(layout: Qcow2Layout): Set<number> {
  const used = new Set<number>();
  const { clusterSize } = layout.geometry;
  for (const piece of piecesOf(layout)) {
    if (piece.part === 'free') continue;
    for (let at = piece.at; at < piece.at + piece.length; at += clusterSize) used.add(at / clusterSize);
  }
  return used;
}

function naiveRefcount(block: Uint8Array, slot: number, bits: number): bigint {
  if (bits < 8) {
    const byte = block[Math.floor((slot * bits) / 8)] ?? 0;
    return BigInt((byte >> ((slot * bits) % 8)) & (2 ** bits - 1));
  }
  let value = 0n;
  for (let i = 0; i < bits / 8; i++) value = (value << 8n) | BigInt(block[(slot * bits) / 8 + i] ?? 0);
  return value;
}

/** Host cluster of a guest cluster by looking through all runs. */
function naiveHost({ data, parameters: { dataFile } }: Qcow2Layout, guest: number): number {
  if (dataFile !== undefined) return guest;
  for (let run = 0; run < data.guest.length; run++) {
    const first = data.guest.at(run);
    if (guest >= first && guest < first + data.count.at(run)) return data.host.at(run) + guest - first;
  }
  throw new Error(`guest cluster ${guest} has no place`);
}

it('refcount blocks count 1 for each cluster that a table or data occupies, 0 for the others', () => {
  fc.assert(
    fc.property(parameters, (request) => {
      const layout = layoutOf(request);
      const { image } = imageLayoutOf(request);
      const used = usedClusters(layout);
      const { clusterSize, refcountBits, blockRefcounts } = layout.geometry;
      for (const piece of image.pieces()) {
        if (piece.part !== 'refcount-block') continue;
        const block = new Uint8Array(clusterSize).fill(0xee);
        image.fill(piece, 0, block);
        for (let slot = 0; slot < blockRefcounts; slot++) {
          const count = naiveRefcount(block, slot, refcountBits);
          const expected = used.has(piece.index * blockRefcounts + slot) ? 1n : 0n;
          if (count !== expected) throw new Error(`block ${piece.index} slot ${slot}: ${count}, not ${expected}`);
        }
      }
    }),
    { numRuns: 60 },
  );
});

it('L2 entries point at the place of their cluster, COPIED set', () => {
  fc.assert(
    fc.property(parameters, (request) => {
      const layout = layoutOf(request);
      const { image } = imageLayoutOf(request);
      const { clusterSize, l2Entries, l2EntryBytes, guestClusters } = layout.geometry;
      for (const piece of image.pieces()) {
        if (piece.part !== 'l2' || piece.index > 20) continue;
        const table = new Uint8Array(clusterSize).fill(0xee);
        image.fill(piece, 0, table);
        const view = new DataView(table.buffer);
        for (let i = 0; i < l2Entries; i++) {
          const guest = piece.index * l2Entries + i;
          const expected =
            guest < guestClusters ? (1n << 63n) | (BigInt(naiveHost(layout, guest)) * BigInt(clusterSize)) : 0n;
          if (view.getBigUint64(i * l2EntryBytes) !== expected) throw new Error(`L2 ${piece.index} entry ${i}`);
          if (l2EntryBytes === 16 && view.getBigUint64(i * 16 + 8) !== 0n) throw new Error(`bitmap of entry ${i}`);
        }
      }
    }),
    { numRuns: 30 },
  );
});

/** Bytes of a piece taken in parts of `step` bytes. */
function inParts(fill: (from: number, into: Uint8Array) => void, length: number, step: number): Uint8Array {
  const whole = new Uint8Array(length);
  for (let from = 0; from < length; from += step) fill(from, whole.subarray(from, Math.min(length, from + step)));
  return whole;
}

it('a piece filled in parts is the piece filled at once', () => {
  fc.assert(
    fc.property(parameters, fc.integer({ min: 2, max: 200 }), (request, sixteens) => {
      const { image } = imageLayoutOf(request);
      let looked = 0;
      for (const piece of image.pieces()) {
        if (piece.content !== 'bytes' || looked++ > 12) continue;
        const fill = (from: number, into: Uint8Array): void => image.fill(piece, from, into);
        const parts = inParts(fill, piece.length, sixteens * 16);
        const whole = inParts(fill, piece.length, piece.length);
        const at = parts.findIndex((byte, i) => byte !== whole[i]);
        if (at >= 0) throw new Error(`${piece.part} ${piece.index} differs at byte ${at}`);
      }
    }),
    { numRuns: 30 },
  );
});

it('pieces ascend, do not overlap, lie inside the file and cover every cluster below its end', () => {
  fc.assert(
    fc.property(parameters, (request) => {
      const layout = layoutOf(request);
      const { clusterSize } = layout.geometry;
      let last: Piece | undefined;
      let clusters = 0;
      for (const piece of piecesOf(layout)) {
        if (last && piece.at < last.at + last.length) throw new Error(`${piece.part} overlaps ${last.part}`);
        last = piece;
        clusters += Math.ceil(piece.length / clusterSize);
      }
      expect(last && last.at + last.length).toBe(layout.fileLength);
      expect(clusters).toBe(layout.end);
    }),
    { numRuns: 100 },
  );
});
