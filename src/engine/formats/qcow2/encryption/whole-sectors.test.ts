import { expect, test } from 'vitest';
import type { OldContent } from '../write/old-content.ts';
import { wholeSectors, zerosBySectors } from './whole-sectors.ts';

/** A disk that holds at every place the low byte of its offset, or 1. */
const held = (at: number): number => at % 256 || 1;
const old = {
  read(at: number, into: Uint8Array) {
    for (let i = 0; i < into.length; i++) into[i] = held(at + i);
    return true;
  },
} as unknown as OldContent;

test.each([
  [0, 512],
  [512, 1024],
  [100, 50],
  [100, 412],
  [0, 100],
  [500, 24],
  [500, 600],
  [100, 5000],
])('a write of %i+%i keeps what stands around it', (at, length) => {
  const whole = wholeSectors(old, at, new Uint8Array(length).fill(0));
  expect([whole.at % 512, whole.bytes.length % 512]).toEqual([0, 0]);
  expect(whole.at).toBe(at - (at % 512));
  expect(whole.at + whole.bytes.length - (at + length)).toBeLessThan(512);
  whole.bytes.forEach((byte, i) => {
    const place = whole.at + i;
    expect(byte, `byte ${place}`).toBe(place >= at && place < at + length ? 0 : held(place));
  });
});

const B = 'bytes';
const Z = 'zeros';

/** As QEMU's block layer splits them. */
test.each([
  [0, 512, [[Z, 0, 512]]],
  [0, 8192, [[Z, 0, 8192]]],
  [0, 100, [[B, 0, 512]]],
  [100, 100, [[B, 0, 512]]],
  [100, 412, [[B, 0, 512]]],
  [500, 100, [[B, 0, 1024]]],
  [
    500,
    524,
    [
      [B, 0, 512],
      [Z, 512, 512],
    ],
  ],
  [
    512,
    600,
    [
      [Z, 512, 512],
      [B, 1024, 512],
    ],
  ],
  [
    100,
    5000,
    [
      [B, 0, 512],
      [Z, 512, 4096],
      [B, 4608, 512],
    ],
  ],
] as const)('zeros for %i+%i', (at, length, parts) => {
  const found = [...zerosBySectors(old, at, length)].map((part) => ['bytes' in part ? B : Z, part.at, part.length]);
  expect(found).toEqual(parts);
});
