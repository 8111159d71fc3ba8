/**
 * `measure`: how large an image of a size or of another image's disk would be, by QEMU's estimate.
 *
 * Its reader of flags is older than create's: a mistake shows the help and the exit code is 0.
 */
import { parseQemuSize } from '../../engine/bytes/size-text.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Facts, FactValue } from '../../engine/image/description.ts';
import type { Estimate, FormatSpec } from '../../engine/image/format.ts';
import type { OptionSet, OptionTexts } from '../../engine/options/declare.ts';
import { dataInClusters } from '../../jobs/measure.ts';
import { type Layer, named, openChain } from '../../platform/node/open-images.ts';
import { type Command, HelpWanted, helpFlag, lastOf, readLine } from '../command.ts';
import { externalFlag, imageFlags, imageOf, openOptions } from '../image-argument.ts';
import { FlagMistake, type Io, say, UsageError } from '../io.ts';
import { checkOptionList, typedOptions } from '../option-texts.ts';
import { sayProblems } from '../problems.ts';
import { runNamed } from '../run-named.ts';
import { readSizeArgument } from '../size-argument.ts';
import { creatableFormat } from './create.ts';

const NAME = 'measure';
const flags = {
  size: { long: 'size', value: 'size', help: 'Size of the disk' },
  format: { short: 'O', value: 'format', help: 'Format of the new image (default: raw)' },
  options: { short: 'o', value: 'options', help: 'Options of the new image, as for create' },
  output: { long: 'output', value: 'human|json', help: 'How to print the result (default: human)' },
  sourceFormat: { short: 'f', value: 'format', help: 'Format of the image whose disk is measured' },
  share: imageFlags.share,
  imageOptions: imageFlags.imageOptions,
  snapshot: { short: 'l', value: 'snapshot', help: '', refused: 'snapshots cannot be read without applying them' },
  object: imageFlags.object,
  ...externalFlag,
  help: helpFlag,
} as const;

type Line = ReturnType<typeof readLine<typeof flags>>;

interface Measured extends Estimate {
  /** Room for copies of the dirty bitmaps; absent: they cannot be copied. */
  readonly bitmaps?: bigint;
}

export function printEstimate({ required, fullyAllocated, bitmaps }: Measured, json: boolean): string {
  if (json) {
    const first = bitmaps === undefined ? '' : `    "bitmaps": ${bitmaps},\n`;
    return `{\n${first}    "required": ${required},\n    "fully-allocated": ${fullyAllocated}\n}\n`;
  }
  const last = bitmaps === undefined ? '' : `bitmaps size: ${bitmaps}\n`;
  return `required size: ${required}\nfully allocated size: ${fullyAllocated}\n${last}`;
}

/** measure knows only the two old spellings of compat. */
function refuseNewSpelling({ compat }: OptionTexts): void {
  if (compat === undefined || compat === '0.10' || compat === '1.1') return;
  throw new DiskwrightError('invalid-option', `measure knows compat 0.10 and 1.1, not "${compat}".`, {
    option: 'compat',
  });
}

type Creatable = FormatSpec & { readonly options: OptionSet };

async function estimate(format: Creatable, texts: OptionTexts): Promise<Estimate> {
  refuseNewSpelling(texts);
  const driver = await format.load();
  if (!driver.create) throw new Error(`${format.name} has options but its driver cannot create`);
  return driver.create.estimate({ texts });
}

/** The image to be measured; undefined where a size is. */
function fileOf(line: Line, size: bigint | undefined): string | undefined {
  const [file, ...more] = line.positionals;
  if (more.length > 0) throw new UsageError('at most one image can be measured', NAME);
  if (file !== undefined && size !== undefined) throw new UsageError('give --size or an image, not both', NAME);
  if (file === undefined && size === undefined) throw new UsageError('the size of the disk is missing: --size', NAME);
  const about = line.given.find(({ name }) => name === 'sourceFormat' || name === 'imageOptions');
  if (file === undefined && about) throw new UsageError('what is said about an image needs one', NAME);
  return file;
}

/** What measure goes by; each has been read already. */
function clusterSizeOf({ cluster_size: text }: OptionTexts): number {
  const reading = parseQemuSize(text ?? '');
  return reading.ok ? Number(reading.bytes) : 65536;
}

const up = (value: bigint, to: bigint): bigint => ((value + to - 1n) / to) * to;

/** Every bitmap as if it had nothing but ones: data, table, and its entry of the directory. */
function bitmapRoom(bitmaps: FactValue | undefined, size: bigint, cluster: bigint): bigint {
  let [room, directory] = [0n, 0n];
  for (const one of Array.isArray(bitmaps) ? (bitmaps as readonly Facts[]) : []) {
    if (Array.isArray(one.flags) && one.flags.includes('in-use')) continue;
    const bits = (size + BigInt(Number(one.granularity)) - 1n) / BigInt(Number(one.granularity));
    const data = up((bits + 7n) / 8n, cluster);
    room += data + up((data / cluster) * 8n, cluster);
    directory += up(24n + BigInt(Buffer.byteLength(String(one.name))), 8n);
  }
  return room + up(directory, cluster);
}

function bitmapsOf({ driver, device }: Layer, target: string, texts: OptionTexts, size: bigint): { bitmaps?: bigint } {
  const { type, data } = driver.describe?.(device).specific ?? {};
  const old = texts.compat === '0.10' || data?.compat === '0.10';
  if (target !== 'qcow2' || type !== 'qcow2' || old) return {};
  return { bitmaps: bitmapRoom(data?.bitmaps, size, BigInt(clusterSizeOf(texts))) };
}

async function measureImage(
  line: Line,
  file: string,
  format: Creatable,
  texts: OptionTexts,
  io: Io,
): Promise<Measured> {
  const source = await openChain(imageOf(line, file, NAME, 'sourceFormat'), openOptions(line, io));
  try {
    const size = BigInt(source.chain[0].virtualSize);
    const { required, fullyAllocated } = await estimate(format, { ...texts, size: String(size) });
    const bitmaps = named(file, () => bitmapsOf(source.layers[0], format.name, texts, size));
    // With a backing image nobody knows what of the disk it will share.
    if (format.name !== 'qcow2') return { required, fullyAllocated };
    if (texts.backing_file !== undefined) return { required: fullyAllocated, fullyAllocated, ...bitmaps };
    const data = BigInt(await runNamed(file, dataInClusters(source.chain, clusterSizeOf(texts)), io));
    // Space that is taken in advance counts already.
    const all = required + data < fullyAllocated ? required + data : fullyAllocated;
    return { required: all, fullyAllocated, ...bitmaps };
  } finally {
    source.close();
  }
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
  const file = fileOf(line, size);
  const format = creatableFormat(lastOf(line, 'format') ?? 'raw');
  const { texts, problems } = typedOptions(
    format.options,
    line.given.filter((one) => one.name === 'options').map((one) => one.value),
  );
  if (problems.length > 0) {
    sayProblems(io, NAME, problems);
    return 1;
  }
  const measured =
    file === undefined
      ? await estimate(format, { ...texts, size: String(size) })
      : await measureImage(line, file, format, texts, io);
  io.stdout(printEstimate(measured, output === 'json'));
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
  positionals: '[file]',
  notes: ['The file that create makes can differ from the estimate by a few clusters.'],
  run,
};
