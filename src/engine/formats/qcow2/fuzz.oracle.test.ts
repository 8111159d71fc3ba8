/**
 * Damaged and hostile images: whatever is done to headers, tables, extensions, snapshot and bitmap tables and
 * compressed data, opening, describing, mapping, reading, checking, repairing and writing end in an answer or a
 * DiskwrightError, soon and in little memory. A sample is judged by qemu-img: what it opens has the same verdict here,
 * before and after a repair, and the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mapDisk } from '../../../jobs/map.ts';
import { type Mutant, makeCorpus, mutantOf } from '../../../testing/fuzz/qcow2-mutants.ts';
import { runs, seed } from '../../../testing/seed.ts';
import { MemoryDevice, memoryDeviceOf } from '../../device/memory.ts';
import { DiskwrightError } from '../../errors.ts';
import { readGuest } from '../../image/access.ts';
import type { CheckReport, Finding, RepairReport } from '../../image/report.ts';
import { checkImage } from './check/check.ts';
import { repairImage } from './check/repair.ts';
import { openImage } from './image.ts';
import { describeImage } from './info.ts';
import { openHeader } from './open-header.ts';
import { openWritable } from './writable-image.ts';

const MUTANTS = runs(20_000);
/** One in so many is judged by qemu-img. */
const SAMPLE = 100;
/** Processor time of one operation on one mutant. Far above what any takes: a busy machine must not decide. */
const MOST_MS = 10_000;
/** What one operation adds to the memory of a small image, and the whole run to that of the process. */
const MOST_BYTES = 64 * 2 ** 20;
const MOST_RESIDENT = 2 ** 30;
const MOST_MAP_ENTRIES = 500;
const MOST_STEPS = 5000;
const READ = 20_000;
/** Of what was said about a mutant that is judged wrongly. */
const MOST_WORDS = 2000;

const dir = mkdtempSync(join(tmpdir(), 'diskwright-fuzz-'));
let corpus: ReturnType<typeof makeCorpus>;
beforeAll(() => {
  corpus = makeCorpus(dir);
});

const tally = { mutants: 0, opened: 0, readInPart: 0, repaired: 0, written: 0, slowestMs: 0, judged: 0, differing: 0 };
afterAll(() => {
  console.log(tally);
  rmSync(dir, { recursive: true, force: true });
});

/** Why the latest operation was refused, to understand a failure. */
let refusal = '';

/** What the operation gave; undefined where it was refused in words. */
function orRefused<T>(operation: () => T): T | undefined {
  const started = process.cpuUsage();
  refusal = '';
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof DiskwrightError)) throw error;
    refusal = error.message;
    return undefined;
  } finally {
    const { user, system } = process.cpuUsage(started);
    tally.slowestMs = Math.max(tally.slowestMs, (user + system) / 1000);
  }
}

function drain<T>(steps: Iterable<T>, most: number): void {
  let count = 0;
  for (const _ of steps) if (++count >= most) return;
}

function finish<T>(steps: Generator<unknown, T>): T {
  for (let count = 0; count < MOST_STEPS; count++) {
    const step = steps.next();
    if (step.done) return step.value;
  }
  throw new Error('it does not end');
}

/** An image that asks for a data file gets one: work goes on. */
const devicesOf = (image: MemoryDevice): { readonly image: MemoryDevice; readonly data?: MemoryDevice } => {
  const external = new Uint8Array(1);
  image.read(79, external);
  return ((external[0] ?? 0) & 4) === 0 ? { image } : { image, data: new MemoryDevice() };
};

/** Bytes from five places of the disk; undefined where they cannot be read. */
function readHereAndThere(device: MemoryDevice): (Buffer | undefined)[] | undefined {
  const image = orRefused(() => openImage(devicesOf(device)));
  if (!image) return undefined;
  return [0, 0.001, 0.1, 0.5, 0.999].map((share) =>
    orRefused(() => {
      const at = Math.floor(image.virtualSize * share);
      const into = Buffer.alloc(Math.min(READ, image.virtualSize - at));
      readGuest([image], at, into);
      return into;
    }),
  );
}

/** Nothing is shared, misplaced or outside: what a repair changes cannot be anything that the disk shows. */
const isPlain = (report: CheckReport): boolean =>
  report.moreFindings + report.failures === 0 &&
  report.findings.every(
    ({ copied, counts }) => copied !== undefined || (counts !== undefined && counts.references < 2),
  );

/** Deep comparison of buffers by `expect` takes longer than all the rest. */
function assertSame(after: (Buffer | undefined)[] | undefined, before: (Buffer | undefined)[] | undefined): void {
  for (const [i, one] of (before ?? []).entries()) {
    const other = after?.[i];
    if (one && !(other && one.equals(other)))
      throw new Error(`place ${i} of the disk reads otherwise after the repair`);
  }
}

function tryRepair(bytes: Buffer, check: CheckReport | undefined, before: (Buffer | undefined)[] | undefined): void {
  const device = memoryDeviceOf(bytes);
  const repair = orRefused(() => finish(repairImage(device, 'all')));
  if (device.resident > bytes.length + MOST_BYTES) throw new Error(`the image has ${device.resident} bytes`);
  if (!repair) return;
  tally.repaired += repair.again ? 1 : 0;
  // What cannot be opened without a repair, one may open after it; never the other way round.
  if (!check || repair.refused !== undefined || repair.found.failures > 0) return;
  const again = repair.again ?? repair.found;
  // Counts behind the end of the file come to light as it grows; qemu-img leaves the same leaks.
  const end = bytes.length / 2 ** bytes.readUInt32BE(20);
  const leaks = again.findings.filter(
    ({ severity, counts }) => severity === 'leak' && !(counts && counts.cluster >= end - 1),
  );
  expect(leaks).toEqual([]);
  expect(again.corruptions).toBeLessThanOrEqual(check.corruptions);
  if (isPlain(check)) assertSame(readHereAndThere(device), before);
}

/** Writes, zeroes and discards a little. An image that was sound is so afterwards, and what was written is there. */
function tryWrites({ bytes }: Mutant, check: CheckReport | undefined): void {
  const device = memoryDeviceOf(bytes);
  const devices = devicesOf(device);
  const image = orRefused(() => openWritable(devices));
  if (!image) return;
  const patch = Buffer.alloc(3000, 0x5a);
  const at = Math.floor(image.virtualSize / 2 / 512) * 512;
  const writes = [
    () => image.write(0, patch.subarray(0, Math.min(patch.length, image.virtualSize))),
    () => image.zero(Math.min(6000, image.virtualSize), Math.min(9000, Math.max(0, image.virtualSize - 6000)), true),
    () => image.discard(0, Math.min(5000, image.virtualSize)),
    () => image.write(at, patch.subarray(0, Math.min(patch.length, image.virtualSize - at))),
    () => image.close(),
  ];
  const done = writes.map((write) => orRefused(() => [write()]) !== undefined);
  if (device.resident > bytes.length + MOST_BYTES) throw new Error(`the image has ${device.resident} bytes`);
  tally.written += done.includes(true) ? 1 : 0;
  if (!check || check.findings.length > 0 || done.includes(false)) return;
  // Counts behind the end of the file, which come to light as it grows, are leaks.
  const end = bytes.length / 2 ** bytes.readUInt32BE(20);
  const after = finish(checkImage(device)).findings.filter(({ counts }) => !(counts && counts.cluster >= end - 1));
  if (after.length > 0) throw new Error(`after writing: ${after[0]?.text}`);
  const length = Math.min(patch.length, image.virtualSize - at);
  const into = Buffer.alloc(length);
  readGuest([openImage(devices)], at, into);
  if (!into.equals(patch.subarray(0, length))) throw new Error('what was written is not there');
}

function tryEverything(mutant: Mutant): void {
  const { bytes } = mutant;
  const device = memoryDeviceOf(bytes);
  tally.mutants++;
  const opened = orRefused(() => openHeader(device)) !== undefined;
  orRefused(() => describeImage(device));
  const image = orRefused(() => openImage(devicesOf(device)));
  if (image) orRefused(() => drain(mapDisk([image], 0, image.virtualSize), MOST_MAP_ENTRIES));
  const read = readHereAndThere(device);
  if (read?.includes(undefined)) tally.readInPart++;
  const check = orRefused(() => finish(checkImage(device)));
  if (opened) tally.opened++;
  tryRepair(bytes, check, read);
  tryWrites(mutant, check);
}

it('mutants are opened, described, mapped, read, checked, repaired and written without harm', () => {
  for (let n = 0; n < MUTANTS; n++) {
    try {
      tryEverything(mutantOf(corpus, seed, n));
      if (tally.slowestMs > MOST_MS) throw new Error(`an operation took ${tally.slowestMs} ms`);
    } catch (thrown) {
      throw new Error(`mutant ${n} of seed ${seed}`, { cause: thrown });
    }
    if (n % 1000 === 0) expect(process.memoryUsage().rss).toBeLessThan(MOST_RESIDENT);
  }
  expect(tally.opened).toBeGreaterThan(tally.mutants / 2);
});

/** One process starts all of them: `m` is the mutant, `q` what qemu-img repairs, `o` what we have repaired. */
const JUDGE = `for m in m*; do
  n=\${m#m}
  cp $m q$n
  qemu-img check --output=json -f qcow2 $m > check$n 2> words$n; echo $? > code$n
  qemu-img check --output=json -f qcow2 -r all q$n > repair$n 2> repairwords$n; echo $? > repaircode$n
  test -e o$n && { qemu-img check --output=json -f qcow2 o$n > after$n 2> afterwords$n; echo $? > aftercode$n; }
  qemu-img convert -q -f qcow2 -O raw $m raw$n 2> readwords$n || rm -f raw$n
done; true`;

interface Judgement {
  readonly code: number;
  readonly corruptions: number;
  readonly leaks: number;
  readonly fixed: number;
  readonly words: string;
}

function judgement(name: string, prefix: string, n: number): Judgement {
  const text = (file: string): string => readFileSync(join(dir, file), 'utf8');
  const code = Number(text(`${prefix}code${n}`));
  const json = code === 1 ? {} : (JSON.parse(text(`${name}${n}`)) as Record<string, number>);
  return {
    code,
    corruptions: json.corruptions ?? 0,
    leaks: json.leaks ?? 0,
    fixed: (json['corruptions-fixed'] ?? 0) + (json['leaks-fixed'] ?? 0),
    words: text(`${prefix}words${n}`),
  };
}

const codeOf = ({ failures, corruptions, leaks }: CheckReport): number =>
  failures > 0 ? 1 : corruptions > 0 ? 2 : leaks > 0 ? 3 : 0;

interface Ours {
  readonly check: CheckReport | undefined;
  readonly repair: RepairReport | undefined;
  readonly words: string;
}

function judgeCheck(ours: Ours, theirs: Judgement): void {
  const { check } = ours;
  const { code, corruptions, leaks } = theirs;
  // Places beyond 8 EiB, which QEMU's own arithmetic does not survive; and what is never refused there unless used.
  if (ours.words.includes('only values below 2^53 work here')) return;
  if (theirs.words.includes('Cannot allocate memory')) return;
  expect(check ? codeOf(check) : 1).toBe(code);
  if (check && code !== 1) expect([check.corruptions, check.leaks]).toEqual([corruptions, leaks]);
}

/** The header is taken for a table of another kind: what it says there depends on where new refcounts are. */
const headerIsTable = ({ bytes }: Mutant, words: string): boolean =>
  words.includes('L2 table at 0,') || (bytes.readUInt32BE(60) !== 0 && bytes.readBigUInt64BE(64) === 0n);

/**
 * Where new refcounts or a new snapshot table lie is each program's own business, and tables that refer to what is
 * behind the end of the file may take them for data. A snapshot table that itself reaches there is given up by QEMU.
 */
const isOwnBusiness = (words: string): boolean =>
  words.includes('beyond the end') && /Rebuilding|too short|too much extra|the snapshot table at/.test(words);

/** Storing bitmaps anew makes QEMU forget a bad place of a snapshot table that holds nothing; here it is refused. */
const isEmptySnapshotTable = ({ bytes }: Mutant, words: string): boolean =>
  bytes.readUInt32BE(60) === 0 && words.includes('qcow2 snapshot table at');

/** A header that a repair by QEMU writes anew says that there are no snapshots (docs/differences.md). */
const forgetsSnapshots = ({ bytes }: Mutant): boolean =>
  bytes.readUInt32BE(4) === 3 && bytes.readUInt32BE(60) !== 0 && bytes.readBigUInt64BE(88) >> 2n !== 0n;

function judgeRepair({ repair, words }: Ours, theirs: Judgement, n: number, mutant: Mutant): void {
  if (words.includes('only values below 2^53 work here') || headerIsTable(mutant, words)) return;
  if (isEmptySnapshotTable(mutant, words)) return;
  // QEMU writes nothing there either, but says that it has.
  if (words.includes('the refcount block at')) return;
  // Opened for writing there, bitmaps are stored anew, broken or not.
  if (theirs.words.includes('Could not open')) return;
  const refused = !repair || repair.refused !== undefined || repair.found.failures > 0;
  const report = repair?.again ?? repair?.found;
  const code = refused || !report ? 1 : codeOf(report);
  if (theirs.code === 1 && !forgetsSnapshots(mutant)) {
    // QEMU gives up where its own check writes into a damaged table; here it is repaired, or refused as well.
    if (code === 1) return;
    expect(theirs.words).toMatch(/Refblock offset|writing refblock|Cannot allocate memory|Input\/output error/);
    tally.differing++;
  }
  if (isOwnBusiness(words)) return;
  const after = judgement('after', 'after', n);
  expect([after.code, after.corruptions, after.leaks]).toEqual([code, report?.corruptions, report?.leaks]);
  if (theirs.code === 1 || forgetsSnapshots(mutant)) return;
  const fixed = (repair?.corruptionsFixed ?? 0) + (repair?.leaksFixed ?? 0);
  expect([code, report?.corruptions, report?.leaks, fixed]).toEqual([
    theirs.code,
    theirs.corruptions,
    theirs.leaks,
    theirs.fixed,
  ]);
}

/** The disk as qemu-img has converted it, where it could. */
function judgeContent(bytes: Buffer, n: number): void {
  const image = orRefused(() => openImage({ image: memoryDeviceOf(bytes) }));
  if (!image || image.virtualSize > 64 * 2 ** 20 || bytes[79] !== 0) return;
  // A backing file is missed by qemu-img alone.
  if (bytes.readBigUInt64BE(8) !== 0n) return;
  const raw = join(dir, `raw${n}`);
  const ours = orRefused(() => {
    const disk = Buffer.alloc(image.virtualSize);
    for (let at = 0; at < disk.length; at += 2 ** 20) readGuest([image], at, disk.subarray(at, at + 2 ** 20));
    return disk;
  });
  if (refusal.includes('only values below 2^53 work here')) return;
  const why = `${refusal} / ${readFileSync(join(dir, `readwords${n}`), 'utf8')}`;
  // Reading a disk needs no bitmap, and one that is broken is the business of those who use it.
  if (/Could not open.*bitmap/i.test(why)) return;
  expect([ours !== undefined, why]).toEqual([existsSync(raw), why]);
  if (ours) expect(readFileSync(raw).equals(ours)).toBe(true);
}

/** A repair by qemu-img makes the file as long as its farthest refcount block wants it: terabytes, and minutes. */
const reachesFar = ({ text }: Finding): boolean =>
  Number(/^refcount block \d+ at (\d+): outside the file/.exec(text)?.[1] ?? 0) > 2 ** 28;

it('what qemu-img opens has its verdicts and its bytes', () => {
  const chosen = new Map<number, { readonly mutant: Mutant; readonly ours: Ours }>();
  for (let n = 0; n < MUTANTS; n += SAMPLE) {
    const mutant = mutantOf(corpus, seed, n);
    // Its judge would have to be told a secret.
    if (mutant.bytes.length < 36 || mutant.bytes.readUInt32BE(32) !== 0) continue;
    const check = orRefused(() => finish(checkImage(memoryDeviceOf(mutant.bytes))));
    const words = refusal;
    const device = memoryDeviceOf(mutant.bytes);
    const repair = orRefused(() => finish(repairImage(device, 'all')));
    const findings = [...(repair?.found.findings ?? []), ...(repair?.again?.findings ?? [])];
    if (findings.some(reachesFar)) continue;
    const ours = { check, repair, words: [words, refusal, ...findings.map(({ text }) => text)].join('\n') };
    writeFileSync(join(dir, `m${n}`), mutant.bytes);
    if (repair && device.size < 64 * 2 ** 20) {
      const repaired = Buffer.alloc(device.size);
      for (let at = 0; at < repaired.length; at += 2 ** 20) device.read(at, repaired.subarray(at, at + 2 ** 20));
      writeFileSync(join(dir, `o${n}`), repaired);
    }
    chosen.set(n, { mutant, ours });
  }
  execFileSync('sh', ['-c', JUDGE], { cwd: dir });
  for (const [n, { mutant, ours }] of chosen) {
    try {
      const theirs = judgement('check', '', n);
      if (!theirs.words.includes('Could not open')) {
        tally.judged++;
        judgeCheck(ours, theirs);
        judgeRepair(ours, judgement('repair', 'repair', n), n, mutant);
      }
      judgeContent(mutant.bytes, n);
    } catch (thrown) {
      const words = readFileSync(join(dir, `words${n}`), 'utf8') + readFileSync(join(dir, `repairwords${n}`), 'utf8');
      const said = `qemu-img: ${words.slice(-MOST_WORDS)}\nours: ${ours.words.slice(-MOST_WORDS)}`;
      throw new Error(`mutant ${n} of seed ${seed} (${mutant.name})\n${said}`, { cause: thrown });
    }
  }
  expect(tally.judged).toBeGreaterThan(chosen.size / 3);
});
