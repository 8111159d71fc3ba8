/** The image that a command looks at: its flags, what they exclude, and which file they mean. */

import { parseOptionList } from '../engine/options/option-list.ts';
import type { OpenOptions } from '../platform/node/open-images.ts';
import type { ImageReference } from '../platform/node/unlock-image.ts';
import { takeEncryption } from './encryption-settings.ts';
import { type Io, UsageError, warn } from './io.ts';
import { secretsOf } from './secrets-of-line.ts';

/** For commands that look at encrypted images or make them. */
export const secretFlag = {
  object: {
    long: 'object',
    value: 'definition',
    help: 'A passphrase: secret,id=sec0,file=… (or data=…, format=base64), used as encrypt.key-secret=sec0',
  },
} as const;

export const imageFlags = {
  format: { short: 'f', value: 'format', help: 'Format of the image (default: recognised)' },
  share: { short: 'U', long: 'force-share', help: 'Look at an image that a machine is writing to' },
  imageOptions: { long: 'image-opts', help: 'The image is given as driver=…,file.filename=…' },
  ...secretFlag,
} as const;

/** For commands that open what an image rests on. */
export const externalFlag = {
  noExternal: { long: 'no-external', help: 'Open no file that an image names' },
} as const;

export const outputFlag = {
  output: { long: 'output', value: 'human|json', help: 'How to print the result (default: human)' },
} as const;

export function checkOutput(value: string, command: string): void {
  if (value !== 'json' && value !== 'human') {
    throw new UsageError(`--output is human or json, not "${value}"`, command);
  }
}

export const allowOutsideFlag = {
  allowOutside: { long: 'allow-outside', help: 'Write to a file that an image names outside its own folder' },
} as const;

/** For commands that write. */
export const writingFlags = { ...externalFlag, ...allowOutsideFlag } as const;

export interface ImageWithSettings {
  readonly reference: ImageReference;
  /** What is said about the open image beside which file it is. */
  readonly rest: Readonly<Record<string, string>>;
}

function fromOptions(text: string, command: string): ImageWithSettings {
  const read = parseOptionList(text);
  if (!read) throw new UsageError(`"${text}" is not a list of name=value`, command);
  const { driver: format, filename, 'file.filename': name = filename, 'file.driver': layer, ...others } = read;
  if (layer !== undefined && layer !== 'file') {
    throw new UsageError(`the image option file.driver=${layer} is not available`, command);
  }
  if (name === undefined) throw new UsageError('the image options name no file: file.filename=…', command);
  const { encryption, rest } = takeEncryption(others);
  return { reference: { name, ...(format === undefined ? {} : { format }), ...encryption }, rest };
}

/** An image that is given by its options alone, whatever the other arguments are. */
export function imageFromOptions(text: string, command: string): ImageReference {
  const { reference, rest } = fromOptions(text, command);
  refuseRest(rest, command);
  return reference;
}

function refuseRest(rest: Readonly<Record<string, string>>, command: string): void {
  const [other] = Object.entries(rest);
  if (other) throw new UsageError(`the image option ${other[0]}=${other[1]} is not available`, command);
}

/** What these functions need of a line that was read. */
interface ImageLine {
  readonly given: readonly { readonly name: string; readonly value: string }[];
}

const has = (line: ImageLine, name: string): boolean => line.given.some((one) => one.name === name);

/** The image that `argument` means, and what `--image-opts` says about it. */
export function splitImageOptions(
  line: ImageLine,
  argument: string,
  command: string,
  formatFlag = 'format',
): ImageWithSettings {
  const format = line.given.findLast((one) => one.name === formatFlag)?.value;
  if (has(line, 'imageOptions')) {
    if (format !== undefined) throw new UsageError('--image-opts and a format exclude each other', command);
    return fromOptions(argument, command);
  }
  return { reference: format === undefined ? { name: argument } : { name: argument, format }, rest: {} };
}

/** The same for commands that only look: settings would have no effect, so there are none. */
export function imageOf(line: ImageLine, argument: string, command: string, formatFlag = 'format'): ImageReference {
  const { reference, rest } = splitImageOptions(line, argument, command, formatFlag);
  refuseRest(rest, command);
  return reference;
}

/** For reading and for writing: what a command has no flag for is off. */
export function openOptions(line: ImageLine, io: Io): OpenOptions & { readonly allowOutside: boolean } {
  return {
    cwd: io.cwd,
    share: has(line, 'share'),
    noExternal: has(line, 'noExternal'),
    allowOutside: has(line, 'allowOutside'),
    secrets: secretsOf(line, io),
    signal: io.signal,
    onWarning: (text) => warn(io, text),
  };
}

/** The one image of a command's line. */
export function onlyImage(positionals: readonly string[], command: string): string {
  const [file, another] = positionals;
  if (file === undefined) throw new UsageError('the name of the image is missing', command);
  if (another !== undefined) throw new UsageError(`"${another}" is one argument too many`, command);
  return file;
}
