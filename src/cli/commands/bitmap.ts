/** `bitmap`: what is done to one dirty bitmap of an image, in the order of the line. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { BitmapControl, BitmapSource } from '../../engine/image/writable.ts';
import { type ImageFile, named, openImageFile } from '../../platform/node/open-images.ts';
import { withWritableImage } from '../../platform/node/open-writable.ts';
import { type Command, helpFlag, lastOf, type ReadLine, readLine } from '../command.ts';
import { allowOutsideFlag, externalFlag, imageFlags, imageOf, openOptions } from '../image-argument.ts';
import { type Io, UsageError } from '../io.ts';
import { readSizeArgument } from '../size-argument.ts';

const NAME = 'bitmap';

const flags = {
  add: { long: 'add', help: 'Make it; it records from now on' },
  remove: { long: 'remove', help: 'Remove it' },
  clear: { long: 'clear', help: 'Forget what it has recorded' },
  enable: { long: 'enable', help: 'Record from now on' },
  disable: { long: 'disable', help: 'Record no longer' },
  merge: { long: 'merge', value: 'source', help: 'Add what another bitmap has recorded' },
  sourceFile: { short: 'b', long: 'source-file', value: 'image', help: 'The image with the bitmap to merge' },
  sourceFormat: {
    short: 'F',
    long: 'source-format',
    value: 'format',
    help: 'Format of that image (default: recognised)',
  },
  granularity: {
    short: 'g',
    long: 'granularity',
    value: 'size',
    help: 'Bytes that one bit stands for, a power of two from 512 to 2G (default: the cluster size, 4k to 64k)',
  },
  format: imageFlags.format,
  imageOptions: imageFlags.imageOptions,
  object: imageFlags.object,
  ...externalFlag,
  ...allowOutsideFlag,
  help: helpFlag,
} as const;

const ACTIONS = ['add', 'remove', 'clear', 'enable', 'disable', 'merge'] as const;
type Action = (typeof ACTIONS)[number];

type Line = ReadLine<typeof flags>;

interface Step {
  readonly action: Action;
  /** The bitmap to merge. */
  readonly source: string;
}

interface Wish {
  readonly steps: readonly Step[];
  readonly file: string;
  readonly name: string;
  /** 0: the default. */
  readonly granularity: number;
}

function readWish(line: Line, granularity: number | undefined): Wish {
  const steps = line.given.flatMap(({ name, value }): Step[] => {
    const action = ACTIONS.find((one) => one === name);
    return action ? [{ action, source: value }] : [];
  });
  const has = (action: Action): boolean => steps.some((step) => step.action === action);
  const refuse = (why: string): never => {
    throw new UsageError(why, NAME);
  };
  if (steps.length === 0) refuse('nothing is to be done: --add, --remove, --clear, --enable, --disable or --merge');
  const [file = '', name = ''] = line.positionals;
  if (line.positionals.length !== 2) refuse('the image and the name of the bitmap are wanted, nothing more');
  if (granularity !== undefined && granularity > 0 && !has('add')) refuse('--granularity is for --add');
  const from = lastOf(line, 'sourceFile');
  if (lastOf(line, 'sourceFormat') !== undefined && from === undefined) refuse('-F is for -b');
  if (from !== undefined && !has('merge')) refuse('-b is for --merge');
  return { steps, file, name, granularity: granularity ?? 0 };
}

function act(bitmaps: BitmapControl, { action, source }: Step, wish: Wish, from: BitmapSource | undefined): void {
  const { name, granularity } = wish;
  if (action === 'add') bitmaps.add(name, granularity > 0 ? { granularity } : {});
  else if (action === 'merge') bitmaps.merge(name, source, from);
  else bitmaps[action](name);
}

async function sourceOf(file: ImageFile): Promise<BitmapSource> {
  const editor = await file.driver.editor?.();
  const bitmaps = named(file.name, () => editor?.bitmaps?.(file.device));
  if (bitmaps) return bitmaps;
  throw new DiskwrightError('unsupported', `${file.name}: images of the format ${file.format} have no bitmaps`);
}

async function run(args: readonly string[], io: Io): Promise<number> {
  let granularity: number | undefined;
  const line = readLine(NAME, flags, args, (flag, value) => {
    if (flag === 'granularity') granularity = Number(readSizeArgument(value, NAME, io));
  });
  const wish = readWish(line, granularity);
  const allowOutside = lastOf(line, 'allowOutside') !== undefined;
  const reading = openOptions(line, io);
  const options = { ...reading, allowOutside, withoutBacking: true, settings: { unmap: true } };
  await withWritableImage(imageOf(line, wish.file, NAME), options, async ({ image, name, format }) => {
    const { bitmaps } = image;
    if (!bitmaps) throw new DiskwrightError('unsupported', `${name}: images of the format ${format} have no bitmaps`);
    const from = lastOf(line, 'sourceFile');
    const sourceFormat = lastOf(line, 'sourceFormat');
    const reference =
      from === undefined ? undefined : { name: from, ...(sourceFormat ? { format: sourceFormat } : {}) };
    const file = reference && (await openImageFile(reference, reading));
    try {
      const source = file && (await sourceOf(file));
      for (const step of wish.steps) named(name, () => act(bitmaps, step, wish, source));
    } finally {
      file?.device.close();
    }
  });
  return 0;
}

export const bitmap: Command = {
  name: NAME,
  about: 'Makes, removes and changes a dirty bitmap: what has been written to the disk since.',
  flags,
  positionals: 'file bitmap',
  notes: [
    'Several of --add to --merge are done in the order in which they are given.',
    'Opening an image to write stores all of its bitmaps anew.',
  ],
  run,
};
