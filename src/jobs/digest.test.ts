/** The digests against a second, naive reading of their definition over whole files in memory. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FileLayout, type Piece, pieceLayout } from '../engine/image/layout.ts';
import { digestLayout, LayoutDigest } from './digest.ts';
import { inFileOrder } from './in-file-order.ts';
import type { Operation } from './step.ts';

/** Straight from the definition, over the file's bytes. */
function naiveLayoutDigest(file: Buffer): string {
  const parts: Buffer[] = [Buffer.from('diskwright layout 1\n')];
  const u64 = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  };
  parts.push(u64(file.length));
  const isZero = (at: number) => file.subarray(at, at + 4096).every((byte) => byte === 0);
  for (let at = 0; at < file.length; ) {
    if (isZero(at)) {
      at += 4096;
      continue;
    }
    let end = at;
    while (end < file.length && end - at < 1048576 && !isZero(end)) end = Math.min(end + 4096, file.length);
    parts.push(u64(at), u64(end - at), file.subarray(at, end));
    at = end;
  }
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex');
}

function finish<R>(operation: Operation<R>): R {
  for (;;) {
    const { done, value } = operation.next();
    if (done) return value;
  }
}

interface Drawn {
  readonly gap: number;
  readonly length: number;
  readonly content: Piece['content'];
  readonly byte: number;
}

function layoutOf(drawn: readonly Drawn[], tail: number): FileLayout & { file: Buffer } {
  const pieces: Piece[] = [];
  let at = 0;
  for (const [index, { gap, length, content }] of drawn.entries()) {
    at += gap;
    pieces.push({ part: 'data', index, at, length, content });
    at += length;
  }
  const byteAt = (piece: Piece, from: number) => (from % 5000 < 900 ? (drawn[piece.index]?.byte ?? 0) : 0);
  const fill = (piece: Piece, from: number, into: Uint8Array) => {
    for (let i = 0; i < into.length; i++) into[i] = byteAt(piece, from + i);
  };
  const file = Buffer.alloc(at + tail);
  for (const piece of pieces) {
    if (piece.content === 'bytes') fill(piece, 0, file.subarray(piece.at, piece.at + piece.length));
  }
  return { ...pieceLayout(at + tail, () => pieces, fill), file };
}

const drawnPiece = fc.record({
  gap: fc.oneof(fc.constant(0), fc.nat(20000)),
  length: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.constantFrom(512, 4096, 65536)),
  content: fc.constantFrom('bytes', 'bytes', 'zeros', 'hole'),
  byte: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
});

test('random layouts: both digests agree with the naive ones, with and without the whole file', () => {
  fc.assert(
    fc.property(fc.array(drawnPiece, { maxLength: 12 }), fc.nat(9000), (drawn, tail) => {
      const layout = layoutOf(drawn as Drawn[], tail);
      const layoutDigest = naiveLayoutDigest(layout.file);
      expect(finish(digestLayout(layout, false))).toEqual({ layoutDigest });
      const sha256 = createHash('sha256').update(layout.file).digest('hex');
      expect(finish(digestLayout(layout, true))).toEqual({ layoutDigest, sha256 });
    }),
    { numRuns: 150 },
  );
});

test('runs longer than 1 MiB are cut, whatever the size of the writes', () => {
  const file = Buffer.alloc(3 * 1048576 + 1234, 7);
  file.fill(0, 1100000, 1110000);
  for (const step of [1000, 4096, 65536, file.length]) {
    const digest = new LayoutDigest(file.length);
    for (let at = 0; at < file.length; at += step) digest.update(at, file.subarray(at, at + step));
    expect(digest.finish()).toBe(naiveLayoutDigest(file));
  }
});

test('a byte, its place and the length of the file all count', () => {
  const digestOf = (length: number, at: number, byte: number) => {
    const digest = new LayoutDigest(length);
    digest.update(at, Uint8Array.of(byte));
    return digest.finish();
  };
  const all = [digestOf(9000, 5000, 1), digestOf(9000, 5000, 2), digestOf(9000, 5001, 1), digestOf(9001, 5000, 1)];
  expect(new Set(all).size).toBe(4);
});

test('hashing a hole of 64 TiB costs nothing', () => {
  const empty = pieceLayout(2 ** 46, () => []);
  expect(finish(digestLayout(empty, false)).layoutDigest).toMatch(/^[0-9a-f]{64}$/);
});

test('cancelling a walk in file order ends the operation below it', () => {
  let ended = false;
  function* endless(): Operation<number> {
    try {
      for (let at = 0; ; at += 512) yield { kind: 'emit', at, bytes: new Uint8Array(512) };
    } finally {
      ended = true;
    }
  }
  const walk = inFileOrder(endless(), 4096);
  walk.next();
  walk.return(0);
  expect(ended).toBe(true);
});
