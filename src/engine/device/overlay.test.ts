import { describe, expect, test } from 'vitest';
import { describeDeviceContract } from '../../testing/device-contract.vitest.ts';
import { memoryDeviceOf } from './memory.ts';
import { OverlayDevice, type OverlayPiece } from './overlay.ts';

const MOST = 64 * 1024 * 1024;

describeDeviceContract('overlay over nothing', { make: () => new OverlayDevice({ mostOwn: MOST }) });

describeDeviceContract('overlay over a file that was cut to nothing', {
  make: () => {
    const base = memoryDeviceOf(new Uint8Array(500_000).fill(0xee));
    const device = new OverlayDevice({ base, mostOwn: MOST });
    device.resize(0);
    return device;
  },
});

const patterned = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => ((i * 31 + seed * 7) % 255) + 1);

function expectSame(got: Uint8Array, wanted: Uint8Array): void {
  expect(got.length).toBe(wanted.length);
  expect(got.findIndex((byte, i) => byte !== wanted[i])).toBe(-1);
}

function content(device: OverlayDevice): Uint8Array {
  const bytes = new Uint8Array(device.size);
  device.read(0, bytes);
  return bytes;
}

/** The file as its pieces say. */
function assembled(device: OverlayDevice): Uint8Array {
  const bytes = new Uint8Array(device.size);
  let cursor = 0;
  for (const piece of device.pieces()) {
    expect(piece.at).toBe(cursor);
    const part = bytes.subarray(piece.at, piece.at + piece.length);
    if (piece.kind === 'own') device.read(piece.at, part);
    else if (piece.kind === 'reference') piece.source.read(piece.from, part);
    cursor += piece.length;
  }
  expect(cursor).toBe(device.size);
  return bytes;
}

const kinds = (device: OverlayDevice): OverlayPiece['kind'][] => [...device.pieces()].map(({ kind }) => kind);

describe('overlay', () => {
  test('leaves its base alone and shows it where nothing was written', () => {
    const bytes = patterned(200_000, 1);
    const base = memoryDeviceOf(bytes);
    const device = new OverlayDevice({ base, mostOwn: MOST });
    device.write(70_000, new Uint8Array(10).fill(0));
    device.zero(100_000, 5000);
    device.resize(150_000);
    device.resize(160_000);
    const wanted = patterned(200_000, 1).subarray(0, 160_000);
    wanted.fill(0, 70_000, 70_010).fill(0, 100_000, 105_000).fill(0, 150_000);
    expectSame(content(device), wanted);
    expectSame(assembled(device), wanted);
    const still = new Uint8Array(200_000);
    base.read(0, still);
    expectSame(still, bytes);
    expect(device.own).toBe(16384);
  });

  test('keeps lent bytes as references and everything else as bytes', () => {
    const source = memoryDeviceOf(patterned(300_000, 2));
    const device = new OverlayDevice({ mostOwn: MOST });
    const buffer = new Uint8Array(100_000);
    source.read(50_000, buffer);
    device.write(0, patterned(100, 3));
    device.lending(buffer, source, 50_000, () => {
      device.write(65_536, buffer.subarray(1000, 80_000));
      device.write(200_000, patterned(10, 4));
    });
    buffer.fill(0);
    const wanted = new Uint8Array(200_010);
    wanted.set(patterned(100, 3));
    wanted.set(patterned(300_000, 2).subarray(51_000, 130_000), 65_536);
    wanted.set(patterned(10, 4), 200_000);
    expectSame(content(device), wanted);
    expectSame(assembled(device), wanted);
    expect(kinds(device)).toEqual(['own', 'hole', 'reference', 'hole', 'own']);
  });

  test('what is filled up around lent bytes is a reference, too, where it stands there', () => {
    const bytes = patterned(300_000, 8);
    const source = memoryDeviceOf(bytes);
    const device = new OverlayDevice({ mostOwn: MOST });
    const lent = bytes.slice(70_000, 72_000);
    device.lending(
      lent,
      source,
      70_000,
      () => {
        // As one with what stands around, apart from it, and what stands nowhere.
        device.write(0, bytes.slice(65_536, 131_072));
        device.write(131_072, bytes.slice(72_000, 73_000));
        device.write(180_224, patterned(1000, 9));
      },
      65_536,
    );
    expect(kinds(device)).toEqual(['reference', 'hole', 'reference', 'hole', 'own']);
    const wanted = new Uint8Array(181_224);
    wanted.set(bytes.subarray(65_536, 131_072));
    wanted.set(bytes.subarray(72_000, 73_000), 131_072);
    wanted.set(patterned(1000, 9), 180_224);
    expectSame(content(device), wanted);
    expectSame(assembled(device), wanted);
  });

  test('what was written last counts, whether lent or not', () => {
    const source = memoryDeviceOf(patterned(300_000, 5));
    const model = new Uint8Array(300_000);
    const device = new OverlayDevice({ mostOwn: MOST });
    device.resize(model.length);
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 400; i++) {
      const at = random(280_000);
      const length = 1 + random(random(3) === 0 ? 20_000 : 900);
      const kind = random(4);
      if (kind === 0) {
        device.zero(at, length);
        model.fill(0, at, at + length);
      } else if (kind === 1) {
        device.write(at, patterned(length, i));
        model.set(patterned(length, i), at);
      } else {
        const from = random(280_000);
        const bytes = new Uint8Array(length);
        source.read(from, bytes);
        device.lending(bytes, source, from, () => device.write(at, bytes));
        model.set(bytes, at);
      }
    }
    expectSame(content(device), model.slice(0, device.size));
    expectSame(assembled(device), model.slice(0, device.size));
  });

  test('refuses to keep more than it may', () => {
    const device = new OverlayDevice({ mostOwn: 32 * 1024 });
    device.write(0, new Uint8Array(32 * 1024).fill(1));
    expect(() => device.write(40_000, new Uint8Array(1))).toThrow(/more than memory is to hold/);
  });

  test('what was written back as it was counts as unchanged', () => {
    const base = memoryDeviceOf(patterned(100_000, 6));
    const device = new OverlayDevice({ base, mostOwn: MOST });
    device.write(40_000, patterned(100_000, 6).subarray(40_000, 60_000));
    device.write(99_000, patterned(100_000, 6).subarray(99_000));
    for (const _step of device.dropUnchanged());
    expect(device.own).toBe(0);
    expectSame(content(device), patterned(100_000, 6));
  });
});
