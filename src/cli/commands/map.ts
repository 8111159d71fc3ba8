/** `map`: where the bytes of a disk are, through its whole chain, as a table or as JSON. */
import { DiskwrightError } from '../../engine/errors.ts';
import { type MapEntry, mapDisk } from '../../jobs/map.ts';
import { NodeReadDevice } from '../../platform/node/file-device.ts';
import { type Layer, type OpenedChain, openChain } from '../../platform/node/open-images.ts';
import { turnsOfEventLoop } from '../../platform/node/turns.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import {
  checkOutput,
  externalFlag,
  imageFlags,
  imageOf,
  onlyImage,
  openOptions,
  outputFlag,
} from '../image-argument.ts';
import type { Io } from '../io.ts';
import { hex } from '../numbers.ts';
import { readSizeArgument } from '../size-argument.ts';

const NAME = 'map';

const flags = {
  ...imageFlags,
  ...outputFlag,
  start: { short: 's', long: 'start-offset', value: 'offset', help: 'Begin there (default: 0)' },
  length: { short: 'l', long: 'max-length', value: 'length', help: 'So much of it (default: all)' },
  ...externalFlag,
  help: helpFlag,
} as const;

/** Text is printed in pieces of this many characters. */
const PIECE = 64 * 1024;

const nameOf = (layers: readonly Layer[], { device, depth }: MapEntry): string =>
  device instanceof NodeReadDevice ? device.path : (layers[depth]?.name ?? '');

function humanEntry(entry: MapEntry, layers: readonly Layer[]): string {
  const { data, offset, start, length } = entry;
  if (!data) return '';
  if (offset === undefined) {
    throw new DiskwrightError(
      'unsupported',
      `the bytes at ${start} are compressed or encrypted: only the JSON form can map them`,
      {
        fix: 'Use --output=json.',
      },
    );
  }
  return `${[start, length, offset].map((number) => hex(number).padEnd(16)).join('')}${nameOf(layers, entry)}\n`;
}

function jsonEntry({ start, length, depth, present, zero, data, offset }: MapEntry): string {
  const place = offset === undefined ? '' : `, "offset": ${offset}`;
  const facts = `"depth": ${depth}, "present": ${present}, "zero": ${zero}, "data": ${data}`;
  return `{ "start": ${start}, "length": ${length}, ${facts}${place}}`;
}

const HEAD = `${['Offset', 'Length', 'Mapped to'].map((word) => word.padEnd(16)).join('')}File\n`;

async function print({ layers, chain }: OpenedChain, from: number, to: number, json: boolean, io: Io) {
  const turn = turnsOfEventLoop(io.signal);
  let text = json ? '[' : HEAD;
  let separator = '';
  try {
    for (const entry of mapDisk(chain, from, to)) {
      text += json ? `${separator}${jsonEntry(entry)}` : humanEntry(entry, layers);
      separator = ',\n';
      if (text.length < PIECE) continue;
      io.stdout(text);
      text = '';
      await turn();
    }
    if (json) text += ']\n';
  } finally {
    io.stdout(text);
  }
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'output') checkOutput(value, NAME);
    if (name === 'start' || name === 'length') readSizeArgument(value, NAME, io);
  });
  const number = (name: 'start' | 'length'): number | undefined => {
    const text = lastOf(line, name);
    return text === undefined ? undefined : Number(readSizeArgument(text, NAME, { ...io, stderr: () => {} }));
  };
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  const opened = await openChain(reference, openOptions(line, io));
  try {
    const size = opened.chain[0].virtualSize;
    const from = number('start') ?? 0;
    const to = Math.min(size, from + (number('length') ?? size));
    await print(opened, from, to, lastOf(line, 'output') === 'json', io);
  } catch (thrown) {
    if (!(thrown instanceof DiskwrightError) || thrown.kind === 'cancelled') throw thrown;
    const { kind, message, fix } = thrown;
    throw new DiskwrightError(kind, `${reference.name}: ${message}`, fix === undefined ? {} : { fix });
  } finally {
    opened.close();
  }
  return 0;
}

export const map: Command = {
  name: NAME,
  about: 'Shows where the bytes of a disk are, in the image and in everything that it rests on.',
  flags,
  positionals: 'file',
  notes: ['Holes of the host are not known here: a raw image is one stretch of data.'],
  run,
};
