/** `compare`: whether two disks hold the same bytes, whatever their formats. Exit code 0 equal, 1 not, more: failed. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Chain } from '../../engine/image/access.ts';
import { compareDisks, type Difference } from '../../jobs/compare.ts';
import { type OpenedChain, openChain } from '../../platform/node/open-images.ts';
import { turnsOfEventLoop } from '../../platform/node/turns.ts';
import { checkCacheModes, sourceCacheFlag } from '../cache-mode.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { externalFlag, imageFlags, imageOf, openOptions } from '../image-argument.ts';
import { type Io, sayError, UsageError } from '../io.ts';
import { Progress } from '../progress.ts';

const NAME = 'compare';
const DIFFERENT = 1;
const CANNOT_OPEN = 2;
const CANNOT_READ = 4;

const flags = {
  ...imageFlags,
  format: { short: 'f', value: 'format', help: 'Format of the first image (default: recognised)' },
  secondFormat: { short: 'F', value: 'format', help: 'Format of the second image' },
  strict: { short: 's', help: 'Sizes and allocation must be equal, too' },
  quiet: { short: 'q', help: 'Only the exit code' },
  progress: { short: 'p', help: 'Report progress' },
  ...sourceCacheFlag,
  ...externalFlag,
  help: helpFlag,
} as const;

function sentence(difference: Difference | undefined): string {
  switch (difference?.kind) {
    case undefined:
      return 'Images are identical.';
    case 'size':
      return 'Strict mode: Image size mismatch!';
    case 'status':
      return `Strict mode: Offset ${difference.at} block status mismatch!`;
    case 'content':
      return `Content mismatch at offset ${difference.at}!`;
  }
}

async function compareOpen(a: Chain, b: Chain, line: { quiet: boolean; progress: boolean; strict: boolean }, io: Io) {
  const tell = (text: string): void => {
    if (!line.quiet) io.stdout(`${text}\n`);
  };
  const progress = new Progress(io, line.progress && !line.quiet);
  const turn = turnsOfEventLoop(io.signal);
  const steps = compareDisks(a, b, line.strict);
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) {
        tell(sentence(step.value));
        return step.value ? DIFFERENT : 0;
      }
      if (step.value.kind === 'sizes-differ') tell('Warning: Image size mismatch!');
      else progress.add(step.value.bytes, step.value.total);
      await turn();
    }
  } finally {
    progress.end();
  }
}

/** A failure of ours ends in this exit code; what is cancelled or a defect goes on up. */
function failed(io: Io, thrown: unknown, code: number): number {
  if (!(thrown instanceof DiskwrightError) || thrown.kind === 'cancelled') throw thrown;
  sayError(io, thrown);
  return code;
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args);
  const [first, second, third] = line.positionals;
  if (first === undefined || second === undefined) throw new UsageError('two images are needed', NAME);
  if (third !== undefined) throw new UsageError(`"${third}" is one argument too many`, NAME);
  try {
    checkCacheModes(line, NAME, io);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    sayError(io, thrown);
    return CANNOT_OPEN;
  }
  const has = (name: 'quiet' | 'progress' | 'strict'): boolean => lastOf(line, name) !== undefined;
  const options = openOptions(line, io);
  const references = [imageOf(line, first, NAME), imageOf(line, second, NAME, 'secondFormat')] as const;
  const opened: OpenedChain[] = [];
  try {
    for (const reference of references) opened.push(await openChain(reference, options));
  } catch (thrown) {
    for (const { close } of opened) close();
    return failed(io, thrown, CANNOT_OPEN);
  }
  const [a, b] = opened as [OpenedChain, OpenedChain];
  try {
    const wishes = { quiet: has('quiet'), progress: has('progress'), strict: has('strict') };
    return await compareOpen(a.chain, b.chain, wishes, io);
  } catch (thrown) {
    return failed(io, thrown, CANNOT_READ);
  } finally {
    a.close();
    b.close();
  }
}

export const compare: Command = {
  name: NAME,
  about: 'Compares the disks of two images, whatever their formats.',
  flags,
  positionals: 'file1 file2',
  notes: ['Exit code: 0 equal, 1 different, 2 an image cannot be opened, 4 one cannot be read.'],
  run,
};
