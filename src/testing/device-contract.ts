/**
 * One contract for every writable device, as plain functions that throw: it runs under Vitest as well as
 * in a browser's worker, so memory, Node's files and OPFS answer to the same checks.
 */
import { type DeviceRun, MAX_TRANSFER, type WritableDevice } from '../engine/device/device.ts';

export interface DeviceUnderTest {
  /** Makes a device of length 0. Called once per check. */
  make(): WritableDevice;
  /** Opens what the last device was closed on again; absent where nothing outlives `close`. */
  reopen?(): WritableDevice;
}

interface DeviceCheck {
  readonly name: string;
  run(subject: DeviceUnderTest): void;
}

function expect(holds: boolean, fact: string): void {
  if (!holds) throw new Error(fact);
}

function bytesAt(device: WritableDevice, at: number, length: number): Uint8Array {
  const into = new Uint8Array(length).fill(0xa5);
  device.read(at, into);
  return into;
}

function expectBytes(device: WritableDevice, at: number, wanted: Uint8Array): void {
  const got = bytesAt(device, at, wanted.length);
  const wrong = got.findIndex((byte, i) => byte !== wanted[i]);
  expect(wrong < 0, `byte ${at + wrong} is ${got[wrong]}, expected ${wanted[wrong]}`);
}

const zeros = (length: number): Uint8Array => new Uint8Array(length);
const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => ((i * 31 + seed * 7) % 255) + 1);

function expectThrows(action: () => void, what: string): void {
  try {
    action();
  } catch {
    return;
  }
  throw new Error(`${what} did not throw`);
}

function withDevice(subject: DeviceUnderTest, use: (device: WritableDevice) => void): void {
  const device = subject.make();
  try {
    use(device);
  } finally {
    device.close();
  }
}

/** Runs must cover the range in order and without gaps, and every hole must read as zeros. */
function expectRuns(device: WritableDevice, at: number, length: number): DeviceRun[] {
  const runs = [...device.runs(at, length)];
  let cursor = at;
  for (const run of runs) {
    expect(run.at === cursor, `a run begins at ${run.at}, expected ${cursor}`);
    expect(run.length > 0, `the run at ${run.at} is empty`);
    cursor += run.length;
    if (run.kind === 'hole') {
      const seen = Math.min(run.length, MAX_TRANSFER);
      expectBytes(device, run.at, zeros(seen));
      expectBytes(device, run.at + run.length - seen, zeros(seen));
    }
  }
  expect(cursor === at + length, `the runs end at ${cursor}, expected ${at + length}`);
  return runs;
}

/** Mulberry32: small, seeded, the same everywhere. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const ROOM = 400_000;

/** A plain byte array that does the same. */
class Model {
  bytes = zeros(ROOM);
  size = 0;

  write(at: number, from: Uint8Array): void {
    this.bytes.set(from, at);
    if (from.length > 0) this.size = Math.max(this.size, at + from.length);
  }

  zero(at: number, length: number): void {
    this.write(at, zeros(length));
  }

  resize(size: number): void {
    this.bytes.fill(0, size);
    this.size = size;
  }
}

function randomOperations(device: WritableDevice, seed: number): void {
  const random = randomFrom(seed);
  const model = new Model();
  const around = (edge: number): number => Math.max(0, edge + random(5) - 2);
  const place = (): number => (random(3) === 0 ? around(65536 * random(5)) : random(ROOM / 2));
  const extent = (): number => (random(4) === 0 ? random(150_000) : random(9000));
  for (let i = 0; i < 200; i++) {
    const at = place();
    const length = extent();
    const kind = random(10);
    if (kind < 4) {
      const bytes = pattern(length, i);
      device.write(at, bytes);
      model.write(at, bytes);
    } else if (kind < 6) {
      device.zero(at, length);
      model.zero(at, length);
    } else if (kind < 8) {
      device.resize(at);
      model.resize(at);
    } else expectBytes(device, at, model.bytes.subarray(at, at + length));
    expect(device.size === model.size, `step ${i}: size is ${device.size}, expected ${model.size}`);
  }
  expectBytes(device, 0, model.bytes);
  for (const run of expectRuns(device, 0, ROOM)) {
    if (run.kind === 'hole') {
      const lost = model.bytes.subarray(run.at, run.at + run.length).findIndex((byte) => byte !== 0);
      expect(lost < 0, `byte ${run.at + lost} is data, the runs call it a hole`);
    }
  }
}

/** `seed` picks the random operations; print it when a check fails. */
export function deviceChecks(seed: number): readonly DeviceCheck[] {
  const check = (name: string, use: (device: WritableDevice) => void): DeviceCheck => ({
    name,
    run: (subject) => withDevice(subject, use),
  });
  return [
    check('is empty at first', (device) => {
      expect(device.size === 0, `size is ${device.size}, expected 0`);
      expectBytes(device, 0, zeros(1000));
    }),
    check('reads zeros past the end', (device) => {
      device.write(0, pattern(100, 1));
      const wanted = zeros(300);
      wanted.set(pattern(100, 1).subarray(50), 0);
      expectBytes(device, 50, wanted);
      expectBytes(device, 2 ** 40, zeros(10));
    }),
    check('a write past the end extends, the gap reads as zeros', (device) => {
      device.write(100_000, pattern(10, 2));
      expect(device.size === 100_010, `size is ${device.size}, expected 100010`);
      expectBytes(device, 0, zeros(100_000));
      expectBytes(device, 100_000, pattern(10, 2));
    }),
    check('a write inside leaves its neighbours alone', (device) => {
      device.write(0, pattern(200_000, 3));
      device.write(65_530, pattern(20, 4));
      const wanted = pattern(200_000, 3);
      wanted.set(pattern(20, 4), 65_530);
      expectBytes(device, 0, wanted);
      expect(device.size === 200_000, `size is ${device.size}, expected 200000`);
    }),
    check('an empty write or zero changes nothing', (device) => {
      device.write(5000, zeros(0));
      device.zero(5000, 0);
      device.read(5000, zeros(0));
      expect(device.size === 0, `size is ${device.size}, expected 0`);
    }),
    check('copies what it is given', (device) => {
      const bytes = pattern(1000, 5);
      device.write(0, bytes);
      bytes.fill(0);
      expectBytes(device, 0, pattern(1000, 5));
    }),
    check('zero clears a stretch and extends like a write', (device) => {
      device.write(0, pattern(300_000, 6));
      device.zero(1000, 200_000);
      const wanted = pattern(300_000, 6);
      wanted.fill(0, 1000, 201_000);
      expectBytes(device, 0, wanted);
      device.zero(299_990, 20_000);
      expect(device.size === 319_990, `size is ${device.size}, expected 319990`);
      expectBytes(device, 299_990, zeros(20_000));
    }),
    check('zero moves more than one transfer at once', (device) => {
      device.write(0, pattern(10, 7));
      device.zero(5, 2 * MAX_TRANSFER + 3);
      expect(device.size === 2 * MAX_TRANSFER + 8, `size is ${device.size}`);
      expectBytes(device, 5, zeros(100));
    }),
    check('shrinking drops what is behind; growing again reads zeros', (device) => {
      device.write(0, pattern(200_000, 8));
      device.resize(70_001);
      expect(device.size === 70_001, `size is ${device.size}, expected 70001`);
      device.resize(200_000);
      expect(device.size === 200_000, `size is ${device.size}, expected 200000`);
      const wanted = pattern(200_000, 8);
      wanted.fill(0, 70_001);
      expectBytes(device, 0, wanted);
      device.resize(0);
      device.resize(10);
      expectBytes(device, 0, zeros(10));
    }),
    check('what was written behind a shrunk end is gone even when a write extends', (device) => {
      device.write(0, pattern(150_000, 9));
      device.resize(10);
      device.write(140_000, pattern(1, 1));
      expectBytes(device, 10, zeros(139_990));
    }),
    check('runs cover a range without gaps and call no data a hole', (device) => {
      device.write(70_000, pattern(10, 10));
      device.write(300_000, pattern(200_000, 11));
      device.resize(2_000_000);
      const runs = expectRuns(device, 0, 3_000_000);
      const data = runs.filter((run) => run.kind === 'data');
      const holds = (at: number): boolean => data.some((run) => at >= run.at && at < run.at + run.length);
      for (const at of [70_000, 70_009, 300_000, 499_999]) expect(holds(at), `byte ${at} is data, runs call it a hole`);
      expectRuns(device, 70_005, 1);
      expectRuns(device, 299_999, 100_002);
      expect([...device.runs(5, 0)].length === 0, 'an empty range has runs');
    }),
    check('a transfer above 8 MiB is refused', (device) => {
      const large = zeros(MAX_TRANSFER + 1);
      expectThrows(() => device.write(0, large), 'a write of 8 MiB + 1');
      expectThrows(() => device.read(0, large), 'a read of 8 MiB + 1');
      expect(device.size === 0, `size is ${device.size} after a refused write`);
      device.write(3, large.subarray(1).fill(7));
      expectBytes(device, 3, large.subarray(1));
    }),
    {
      name: 'flush keeps everything, close ends it',
      run: (subject) => {
        const device = subject.make();
        device.write(10, pattern(100_000, 12));
        device.resize(150_000);
        device.flush();
        expectBytes(device, 10, pattern(100_000, 12));
        device.close();
        expectThrows(() => device.read(0, zeros(1)), 'a read after close');
        expectThrows(() => device.write(0, zeros(1)), 'a write after close');
        device.close();
        const again = subject.reopen?.();
        if (!again) return;
        try {
          expect(again.size === 150_000, `size after reopening is ${again.size}, expected 150000`);
          expectBytes(again, 10, pattern(100_000, 12));
          expectBytes(again, 100_010, zeros(49_990));
        } finally {
          again.close();
        }
      },
    },
    check(`200 random operations agree with a plain array (seed ${seed})`, (device) => randomOperations(device, seed)),
  ];
}
