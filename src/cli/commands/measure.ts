/**
 * `measure`: how large an image of a size and format would be, by QEMU's estimate.
 *
 * Its reader of flags is older than create's: a mistake shows the help and the exit code is 0.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Estimate, FormatSpec } from '../../engine/image/format.ts';
import type { OptionSet, OptionTexts } from '../../engine/options/declare.ts';
import { type Command, HelpWanted, helpFlag, lastOf, readLine } from '../command.ts';
import { FlagMistake, type Io, say, UsageError } from '../io.ts';
import { checkOptionList, typedOptions } from '../option-texts.ts';
import { sayProblems } from '../problems.ts';
import { readSizeArgument } from '../size-argument.ts';
import { creatableFormat } from './create.ts';

const NAME = 'measure';
const NO_IMAGE = 'measuring an existing image is not available so far';

const flags = {
  size: { long: 'size', value: 'size', help: 'Size of the disk' },
  format: { short: 'O', value: 'format', help: 'Format of the image (default: raw)' },
  options: { short: 'o', value: 'options', help: 'Options of the image, as for create' },
  output: { long: 'output', value: 'human|json', help: 'How to print the result (default: human)' },
  sourceFormat: { short: 'f', value: 'format', help: 'Format of an existing image', refused: NO_IMAGE },
  snapshot: { short: 'l', value: 'snapshot', help: 'Snapshot of an existing image', refused: NO_IMAGE },
  imageOptions: { long: 'image-opts', help: 'Options of an existing image', refused: NO_IMAGE },
  share: { short: 'U', long: 'force-share', help: 'Open an existing image in use', refused: NO_IMAGE },
  object: { long: 'object', value: 'definition', help: 'Secrets', refused: NO_IMAGE },
  help: helpFlag,
} as const;

export function printEstimate({ required, fullyAllocated }: Estimate, json: boolean): string {
  return json
    ? `{\n    "required": ${required},\n    "fully-allocated": ${fullyAllocated}\n}\n`
    : `required size: ${required}\nfully allocated size: ${fullyAllocated}\n`;
}

/** measure knows only the two old spellings of compat. */
function refuseNewSpelling({ compat }: OptionTexts): void {
  if (compat === undefined || compat === '0.10' || compat === '1.1') return;
  throw new DiskwrightError('invalid-option', `measure knows compat 0.10 and 1.1, not "${compat}".`, {
    option: 'compat',
  });
}

async function estimate(format: FormatSpec & { readonly options: OptionSet }, texts: OptionTexts): Promise<Estimate> {
  refuseNewSpelling(texts);
  const driver = await format.load();
  if (!driver.create) throw new Error(`${format.name} has options but its driver cannot create`);
  return driver.create.estimate({ texts });
}

async function measureSize(args: readonly string[], io: Io): Promise<number> {
  let output = 'human';
  let size: bigint | undefined;
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'options') checkOptionList(value, NAME);
    if (name === 'size') size = readSizeArgument(value, NAME, io);
    if (name === 'output') {
      if (value !== 'json' && value !== 'human')
        throw new UsageError(`--output is human or json, not "${value}"`, NAME);
      output = value;
    }
  });
  const [file, ...more] = line.positionals;
  if (more.length > 0) throw new UsageError('at most one image can be measured', NAME);
  if (file !== undefined) throw new UsageError(`${file}: ${NO_IMAGE}; give --size`, NAME);
  if (size === undefined) throw new UsageError('the size of the disk is missing: --size', NAME);
  const format = creatableFormat(lastOf(line, 'format') ?? 'raw');
  const { texts, problems } = typedOptions(
    format.options,
    line.given.filter((one) => one.name === 'options').map((one) => one.value),
  );
  if (problems.length > 0) {
    sayProblems(io, NAME, problems);
    return 1;
  }
  io.stdout(printEstimate(await estimate(format, { ...texts, size: size.toString() }), output === 'json'));
  return 0;
}

/** Exit code 0 after a flag that does not exist is odd, but scripts that run either command see the same. */
async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    return await measureSize(args, io);
  } catch (thrown) {
    if (!(thrown instanceof FlagMistake)) throw thrown;
    say(io, thrown.message);
    throw new HelpWanted();
  }
}

export const measure: Command = {
  name: NAME,
  about: "Prints how large an image would be, by QEMU's estimate.",
  flags,
  positionals: '',
  notes: ['The file that create makes can differ from the estimate by a few clusters.'],
  run,
};
