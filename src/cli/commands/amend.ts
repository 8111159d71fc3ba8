/** `amend`: gives an image other create options, as far as they can change. */
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import { declare, inOrder, type OptionSet } from '../../engine/options/declare.ts';
import { type OpenedWritable, withWritableImage } from '../../platform/node/open-writable.ts';
import type { Secrets } from '../../platform/node/secrets.ts';
import { cacheFlag, checkCacheModes } from '../cache-mode.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { imageFlags, imageOf, onlyImage, openOptions, writingFlags } from '../image-argument.ts';
import { type Io, UsageError } from '../io.ts';
import { amendable, keyChange, splitKeyTexts } from '../key-slots.ts';
import { amendHelp } from '../option-help.ts';
import { checkOptionList, typedOptions, wantsOptionHelp } from '../option-texts.ts';
import { sayProblems } from '../problems.ts';
import { Progress } from '../progress.ts';
import { runNamed } from '../run-named.ts';
import { secretsOf } from '../secrets-of-line.ts';

const NAME = 'amend';

const flags = {
  format: imageFlags.format,
  imageOptions: imageFlags.imageOptions,
  object: imageFlags.object,
  options: { short: 'o', value: 'options', help: 'name=value,name=value; may be repeated; "help" lists them' },
  progress: { short: 'p', help: 'Report progress' },
  quiet: { short: 'q', help: 'No report' },
  ...cacheFlag,
  force: { long: 'force', help: 'Overwrite a key slot in use, or erase the last one: the disk is lost then' },
  ...writingFlags,
  help: helpFlag,
} as const;

function helpOf(format: string): string {
  const spec = findFormat(format);
  const amends = (set: OptionSet | undefined): boolean => inOrder(set ?? declare({})).some((option) => option.amend);
  if (!spec || (!amends(spec.options) && !spec.keyOptions)) {
    throw new DiskwrightError(
      'unsupported',
      `images of the format ${format} keep the options that they were made with`,
    );
  }
  return amendHelp(spec);
}

interface Wish {
  /** Arguments of `-o`. */
  readonly lists: readonly string[];
  readonly progress: boolean;
  /** Keys may be lost. */
  readonly force: boolean;
  readonly secrets: Secrets;
  /** The id of the secret that the image was opened with. */
  readonly secret: string | undefined;
}

async function amendOpened(opened: OpenedWritable, wish: Wish, io: Io): Promise<number> {
  const { lists, progress } = wish;
  const { image, name, format } = opened;
  const spec = findFormat(format);
  const set = spec?.options;
  if (wantsOptionHelp(lists)) {
    io.stdout(helpOf(format));
    return 0;
  }
  if (!spec || !set || (!image.amend && !image.writeLuks)) {
    throw new DiskwrightError('unsupported', `${name}: images of the format ${format} keep their options`);
  }
  const { texts, problems } = typedOptions(amendable(set, spec.keyOptions), lists);
  if (problems.length > 0) {
    sayProblems(io, name, problems);
    return 1;
  }
  const { keys, rest } = splitKeyTexts(spec.keyOptions, texts);
  const report = new Progress(io, progress);
  try {
    const writeKeys = keys && (await keyChange(opened, keys, wish, io));
    if (image.amend && Object.keys(rest).length > 0) {
      await runNamed(name, image.amend(rest), io, (done, total) => report.at(done, total));
    }
    // Last, and after everything that may be refused: a key that is erased is gone for good.
    writeKeys?.();
    report.at(1, 1);
  } finally {
    report.end();
  }
  return 0;
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'options') checkOptionList(value, NAME);
  });
  const lists = line.given.filter(({ name }) => name === 'options').map(({ value }) => value);
  if (lists.length === 0) throw new UsageError('what is to change is missing: -o name=value', NAME);
  const format = lastOf(line, 'format');
  if (format !== undefined && wantsOptionHelp(lists)) {
    io.stdout(helpOf(format));
    return 0;
  }
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  checkCacheModes(line, NAME, io);
  const progress = lastOf(line, 'progress') !== undefined && lastOf(line, 'quiet') === undefined;
  const wish: Wish = {
    lists,
    progress,
    force: lastOf(line, 'force') !== undefined,
    secrets: secretsOf(line, io),
    secret: reference.encryption?.secret,
  };
  return await withWritableImage(reference, openOptions(line, io), (opened) => amendOpened(opened, wish, io));
}

export const amend: Command = {
  name: NAME,
  about: 'Changes options of an image that is there.',
  flags,
  positionals: 'file',
  notes: [
    'Only what is named changes: compat, lazy_refcounts, refcount_bits, size, data_file, data_file_raw.',
    'What an image rests on is changed by rebase.',
    'Passphrases of LUKS: encrypt.state=active,encrypt.new-secret=… adds one, encrypt.state=inactive,encrypt.old-secret=… erases one.',
  ],
  run,
};
