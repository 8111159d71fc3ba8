/**
 * `check`: finds damage in an image's own structures and changes nothing. No other file is opened. Exit code 0
 * sound, 2 damaged, 3 leaks only, 63 a format that has nothing to check, 1 anything else.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { CheckReport, Finding } from '../../engine/image/report.ts';
import { type ImageFile, named, openImageFile } from '../../platform/node/open-images.ts';
import { turnsOfEventLoop } from '../../platform/node/turns.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { checkOutput, imageFlags, imageOf, onlyImage, openOptions, outputFlag } from '../image-argument.ts';
import { type Io, say } from '../io.ts';
import { twoDecimals } from '../numbers.ts';
import { qemuJson } from '../qemu-json.ts';

const NAME = 'check';
const DAMAGED = 2;
const LEAKS = 3;
const NO_CHECK = 63;
/** Formats that qemu-img checks and we do not so far. */
const ELSEWHERE = ['qed', 'vdi', 'vhdx', 'vmdk', 'parallels'];

const flags = {
  ...imageFlags,
  ...outputFlag,
  repair: { short: 'r', long: 'repair', value: 'leaks|all', help: 'Repair', refused: 'repairing is not there so far' },
  cache: { short: 'T', value: 'mode', help: 'Cache mode', refused: 'the host has one way of caching' },
  quiet: { short: 'q', help: 'No report' },
  help: helpFlag,
} as const;

/** Findings about counts are worded as qemu-img words them, because scripts read them. */
function findingLine({ severity, text, counts, copied }: Finding): string {
  if (counts) {
    const what = severity === 'leak' ? 'Leaked' : 'ERROR';
    return `${what} cluster ${counts.cluster} refcount=${counts.stored} reference=${counts.references}`;
  }
  if (!copied) return `ERROR ${text}`;
  const { l1Index, entry, stored } = copied;
  const what =
    l1Index === undefined
      ? `data cluster: l2_entry=${entry.toString(16)}`
      : `L2 cluster: l1_index=${l1Index} l1_entry=${entry.toString(16)}`;
  return `ERROR OFLAG_COPIED ${what} refcount=${stored}`;
}

function humanReport(report: CheckReport): string {
  const { corruptions, leaks, totalClusters: total, allocatedClusters: allocated } = report;
  const percent = (part: number, of: number): string => `${twoDecimals((part * 100) / of)}%`;
  let text = corruptions === 0 && leaks === 0 ? 'No errors were found on the image.\n' : '';
  if (corruptions > 0) {
    text += `\n${corruptions} errors were found on the image.\n`;
    text += 'Data may be corrupted, or further writes to the image may corrupt it.\n';
  }
  if (leaks > 0) {
    text += `\n${leaks} leaked clusters were found on the image.\n`;
    text += 'This means waste of disk space, but no harm to data.\n';
  }
  if (total > 0 && allocated > 0) {
    const shares = [
      `${percent(allocated, total)} allocated`,
      `${percent(report.fragmentedClusters, allocated)} fragmented`,
      `${percent(report.compressedClusters, allocated)} compressed clusters`,
    ];
    text += `${allocated}/${total} = ${shares.join(', ')}\n`;
  }
  return report.imageEndOffset > 0 ? `${text}Image end offset: ${report.imageEndOffset}\n` : text;
}

function jsonReport(file: ImageFile, report: CheckReport): string {
  const counts = {
    'image-end-offset': report.imageEndOffset,
    'total-clusters': report.totalClusters,
    'allocated-clusters': report.allocatedClusters,
    'fragmented-clusters': report.fragmentedClusters,
    'compressed-clusters': report.compressedClusters,
    corruptions: report.corruptions,
    leaks: report.leaks,
  };
  const there = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  return qemuJson({ ...there, 'check-errors': 0, filename: file.name, format: file.format });
}

async function checkFile(file: ImageFile, io: Io): Promise<CheckReport> {
  const steps = file.driver.check?.(file.device) as Generator<unknown, CheckReport>;
  const turn = turnsOfEventLoop(io.signal);
  for (;;) {
    const step = named(file.name, () => steps.next());
    if (step.done) return step.value;
    await turn();
  }
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'output') checkOutput(value, NAME);
  });
  const file = await openImageFile(imageOf(line, onlyImage(line.positionals, NAME), NAME), openOptions(line, io));
  try {
    if (!file.driver.check) {
      if (ELSEWHERE.includes(file.format)) {
        const message = `${file.name}: images of the format ${file.format} cannot be checked so far`;
        throw new DiskwrightError('unsupported', message);
      }
      say(io, `${file.name}: the format ${file.format} has nothing that could be checked`);
      return NO_CHECK;
    }
    const report = await checkFile(file, io);
    for (const finding of report.findings) io.stderr(`${findingLine(finding)}\n`);
    const more = report.corruptions + report.leaks - report.findings.length;
    if (more > 0) say(io, `${more} more like these`);
    const text = lastOf(line, 'output') === 'json' ? jsonReport(file, report) : humanReport(report);
    if (lastOf(line, 'quiet') === undefined) io.stdout(text);
    return report.corruptions > 0 ? DAMAGED : report.leaks > 0 ? LEAKS : 0;
  } finally {
    file.device.close();
  }
}

export const check: Command = {
  name: NAME,
  about: 'Looks for damage and leaks in an image; changes nothing.',
  flags,
  positionals: 'file',
  notes: ['Exit code: 0 sound, 2 damaged, 3 leaks only, 63 nothing to check, 1 it could not be checked.'],
  run,
};
