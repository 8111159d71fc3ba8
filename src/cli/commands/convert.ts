/**
 * `convert`: copies one disk or several, one behind the other, into an image of another format. What is looked at
 * in which order is qemu-img's, because it decides what was printed when something is refused.
 */
import { availableParallelism } from 'node:os';
import { parseQemuSize } from '../../engine/bytes/size-text.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { FormatSpec } from '../../engine/image/format.ts';
import type { SnapshotChoice } from '../../engine/image/image.ts';
import type { OptionSet } from '../../engine/options/declare.ts';
import { parseOptionList } from '../../engine/options/option-list.ts';
import { FLAG_WORDS, readOptions } from '../../engine/options/read.ts';
import {
  type ConvertOptions,
  convertIntoExisting,
  convertIntoNew,
  sizeOfDisks,
} from '../../platform/node/convert-image.ts';
import { refuseCompression } from '../../platform/node/deflate-pool.ts';
import { type OpenedChain, openChain } from '../../platform/node/open-images.ts';
import { type PreparedImage, prepareImage } from '../../platform/node/prepare-image.ts';
import { checkCacheModes, sourceCacheFlag } from '../cache-mode.ts';
import { type Command, helpFlag, lastOf, type ReadLine, readLine } from '../command.ts';
import { ConvertProgress } from '../convert-progress.ts';
import { imageFlags, imageFromOptions, imageOf, openOptions, writingFlags } from '../image-argument.ts';
import { type Io, note, UsageError, warn } from '../io.ts';
import { optionHelp } from '../option-help.ts';
import { checkOptionList, hasOption, typedOptions, wantsOptionHelp } from '../option-texts.ts';
import { sayProblems } from '../problems.ts';
import { secretsOf } from '../secrets-of-line.ts';
import { creatableFormat } from './create.ts';

const NAME = 'convert';
const USUAL_ZEROS = 4096;
const MOST_ZEROS = 16n * 1024n * 1024n;
const MOST_THREADS = 16;

const flags = {
  ...imageFlags,
  format: { short: 'f', value: 'format', help: 'Format of the images that are read (default: recognised)' },
  outputFormat: { short: 'O', value: 'format', help: 'Format of the new image (default: raw)' },
  options: { short: 'o', value: 'options', help: 'Options of the new image, as for create; "help" lists them' },
  compress: { short: 'c', help: 'Compress the data (qcow2)' },
  sparse: { short: 'S', value: 'size', help: 'Leave out zeros from this many in a row (default: 4k; 0: write all)' },
  backing: { short: 'B', value: 'backing_file', help: 'The new image rests on this one and holds only what differs' },
  backingFormat: { short: 'F', value: 'backing_format', help: 'Format of that image' },
  snapshot: { short: 'l', value: 'snapshot', help: 'Read the disk as this snapshot holds it: its id or its name' },
  existing: { short: 'n', help: 'Write into an image that is there' },
  targetIsZero: { long: 'target-is-zero', help: 'With -n: the image reads as zeros, so zeros are not written' },
  progress: { short: 'p', help: 'Report progress' },
  quiet: { short: 'q', help: 'No progress' },
  threads: {
    short: 'm',
    value: 'count',
    help: 'With -c: at most this many threads compress, 1 to 16 (default: one a core)',
  },
  unordered: { short: 'W', help: 'Writing need not be in order (it always is here)' },
  cache: {
    short: 't',
    value: 'mode',
    help: 'unsafe: a new image need not be on the disk when it gets its name; with every other mode it is',
  },
  ...sourceCacheFlag,
  offload: { short: 'C', help: '', refused: 'Node cannot have the host copy for it' },
  rate: { short: 'r', value: 'rate', help: '', refused: 'it runs as fast as the disk' },
  salvage: { long: 'salvage', help: '', refused: 'data that cannot be read ends the command' },
  bitmaps: { long: 'bitmaps', help: '', refused: 'dirty bitmaps are not copied so far' },
  brokenBitmaps: { long: 'skip-broken-bitmaps', help: '', refused: 'dirty bitmaps are not copied so far' },
  targetOptions: {
    long: 'target-image-opts',
    help: 'With -n: the image that is written is given as driver=…,file.filename=…',
  },
  ...writingFlags,
  help: helpFlag,
} as const;

type Line = ReadLine<typeof flags>;

const has = (line: Line, name: keyof typeof flags): boolean => lastOf(line, name) !== undefined;

function readLeastZeros(text: string): number {
  const reading = parseQemuSize(text);
  if (reading.ok && reading.bytes <= MOST_ZEROS && reading.bytes % 512n === 0n) return Number(reading.bytes);
  throw new UsageError(`-S ${text} is not a multiple of 512 from 0 to 16M`, NAME);
}

function readThreads(text: string): number {
  const count = /^\s*\+?(\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= MOST_THREADS) return count;
  throw new UsageError(`-m ${text} is not a number from 1 to ${MOST_THREADS}`, NAME);
}

/** `name`, or `snapshot.id=…,snapshot.name=…`. */
function readSnapshotChoice(text: string): SnapshotChoice {
  if (!text.startsWith('snapshot.')) return text;
  const said = parseOptionList(text) ?? {};
  const { 'snapshot.id': id, 'snapshot.name': name, ...rest } = said;
  const [other] = Object.keys(rest);
  if (other !== undefined || (id === undefined && name === undefined)) {
    throw new UsageError(`-l ${text}: write a name, or snapshot.id=…,snapshot.name=…`, NAME);
  }
  return { id, name };
}

interface Wishes {
  readonly line: Line;
  readonly leastZeros: number;
  readonly threads: number;
  readonly snapshot: SnapshotChoice | undefined;
  readonly lists: readonly string[];
  readonly inputs: readonly string[];
  readonly output: string;
}

function readWishes(args: readonly string[]): Omit<Wishes, 'inputs' | 'output'> {
  let leastZeros = USUAL_ZEROS;
  let threads = availableParallelism();
  let snapshot: SnapshotChoice | undefined;
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'options') checkOptionList(value, NAME);
    if (name === 'sparse') leastZeros = readLeastZeros(value);
    if (name === 'threads') threads = readThreads(value);
    if (name === 'snapshot') snapshot = readSnapshotChoice(value);
  });
  const lists = line.given.filter((one) => one.name === 'options').map((one) => one.value);
  return { line, leastZeros, threads, snapshot, lists };
}

function refuseContradictions(line: Line, lists: readonly string[]): void {
  if (has(line, 'existing') && lists.length > 0) {
    throw new UsageError('-o says how an image is made, and -n makes none', NAME);
  }
  if (has(line, 'targetOptions') && !has(line, 'existing')) {
    throw new UsageError('--target-image-opts names an image that is there: it goes with -n', NAME);
  }
  if (has(line, 'targetIsZero') && !has(line, 'existing')) {
    throw new UsageError('--target-is-zero says something of an image that is there: it goes with -n', NAME);
  }
}

async function openSources({ line, inputs, snapshot }: Wishes, io: Io): Promise<OpenedChain[]> {
  const opened: OpenedChain[] = [];
  try {
    for (const input of inputs) {
      opened.push(await openChain(imageOf(line, input, NAME), { ...openOptions(line, io), snapshot }));
    }
    return opened;
  } catch (thrown) {
    for (const { close } of opened) close();
    throw thrown;
  }
}

type Creatable = FormatSpec & { readonly options: OptionSet };

/** Option texts of the new image with -B, -F and the size of the disks; undefined after texts that cannot be read. */
function collectTexts({ line, lists, output }: Wishes, { options: set, name }: Creatable, size: number, io: Io) {
  const { texts, problems } = typedOptions(set, lists);
  if (problems.length > 0) {
    sayProblems(io, output, problems);
    return undefined;
  }
  if (texts.size !== undefined)
    warn(io, `the size is that of the disks that are read, so size=${texts.size} has no effect`);
  const all: Record<string, string> = { ...texts, size: String(size) };
  const [backing, format] = [lastOf(line, 'backing'), lastOf(line, 'backingFormat')];
  if (backing !== undefined) {
    if (!hasOption(set, 'backing_file')) {
      throw new DiskwrightError('invalid-option', `${output}: an image of the format ${name} cannot rest on another`, {
        fix: 'Use -O qcow2.',
      });
    }
    all.backing_file = backing;
  }
  if (format !== undefined) {
    if (!hasOption(set, 'backing_fmt')) {
      throw new DiskwrightError('invalid-option', `${output}: an image of the format ${name} stores no backing format`);
    }
    all.backing_fmt = format;
  }
  return all;
}

function refuseCompressed(output: string, format: Creatable, texts: Readonly<Record<string, string>>): void {
  const refuse = (why: string): never => {
    throw new DiskwrightError('invalid-option', `${output}: nothing can be compressed: ${why}`);
  };
  if (format.name === 'raw') refuse('a raw image is the bytes of the disk. Use -O qcow2');
  if ((texts.preallocation ?? 'off') !== 'off') refuse('preallocation takes the space of the whole data');
  if (texts.data_file !== undefined) refuse('a data file is the bytes of the disk');
  if (texts['encrypt.format'] !== undefined || FLAG_WORDS[texts.encryption ?? 'off']) {
    refuse('encrypted data does not shrink');
  }
  if (texts.compression_type === 'zstd') refuseCompression('zstd');
}

async function prepare(wishes: Wishes, format: Creatable, sources: readonly OpenedChain[], io: Io) {
  const { line, output } = wishes;
  const texts = collectTexts(wishes, format, sizeOfDisks(sources), io);
  if (!texts) return undefined;
  if (has(line, 'compress')) refuseCompressed(output, format, texts);
  if (texts.backing_file !== undefined && sources.length > 1) {
    throw new DiskwrightError('invalid-option', `${output}: a backing file cannot stand behind several disks at once`);
  }
  const order = { name: output, format, texts, cwd: io.cwd, onWarning: (text: string): void => warn(io, text) };
  const prepared: PreparedImage = await prepareImage(order);
  const { problems } = readOptions(format.options, prepared.texts);
  if (problems.length === 0) return prepared;
  sayProblems(io, output, problems);
  return undefined;
}

async function convertOpened(wishes: Wishes, sources: readonly OpenedChain[], options: ConvertOptions, io: Io) {
  const { line, output } = wishes;
  const name = lastOf(line, 'outputFormat') ?? 'raw';
  if (wishes.snapshot !== undefined && sources.length > 1) {
    throw new UsageError('-l means a snapshot of one image, and several are given', NAME);
  }
  if (has(line, 'existing')) {
    const target = has(line, 'targetOptions') ? imageFromOptions(output, NAME) : { name: output, format: name };
    if (!has(line, 'targetOptions') && !findFormat(name)) {
      throw new DiskwrightError('unsupported', `There is no format "${name}" here.`);
    }
    const backed = has(line, 'backing');
    if (backed && sources.length > 1) {
      throw new DiskwrightError(
        'invalid-option',
        `${output}: a backing file cannot stand behind several disks at once`,
      );
    }
    if (backed && has(line, 'targetIsZero')) {
      throw new UsageError('--target-is-zero and -B exclude each other: the backing file shows through', NAME);
    }
    const state = { backed, isZero: has(line, 'targetIsZero') };
    await convertIntoExisting(target, sources, state, options);
    return 0;
  }
  const format = creatableFormat(name);
  const prepared = await prepare(wishes, format, sources, io);
  if (!prepared) return 1;
  await convertIntoNew(output, format, prepared, sources, options);
  return 0;
}

async function convertWith(wishes: Wishes, progress: ConvertProgress, io: Io): Promise<number> {
  const { line, leastZeros, threads } = wishes;
  const sources = await openSources(wishes, io);
  try {
    const { noExternal = false, allowOutside } = openOptions(line, io);
    const options: ConvertOptions = {
      cwd: io.cwd,
      compress: has(line, 'compress'),
      leastZeros,
      threads,
      unflushed: lastOf(line, 'cache') === 'unsafe',
      noExternal,
      allowOutside,
      secrets: secretsOf(line, io),
      signal: io.signal,
      onProgress: (done, total) => progress.at(done, total),
      onNote: (text) => note(io, text),
      onWarning: (text) => warn(io, text),
    };
    return await convertOpened(wishes, sources, options, io);
  } finally {
    for (const { close } of sources) close();
  }
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const read = readWishes(args);
  const { line, lists } = read;
  const output = line.positionals.length > 1 ? line.positionals.at(-1) : undefined;
  if (wantsOptionHelp(lists)) {
    io.stdout(optionHelp(creatableFormat(lastOf(line, 'outputFormat') ?? 'raw'), output !== undefined));
    return 0;
  }
  refuseContradictions(line, lists);
  if (output === undefined) throw new UsageError('an image to read and one to make are needed', NAME);
  checkCacheModes(line, NAME, io);
  const progress = new ConvertProgress(io, has(line, 'progress') && !has(line, 'quiet'));
  try {
    const code = await convertWith({ ...read, inputs: line.positionals.slice(0, -1), output }, progress, io);
    if (code === 0) progress.finished();
    return code;
  } finally {
    progress.end();
  }
}

export const convert: Command = {
  name: NAME,
  about: 'Copies disks, one behind the other, into an image of another format.',
  flags,
  positionals: 'file [file2 …] output',
  notes: [
    'A new image is written as .<name>.part and takes its name when it is finished.',
    'Zeros and what the backing file has are not copied.',
  ],
  run,
};
