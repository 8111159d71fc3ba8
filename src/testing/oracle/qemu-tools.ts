/**
 * The installed QEMU tools as judges: typed wrappers of qemu-img and qemu-io.
 *
 * A missing tool is an error with the package that brings it, so that a test fails rather than skips.
 */
import { spawnSync } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The command as one would type it, to repeat a failure by hand. */
  readonly commandLine: string;
}

interface Place {
  readonly cwd?: string;
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

export const commandLine = (program: string, args: readonly string[]): string =>
  [program, ...args].map(quoted).join(' ');

function run(program: string, args: readonly string[], { cwd }: Place): Outcome {
  const line = commandLine(program, args);
  const done = spawnSync(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    timeout: 300_000,
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
  });
  if (done.error) throw new Error(`${line} did not run (package qemu-utils brings it): ${done.error.message}`);
  if (done.status === null) throw new Error(`${line} was ended by ${done.signal}`);
  return { code: done.status, stdout: done.stdout, stderr: done.stderr, commandLine: line };
}

export const qemuImg = (args: readonly string[], place: Place = {}): Outcome => run('qemu-img', args, place);
export const qemuIo = (args: readonly string[], place: Place = {}): Outcome => run('qemu-io', args, place);

/** Runs qemu-img and throws when it fails: for steps of a test that must work. */
export function qemuImgOrThrow(args: readonly string[], place: Place = {}): Outcome {
  const outcome = qemuImg(args, place);
  if (outcome.code !== 0) throw new Error(`${outcome.commandLine} ended with ${outcome.code}: ${outcome.stderr}`);
  return outcome;
}

export interface ImageInfo {
  readonly format: string;
  readonly 'virtual-size': number;
  readonly 'cluster-size'?: number;
  readonly 'backing-filename'?: string;
  readonly 'backing-filename-format'?: string;
  readonly 'format-specific'?: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

export function imageInfo(file: string, place: Place = {}): ImageInfo {
  return JSON.parse(qemuImgOrThrow(['info', '-U', '--output=json', file], place).stdout) as ImageInfo;
}

/** A stretch of a file that its file system holds data for; what lies between reads as zeros. */
export interface DataRun {
  readonly at: number;
  readonly length: number;
}

/** Where the file system holds data of `file`. Node cannot ask for holes; qemu-img can, and finds them with SEEK_DATA. */
export function dataRuns(file: string): readonly DataRun[] {
  const map = JSON.parse(qemuImgOrThrow(['map', '-U', '--output=json', '-f', 'raw', file]).stdout) as readonly {
    readonly start: number;
    readonly length: number;
    readonly zero: boolean;
  }[];
  return map.filter((run) => !run.zero).map((run) => ({ at: run.start, length: run.length }));
}
