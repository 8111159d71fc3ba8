/** `resize`: another size for a disk. The size is always the last word of the line, so that -1G needs no `--`. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Preallocation } from '../../engine/image/writable.ts';
import { type OpenedWritable, withWritableImage } from '../../platform/node/open-writable.ts';
import { type Command, HelpWanted, helpFlag, lastOf, readLine } from '../command.ts';
import { imageFlags, imageOf, onlyImage, openOptions, writingFlags } from '../image-argument.ts';
import { type Io, UsageError } from '../io.ts';
import { runNamed } from '../run-named.ts';
import { readSizeArgument } from '../size-argument.ts';

const NAME = 'resize';
const MODES: readonly string[] = ['off', 'metadata', 'falloc', 'full'] satisfies Preallocation[];
const LARGEST = (1n << 63n) - 1n;

const flags = {
  format: imageFlags.format,
  imageOptions: imageFlags.imageOptions,
  object: imageFlags.object,
  preallocation: {
    long: 'preallocation',
    value: 'mode',
    help: `How what is new is laid out: ${MODES.join(', ')} (default: off)`,
  },
  shrink: { long: 'shrink', help: 'The disk may become smaller: what lies beyond its new end is lost' },
  quiet: { short: 'q', help: 'No report' },
  ...writingFlags,
  help: helpFlag,
} as const;

const isPreallocation = (text: string): text is Preallocation => MODES.includes(text);

/** `32G`, `+1G`, `-512M`: bytes, and what they are counted from. */
function readSize(text: string, io: Io): { readonly bytes: bigint; readonly relative: boolean } {
  const sign = text.charAt(0);
  if (sign !== '+' && sign !== '-') return { bytes: readSizeArgument(text, NAME, io), relative: false };
  const bytes = readSizeArgument(text.slice(1), NAME, io);
  return { bytes: sign === '-' ? -bytes : bytes, relative: true };
}

interface Wish {
  readonly size: bigint;
  readonly current: bigint;
  readonly preallocation: Preallocation;
  readonly shrink: boolean;
}

function refuseWish(name: string, { size, current, preallocation, shrink }: Wish): void {
  const refuse = (why: string, fix?: string): never => {
    throw new DiskwrightError('invalid-option', `${name}: ${why}`, fix === undefined ? {} : { fix });
  };
  if (size <= 0n) refuse(`a disk of ${size} bytes cannot be: it has ${current} now`);
  if (size > LARGEST) refuse('a disk ends below 8 EiB');
  if (size <= current && preallocation !== 'off') {
    refuse(`space is taken in advance only where the disk grows: it has ${current} bytes now`);
  }
  if (size < current && !shrink) {
    refuse(`what lies beyond ${size} bytes would be lost: the disk has ${current} now`, 'If that is wanted: --shrink.');
  }
}

function readMode(text: string): Preallocation {
  if (isPreallocation(text)) return text;
  throw new UsageError(`--preallocation is one of ${MODES.join(', ')}, not "${text}"`, NAME);
}

async function resizeOpened(opened: OpenedWritable, wish: Omit<Wish, 'current'>, io: Io): Promise<void> {
  const { image, name, format } = opened;
  refuseWish(name, { ...wish, current: BigInt(image.virtualSize) });
  if (!image.resize) {
    throw new DiskwrightError('unsupported', `${name}: images of the format ${format} keep their size`);
  }
  const steps = image.resize({ size: Number(wish.size), preallocation: wish.preallocation });
  await runNamed(name, steps, io);
}

async function run(args: readonly string[], io: Io): Promise<number> {
  if (args.length < 2) {
    if (args[0] === '-h' || args[0] === '--help') throw new HelpWanted();
    throw new UsageError('the image and its new size are missing', NAME);
  }
  const line = readLine(NAME, flags, args.slice(0, -1), (name, value) => {
    if (name === 'preallocation') readMode(value);
  });
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  const { bytes, relative } = readSize(args.at(-1) ?? '', io);
  const preallocation = readMode(lastOf(line, 'preallocation') ?? 'off');
  const shrink = lastOf(line, 'shrink') !== undefined;
  await withWritableImage(reference, openOptions(line, io), async (opened) => {
    const size = relative ? BigInt(opened.image.virtualSize) + bytes : bytes;
    await resizeOpened(opened, { size, preallocation, shrink }, io);
  });
  if (lastOf(line, 'quiet') === undefined) io.stdout('Image resized.\n');
  return 0;
}

export const resize: Command = {
  name: NAME,
  about: 'Changes the size of a disk.',
  flags,
  positionals: 'file [+|-]size',
  notes: [
    'The size is in bytes, or has one of the letters K, M, G, T, P, E; with + or - it is counted from the present one.',
    'File systems and partitions inside the disk are not changed: shrink them before, grow them after.',
  ],
  run,
};
