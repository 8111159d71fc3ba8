/** `commit`: writes what an image holds into the one it rests on, and empties it. */
import { type CommitRequest, commitInto } from '../../jobs/commit.ts';
import { type OpenedForCommit, openForCommit } from '../../platform/node/open-commit.ts';
import { cacheFlag, checkCacheModes } from '../cache-mode.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { imageFlags, imageOf, onlyImage, openOptions, writingFlags } from '../image-argument.ts';
import type { Io } from '../io.ts';
import { Progress } from '../progress.ts';
import { runNamed } from '../run-named.ts';

const NAME = 'commit';

const flags = {
  format: imageFlags.format,
  imageOptions: imageFlags.imageOptions,
  object: imageFlags.object,
  base: { short: 'b', value: 'base', help: 'Write into this image of the chain, and leave the upper ones as they are' },
  keep: { short: 'd', help: 'Do not empty the image afterwards' },
  progress: { short: 'p', help: 'Report progress' },
  quiet: { short: 'q', help: 'No report' },
  ...cacheFlag,
  rate: { short: 'r', value: 'rate', help: '', refused: 'it runs as fast as the disk' },
  ...writingFlags,
  help: helpFlag,
} as const;

/** What was written is on the disk before the image is emptied: a cut leaves it in both, never in neither. */
async function commitOpened(opened: OpenedForCommit, empty: boolean, progress: Progress, io: Io): Promise<void> {
  const { name, image, base, baseName, chain, depth, baseCluster } = opened;
  const request: CommitRequest = { chain, base, depth, baseCluster };
  await runNamed(baseName, commitInto(request), io, (done, total) => progress.at(done, total));
  progress.at(1, 1);
  if (empty && image.makeEmpty) await runNamed(name, image.makeEmpty(), io);
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args);
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  checkCacheModes(line, NAME, io);
  const has = (name: keyof typeof flags): boolean => lastOf(line, name) !== undefined;
  const quiet = has('quiet');
  const base = lastOf(line, 'base');
  const opened = await openForCommit(reference, base, openOptions(line, io));
  const progress = new Progress(io, has('progress') && !quiet);
  try {
    await commitOpened(opened, !has('keep') && base === undefined, progress, io);
  } catch (thrown) {
    try {
      opened.close();
    } catch {
      // What went wrong first is what is told.
    }
    throw thrown;
  }
  opened.close();
  progress.end();
  if (!quiet) io.stdout('Image committed.\n');
  return 0;
}

export const commit: Command = {
  name: NAME,
  about: 'Writes what an image holds into the one it rests on.',
  flags,
  positionals: 'file',
  notes: [
    'Afterwards the image is empty and shows the same disk, unless -d or -b is given.',
    'With -b, images between the two may no longer show what they did: use only the upper one, or none of them.',
  ],
  run,
};
