/**
 * `check`: finds damage in an image's own structures, and with -r repairs it in place; without, nothing is changed.
 * No other file is opened. Exit code 0 sound, 2 damaged, 3 leaks only, 63 a format that has nothing to check, 1
 * anything else.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { CheckReport, RepairMode, RepairReport } from '../../engine/image/report.ts';
import { type ImageFile, named, openImageFile } from '../../platform/node/open-images.ts';
import { openWritableFile, type WritableFile } from '../../platform/node/open-writable.ts';
import { turnsOfEventLoop } from '../../platform/node/turns.ts';
import { checkCacheModes, sourceCacheFlag } from '../cache-mode.ts';
import { humanRepairs, humanReport, jsonReport, sayFindings } from '../check-report.ts';
import { type Command, helpFlag, lastOf, type ReadLine, readLine } from '../command.ts';
import { checkOutput, imageFlags, imageOf, onlyImage, openOptions, outputFlag } from '../image-argument.ts';
import { type Io, say, UsageError } from '../io.ts';

const NAME = 'check';
const FAILED = 1;
const DAMAGED = 2;
const LEAKS = 3;
const NO_CHECK = 63;
/** Formats that qemu-img checks and we do not so far. */
const ELSEWHERE = ['qed', 'vdi', 'vhdx', 'vmdk', 'parallels'];

const flags = {
  ...imageFlags,
  ...outputFlag,
  repair: {
    short: 'r',
    long: 'repair',
    value: 'leaks|all',
    help: 'Repair in place: give leaked clusters back, or repair all that can be',
  },
  ...sourceCacheFlag,
  quiet: { short: 'q', help: 'No report' },
  help: helpFlag,
} as const;

/** Runs engine work to its end and lets a signal through between two steps. */
async function finish<Result>(name: string, steps: Generator<unknown, Result>, io: Io): Promise<Result> {
  const turn = turnsOfEventLoop(io.signal);
  for (;;) {
    const step = named(name, () => steps.next());
    if (step.done) return step.value;
    await turn();
  }
}

/** Refuses formats without a check; true where there is one. */
function canBeChecked({ name, format, driver }: ImageFile, io: Io): boolean {
  if (driver.check) return true;
  if (ELSEWHERE.includes(format)) {
    throw new DiskwrightError('unsupported', `${name}: images of the format ${format} cannot be checked so far`);
  }
  say(io, `${name}: the format ${format} has nothing that could be checked`);
  return false;
}

function verdictOf({ failures, corruptions, leaks }: CheckReport): number {
  if (failures > 0) return FAILED;
  return corruptions > 0 ? DAMAGED : leaks > 0 ? LEAKS : 0;
}

type Line = ReadLine<typeof flags>;

function print(line: Line, io: Io, file: ImageFile, report: CheckReport, repair?: RepairReport): number {
  const text = lastOf(line, 'output') === 'json' ? jsonReport(file, report, repair) : humanReport(report);
  if (lastOf(line, 'quiet') === undefined) io.stdout(text);
  if (report.failures > 0) say(io, `${file.name}: the check is not complete`);
  return verdictOf(report);
}

async function checkFile(line: Line, file: ImageFile, io: Io): Promise<number> {
  if (!canBeChecked(file, io)) return NO_CHECK;
  const report = await finish(file.name, file.driver.check?.(file.device) as Generator<unknown, CheckReport>, io);
  sayFindings(io, report);
  return print(line, io, file, report);
}

async function repairFile(line: Line, file: WritableFile, mode: RepairMode, io: Io): Promise<number> {
  if (!canBeChecked(file, io)) return NO_CHECK;
  const steps = (await file.driver.editor?.())?.repair?.(file.device, mode);
  if (!steps) {
    throw new DiskwrightError('unsupported', `${file.name}: images of the format ${file.format} cannot be repaired`);
  }
  const repair = await finish(file.name, steps, io);
  sayFindings(io, repair.found);
  if (repair.refused !== undefined) {
    say(io, `${file.name}: nothing was repaired: ${repair.refused}`);
    say(io, 'fix: Repair everything: -r all.');
    return FAILED;
  }
  if (!repair.again) return print(line, io, file, repair.found, repair);
  const human = lastOf(line, 'output') !== 'json' && lastOf(line, 'quiet') === undefined;
  if (human) io.stdout(humanRepairs(repair));
  sayFindings(io, repair.again);
  return print(line, io, file, repair.again, repair);
}

const isMode = (value: string): value is RepairMode => value === 'leaks' || value === 'all';

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'output') checkOutput(value, NAME);
    if (name === 'repair' && !isMode(value)) throw new UsageError(`-r is leaks or all, not "${value}"`, NAME);
  });
  const image = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  checkCacheModes(line, NAME, io);
  const mode = lastOf(line, 'repair');
  if (mode === undefined || !isMode(mode)) {
    const file = await openImageFile(image, openOptions(line, io));
    try {
      return await checkFile(line, file, io);
    } finally {
      file.device.close();
    }
  }
  if (lastOf(line, 'share') !== undefined) {
    throw new UsageError('-U is for looking: an image that a machine writes to cannot be repaired', NAME);
  }
  const file = await openWritableFile(image, openOptions(line, io));
  try {
    return await repairFile(line, file, mode, io);
  } finally {
    file.device.close();
  }
}

export const check: Command = {
  name: NAME,
  about: 'Looks for damage and leaks in an image, and repairs them where asked.',
  flags,
  positionals: 'file',
  notes: ['Exit code: 0 sound, 2 damaged, 3 leaks only, 63 nothing to check, 1 it could not be checked or repaired.'],
  run,
};
