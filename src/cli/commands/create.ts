/**
 * `create`: a new image. The order of what is looked at is qemu-img's, because it decides whether the
 * summary line is printed: the command line, the format, the options' texts, the backing image, then the
 * line, then the options' values and rules. Files are touched only after all of that.
 */
import { printQemuSize } from '../../engine/bytes/size-text.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat, formats } from '../../engine/formats/index.ts';
import { backingFormats } from '../../engine/formats/qcow2/backing-formats.ts';
import type { FormatSpec } from '../../engine/image/format.ts';
import { inOrder, type OptionSet, type OptionTexts } from '../../engine/options/declare.ts';
import { readOptions } from '../../engine/options/read.ts';
import { summaryLine } from '../../engine/options/summary.ts';
import { isBlockDevice } from '../../platform/node/block-device.ts';
import { buildImage } from '../../platform/node/build-image.ts';
import { plainPath } from '../../platform/node/image-name.ts';
import { type PreparedImage, prepareImage } from '../../platform/node/prepare-image.ts';
import { printRecipe, type Recipe, withoutSecrets } from '../../recipes/recipe.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { secretFlag } from '../image-argument.ts';
import { type Io, note, UsageError, warn } from '../io.ts';
import { optionHelp } from '../option-help.ts';
import { checkOptionList, hasOption, typedOptions, wantsOptionHelp } from '../option-texts.ts';
import { sayProblems } from '../problems.ts';
import { flagsOfRecipe, readRecipeFile } from '../recipe-file.ts';
import { secretsOf } from '../secrets-of-line.ts';
import { readSizeArgument } from '../size-argument.ts';

const NAME = 'create';

const flags = {
  format: { short: 'f', value: 'format', help: 'Format of the new image (default: raw)' },
  backing: { short: 'b', value: 'backing_file', help: 'The image that the new one rests on' },
  backingFormat: { short: 'F', value: 'backing_format', help: 'Format of that image' },
  unsafe: { short: 'u', help: "Store the backing file's name without opening it" },
  options: { short: 'o', value: 'options', help: 'name=value,name=value; may be repeated; "help" lists them' },
  quiet: { short: 'q', help: 'No summary line' },
  ...secretFlag,
  recipe: { long: 'recipe', value: 'file', help: 'Start from a recipe; what else the line says goes over it' },
  printRecipe: { long: 'print-recipe', help: 'Print the line as a recipe, and make nothing' },
  help: helpFlag,
} as const;

/** Flags that a recipe may bring along. */
const IN_RECIPES = ['unsafe', 'quiet', 'object'] as const;

interface Line {
  readonly recipe: Recipe | undefined;
  readonly printRecipe: boolean;
  /** Of `IN_RECIPES`, as words. */
  readonly recipeFlags: readonly (readonly string[])[];
  readonly format: string;
  readonly backing: string | undefined;
  readonly backingFormat: string | undefined;
  readonly unsafe: boolean;
  readonly quiet: boolean;
  readonly options: readonly string[];
  readonly positionals: readonly string[];
}

function wordsOf(name: (typeof IN_RECIPES)[number], value: string): readonly string[] {
  return name === 'object' ? ['--object', value] : [`-${flags[name].short}`];
}

function readCreateLine(args: readonly string[], io: Io): Line {
  const typed = readLine(NAME, flags, args, (name, value) => {
    if (name === 'options') checkOptionList(value, NAME);
  });
  const recipeName = lastOf(typed, 'recipe');
  const recipe = recipeName === undefined ? undefined : readRecipeFile(recipeName, io);
  const brought = recipe ? flagsOfRecipe(NAME, flags, recipe, IN_RECIPES) : [];
  const line = { ...typed, given: [...brought, ...typed.given] };
  secretsOf(line, io);
  return {
    recipe,
    printRecipe: lastOf(line, 'printRecipe') !== undefined,
    recipeFlags: IN_RECIPES.flatMap((name) =>
      line.given.filter((one) => one.name === name).map((one) => wordsOf(name, one.value)),
    ),
    format: lastOf(line, 'format') ?? recipe?.format ?? 'raw',
    backing: lastOf(line, 'backing'),
    backingFormat: lastOf(line, 'backingFormat'),
    unsafe: lastOf(line, 'unsafe') !== undefined,
    quiet: lastOf(line, 'quiet') !== undefined,
    options: line.given.filter((one) => one.name === 'options').map((one) => one.value),
    positionals: line.positionals,
  };
}

/** A format that can be made here, or the refusal in words. */
export function creatableFormat(name: string): FormatSpec & { readonly options: OptionSet } {
  const format = findFormat(name);
  if (format?.options) return { ...format, options: format.options };
  const made = formats.flatMap((one) => (one.options ? [one.name] : []));
  const makes = `Here ${made.join(' and ')} can be made.`;
  if (format) throw new DiskwrightError('unsupported', `Images of the format ${name} cannot be made. ${makes}`);
  const known = backingFormats.includes(name) ? ', although QEMU has one' : '';
  throw new DiskwrightError('unsupported', `There is no format "${name}" here${known}. ${makes}`);
}

function invalid(option: string, message: string, fix?: string): DiskwrightError {
  return new DiskwrightError('invalid-option', message, { option, ...(fix === undefined ? {} : { fix }) });
}

/** The recipe's texts that nothing on the line goes over, and why they cannot be read. */
function recipeTexts(
  { recipe, backing, backingFormat }: Line,
  over: OptionTexts,
  size: bigint | undefined,
  set: OptionSet,
) {
  const replaced = (name: string): boolean =>
    over[name] !== undefined ||
    (name === 'size' && size !== undefined) ||
    (name === 'backing_file' && backing !== undefined) ||
    (name === 'backing_fmt' && backingFormat !== undefined);
  const texts = Object.fromEntries(Object.entries(recipe?.options ?? {}).filter(([name]) => !replaced(name)));
  const problems = readOptions(set, texts).problems.filter(({ stage }) => stage === 'syntax');
  return { texts, problems };
}

/** Puts the recipe, the size argument, -b and -F beside what -o said; undefined after texts that cannot be read. */
function collectTexts(line: Line, file: string, size: bigint | undefined, set: OptionSet, io: Io) {
  const { texts, problems: mistyped } = typedOptions(set, line.options);
  const base = recipeTexts(line, texts, size, set);
  const problems = [...base.problems, ...mistyped];
  if (problems.length > 0) {
    sayProblems(io, file, problems);
    return undefined;
  }
  const all: Record<string, string> = { ...base.texts, ...texts };
  if (size !== undefined) {
    if (texts.size !== undefined) throw invalid('size', 'The size is given twice.', 'Give it once.');
    all.size = size.toString();
  }
  if (line.backing !== undefined) {
    if (!hasOption(set, 'backing_file')) {
      throw invalid('backing_file', `An image of the format ${line.format} cannot rest on another.`, 'Use -f qcow2.');
    }
    all.backing_file = line.backing;
  }
  if (line.backingFormat !== undefined) {
    if (!hasOption(set, 'backing_fmt')) {
      throw invalid('backing_fmt', `An image of the format ${line.format} stores no backing format.`, 'Leave -F out.');
    }
    all.backing_fmt = line.backingFormat;
  }
  return all;
}

async function build(
  format: FormatSpec & { readonly options: OptionSet },
  file: string,
  prepared: PreparedImage,
  io: Io,
): Promise<number> {
  const { problems } = readOptions(format.options, prepared.texts);
  if (problems.length > 0) {
    sayProblems(io, file, problems);
    return 1;
  }
  await buildImage(file, format, prepared, {
    cwd: io.cwd,
    signal: io.signal,
    onNote: (text) => note(io, text),
    onWarning: (text) => warn(io, text),
    secrets: secretsOf({ given: [] }, io),
  });
  return 0;
}

/** Attributes of files are unknown options where the target is a block device. */
function refuseFileAttributes(file: string, texts: OptionTexts, set: OptionSet, io: Io): void {
  if (!isBlockDevice(file, io.cwd)) return;
  const attribute = inOrder(set).find(
    (option) => option.layer === 'file' && option.qemu !== 'preallocation' && texts[option.qemu] !== undefined,
  );
  if (!attribute) return;
  throw invalid(attribute.qemu, `There is no option "${attribute.qemu}" for a block device.`, 'Leave it out.');
}

/** The line as a recipe; its options must go together, but no file is looked at. */
function printAsRecipe(line: Line, file: string | undefined, size: bigint | undefined, io: Io): number {
  const { name, options: set } = creatableFormat(line.format);
  const shown = file ?? 'recipe';
  const texts = collectTexts(line, shown, size, set, io);
  if (!texts) return 1;
  const { problems } = readOptions(set, texts);
  if (problems.length > 0) {
    sayProblems(io, shown, problems);
    return 1;
  }
  const { gzip, rest } = line.recipe ?? {};
  const kept = withoutSecrets({ format: name, options: texts, flags: line.recipeFlags }).flags ?? [];
  if (kept.length < line.recipeFlags.length) {
    note(io, 'the value of a secret is not in the recipe: give it with --object beside --recipe, or by file=');
  }
  io.stdout(
    printRecipe({
      format: name,
      ...(file === undefined ? {} : { file }),
      options: size === undefined ? texts : { ...texts, size: printQemuSize(size) },
      ...(gzip ? { gzip } : {}),
      flags: kept,
      ...(rest ? { rest } : {}),
    }),
  );
  return 0;
}

/** From here on qemu-img puts the file's name before its messages; so do we. */
async function createFile(line: Line, file: string, size: bigint | undefined, io: Io): Promise<number> {
  const format = creatableFormat(line.format);
  plainPath(file);
  const texts: OptionTexts | undefined = collectTexts(line, file, size, format.options, io);
  if (!texts) return 1;
  refuseFileAttributes(file, texts, format.options, io);
  for (const text of readOptions(format.options, texts).warnings) if (size === undefined) warn(io, text);
  const onWarning = (text: string): void => warn(io, text);
  const order = { name: file, format, texts, unsafe: line.unsafe, cwd: io.cwd, onWarning };
  const prepared = await prepareImage(order);
  if (!line.quiet) io.stdout(`${summaryLine(file, format.name, format.options, prepared.texts)}\n`);
  return await build(format, file, prepared, io);
}

/** Names the file in front of a message that does not name it yet. */
function withName(file: string, thrown: unknown): unknown {
  if (!(thrown instanceof DiskwrightError) || thrown.kind === 'cancelled') return thrown;
  if (/^[^ ]+: /.test(thrown.message)) return thrown;
  const { kind, option, fix } = thrown;
  return new DiskwrightError(kind, `${file}: ${thrown.message}`, {
    cause: thrown,
    ...(option === undefined ? {} : { option }),
    ...(fix === undefined ? {} : { fix }),
  });
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readCreateLine(args, io);
  const [file = line.recipe?.file, sizeText, ...rest] = line.positionals;
  if (wantsOptionHelp(line.options)) {
    io.stdout(optionHelp(creatableFormat(line.format), file !== undefined));
    return 0;
  }
  if (file === undefined && !line.printRecipe) throw new UsageError('the name of the new image is missing', NAME);
  const size = sizeText === undefined ? undefined : readSizeArgument(sizeText, NAME, io);
  if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one argument too many`, NAME);
  if (file === undefined || line.printRecipe) return printAsRecipe(line, file, size, io);
  try {
    return await createFile(line, file, size, io);
  } catch (thrown) {
    throw withName(file, thrown);
  }
}

export const create: Command = {
  name: NAME,
  about: 'Makes an image; prints its summary line.',
  flags,
  positionals: 'file [size]',
  notes: [
    'Sizes are bytes or have one letter: 32G, 512M, 1.5T.',
    'The image is written as .<name>.part and takes its name when it is finished.',
    'The same recipe makes the same bytes, on any machine and in the page, encryption aside.',
  ],
  run,
};
