/** `dd`: copies blocks of a disk into a new image. Its operands are those of the classic dd, as far as qemu-img has them. */
import { rmSync, statSync } from 'node:fs';
import { parseQemuSize } from '../../engine/bytes/size-text.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { BackingReference } from '../../engine/image/format.ts';
import { copyBlocks } from '../../jobs/dd.ts';
import { identityOf } from '../../platform/node/backing-chain.ts';
import { createImageFile } from '../../platform/node/create-image-file.ts';
import { locate, plainPath } from '../../platform/node/image-name.ts';
import { type OpenedChain, openChain } from '../../platform/node/open-images.ts';
import { withWritableImage } from '../../platform/node/open-writable.ts';
import { throwIfCancelled } from '../../platform/node/pump.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { externalFlag, imageFlags, imageOf, openOptions } from '../image-argument.ts';
import { type Io, note, say, UsageError } from '../io.ts';
import { runNamed } from '../run-named.ts';
import { creatableFormat } from './create.ts';

const NAME = 'dd';
const USUAL_BLOCK = 512;
const MAX_BLOCK = 2n ** 31n - 1n;
const MAX_COUNT = 2n ** 63n - 1n;

const flags = {
  ...imageFlags,
  outputFormat: { short: 'O', value: 'format', help: 'Format of the new image (default: raw)' },
  ...externalFlag,
  help: helpFlag,
} as const;

interface Operands {
  readonly input: string;
  readonly output: string;
  readonly block: number;
  readonly count: bigint | undefined;
  readonly skip: bigint;
}

function readNumber(name: string, text: string, least: bigint, most: bigint): bigint {
  const reading = parseQemuSize(text);
  if (reading.ok && reading.bytes >= least && reading.bytes <= most) return reading.bytes;
  throw new UsageError(`${name}=${text} is not a number from ${least} to ${most}`, NAME);
}

function readOperands(words: readonly string[]): Operands {
  const given = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!['if', 'of', 'bs', 'count', 'skip'].includes(name) || equals < 0) {
      throw new UsageError(`"${word}" is none of if=, of=, bs=, count=, skip=`, NAME);
    }
    given.set(name, word.slice(equals + 1));
  }
  const number = (name: string, least: bigint, most: bigint): bigint | undefined => {
    const text = given.get(name);
    return text === undefined ? undefined : readNumber(name, text, least, most);
  };
  const block = Number(number('bs', 1n, MAX_BLOCK) ?? USUAL_BLOCK);
  const count = number('count', 0n, MAX_COUNT);
  const skip = number('skip', 0n, MAX_COUNT) ?? 0n;
  const [input, output] = [given.get('if'), given.get('of')];
  if (input === undefined || output === undefined) {
    throw new UsageError('the image to read or the one to make is missing: if=… of=…', NAME);
  }
  return { input, output, block, count, skip };
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** `count` blocks from the start of the disk, of which `skip` are left out. */
function stretchOf({ block, count, skip }: Operands, size: number, tooFar: () => void): Stretch {
  const counted = count === undefined ? BigInt(size) : count * BigInt(block);
  const to = counted < BigInt(size) ? Number(counted) : size;
  const from = skip * BigInt(block);
  if (from <= BigInt(to)) return { from: Number(from), to };
  tooFar();
  return { from: to, to };
}

/** Whether the file is there, and that it is no part of what is read. */
function lookAtOutput(output: string, source: OpenedChain, cwd: string): boolean {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(locate(cwd, plainPath(output)));
  } catch (thrown) {
    if (thrown instanceof DiskwrightError) throw thrown;
    return false;
  }
  const same = source.layers.find((layer) => identityOf(layer.stat) === identityOf(stat));
  if (!same) return true;
  throw new DiskwrightError('invalid-option', `${output}: writing it would destroy ${same.name}, which is read`, {
    fix: 'Name another file.',
  });
}

async function copy(operands: Operands, format: string, source: OpenedChain, io: Io): Promise<void> {
  const { input, output, block } = operands;
  const existed = lookAtOutput(output, source, io.cwd);
  const stretch = stretchOf(operands, source.chain[0].virtualSize, () => {
    say(io, `${input}: the disk ends before what is to be skipped, and the new one is empty`);
  });
  const size = String(stretch.to - stretch.from);
  const onNote = (text: string): void => note(io, text);
  const signal = io.signal ? { signal: io.signal } : {};
  await createImageFile({ file: output, format, options: { size }, cwd: io.cwd, onNote, ...signal });
  const target: BackingReference = { name: output, format };
  try {
    await withWritableImage(target, { cwd: io.cwd }, async ({ image, driver, device }) => {
      const targetCluster = driver.describe?.(device).clusterSize;
      const steps = copyBlocks({ source: source.chain, ...stretch, block, target: image, targetCluster });
      await runNamed(output, steps, io);
    });
  } catch (thrown) {
    if (existed) throw thrown;
    rmSync(locate(io.cwd, plainPath(output)), { force: true });
    throwIfCancelled(io.signal);
    throw thrown;
  }
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args);
  const operands = readOperands(line.positionals);
  const format = creatableFormat(lastOf(line, 'outputFormat') ?? 'raw').name;
  const source = await openChain(imageOf(line, operands.input, NAME), openOptions(line, io));
  try {
    await copy(operands, format, source, io);
  } finally {
    source.close();
  }
  return 0;
}

export const dd: Command = {
  name: NAME,
  about: 'Copies blocks of a disk into a new image.',
  flags,
  positionals: '[bs=size] [count=blocks] [skip=blocks] if=file of=file',
  notes: ['Every block is written, zeros too: use it for small pieces.', 'A file that is there is replaced.'],
  run,
};
