/**
 * A repair that is cut off: whatever part of its writes has reached the medium, the disk reads as before, no more
 * clusters count too little than did, and another repair makes the image sound.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CrashStates } from '../../../../testing/crash/crash-states.ts';
import { FlatDevice } from '../../../../testing/crash/flat-device.ts';
import { RecordingDevice } from '../../../../testing/crash/recording-device.ts';
import { makeCorpus, mutantOf } from '../../../../testing/fuzz/qcow2-mutants.ts';
import { withTempDir } from '../../../../testing/oracle/temp-dir.ts';
import { Random } from '../../../../testing/random.ts';
import { runs, seed } from '../../../../testing/seed.ts';
import type { WritableDevice } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import { readGuest } from '../../../image/access.ts';
import type { CheckReport } from '../../../image/report.ts';
import { openImage } from '../image.ts';
import { checkImage } from './check.ts';
import { repairImage } from './repair.ts';

const CUTS = runs(3000);
/** Crashes of one moment with a part of what was not flushed. */
const PARTS = 3;

let corpus: ReturnType<typeof makeCorpus>;
beforeAll(() => {
  corpus = withTempDir(makeCorpus).filter(({ name }) => name !== 'luks' && name !== 'data file');
});

const tally = { repairs: 0, rebuilt: 0, cuts: 0, inPart: 0 };
afterAll(() => console.log(tally));

function finish<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function orRefused<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    if (error instanceof DiskwrightError) return undefined;
    throw error;
  }
}

function disk(device: WritableDevice): Buffer {
  const image = openImage({ image: device });
  const into = Buffer.alloc(Math.min(image.virtualSize, 2 ** 18));
  readGuest([image], 0, into);
  return into;
}

/** Only counts and COPIED are wrong, and no cluster has two users: the disk shows nothing that a repair changes. */
const isPlain = ({ failures, moreFindings, findings }: CheckReport): boolean =>
  failures + moreFindings === 0 &&
  findings.every(({ copied, counts }) => copied !== undefined || (counts !== undefined && counts.references < 2));

/** Clusters that count less than they are used: those that a writer would give away. */
const atRisk = ({ findings }: CheckReport): number =>
  findings.filter(({ counts }) => counts !== undefined && counts.stored < counts.references).length;

function flat(bytes: Uint8Array): FlatDevice {
  const device = new FlatDevice();
  device.write(0, bytes);
  return device;
}

function crashEverywhere(start: FlatDevice, check: CheckReport, before: Buffer, random: Random): void {
  const working = new FlatDevice();
  working.become(start);
  const recorder = new RecordingDevice(working);
  const { found } = finish(repairImage(recorder, 'all'));
  tally.repairs++;
  if (found.findings.some(({ severity }) => severity === 'note')) tally.rebuilt++;
  const states = new CrashStates(start);
  const judge = (device: FlatDevice): void => {
    tally.cuts++;
    if (!disk(device).equals(before)) throw new Error('the disk reads otherwise');
    expect(atRisk(finish(checkImage(device)))).toBeLessThanOrEqual(atRisk(check));
    const { refused, again, found: left } = finish(repairImage(device, 'all'));
    const { corruptions, leaks, failures } = again ?? left;
    expect([refused, corruptions, leaks, failures]).toEqual([undefined, 0, 0, 0]);
    if (!disk(device).equals(before)) throw new Error('the disk reads otherwise after the second repair');
  };
  for (const event of recorder.take()) {
    states.advance(event);
    judge(states.written());
    for (let part = 0; part < PARTS && states.uncertain > 0; part++) {
      tally.inPart++;
      judge(states.inPart(random));
    }
  }
}

it('a cut at any write of a repair', () => {
  const random = new Random(seed);
  for (let n = 0; tally.cuts < CUTS; n++) {
    const { bytes } = mutantOf([...corpus, ...corpus.slice(0, 1)], seed, n);
    const start = flat(bytes);
    const check = orRefused(() => finish(checkImage(start)));
    if (!check || check.findings.length === 0 || !isPlain(check)) continue;
    const before = orRefused(() => disk(start));
    if (!before) continue;
    try {
      crashEverywhere(start, check, before, random);
    } catch (thrown) {
      throw new Error(`mutant ${n} of seed ${seed}`, { cause: thrown });
    }
  }
  expect(tally.rebuilt).toBeGreaterThan(10);
});
