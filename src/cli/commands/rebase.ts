/** `rebase`: lets an image rest on another one, or on none, and keeps what its disk shows. */
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { BackingReference } from '../../engine/image/format.ts';
import { type RebaseRequest, rebaseOnto } from '../../jobs/rebase.ts';
import { identityOf } from '../../platform/node/backing-chain.ts';
import { relativeToImage } from '../../platform/node/image-name.ts';
import { named, type OpenedChain, openChain } from '../../platform/node/open-images.ts';
import { type OpenedWritable, type WritableOptions, withWritableImage } from '../../platform/node/open-writable.ts';
import { cacheFlag, checkCacheModes, sourceCacheFlag } from '../cache-mode.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { imageFlags, imageOf, onlyImage, openOptions, writingFlags } from '../image-argument.ts';
import { type Io, UsageError } from '../io.ts';
import { Progress } from '../progress.ts';
import { runNamed } from '../run-named.ts';

const NAME = 'rebase';

const flags = {
  format: imageFlags.format,
  share: { short: 'U', long: 'force-share', help: 'Read the new backing image even while a machine writes to it' },
  imageOptions: imageFlags.imageOptions,
  object: imageFlags.object,
  backing: { short: 'b', value: 'file', help: 'The new backing image, as it is to be stored; "" for none' },
  backingFormat: { short: 'F', value: 'format', help: 'Format of the new backing image' },
  unsafe: { short: 'u', help: 'Change the name alone: the disk may show something else afterwards' },
  progress: { short: 'p', help: 'Report progress' },
  quiet: { short: 'q', help: 'No report' },
  ...cacheFlag,
  ...sourceCacheFlag,
  ...writingFlags,
  help: helpFlag,
} as const;

interface Wish {
  /** As typed; absent: none. */
  readonly backing: BackingReference | undefined;
  readonly unsafe: boolean;
  readonly share: boolean;
}

/** Everything that would be found out only at the end, when the image has been written to. */
function refuseWish(opened: OpenedWritable, { backing }: Wish): void {
  const { name, format, image } = opened;
  if (!image.nameBacking) {
    throw new DiskwrightError('unsupported', `${name}: images of the format ${format} rest on no other`);
  }
  if (backing && backing.format === undefined) {
    throw new DiskwrightError('invalid-option', `${name}: the format of the backing image ${backing.name} is missing`, {
      fix: 'Give it with -F.',
    });
  }
}

interface Fresh {
  readonly chain?: Chain;
  readonly above?: number;
  close(): void;
}

const nothing: Fresh = { close: () => {} };

/** The new backing image to be read: a part of the present chain, or another one. */
async function openFresh(opened: OpenedWritable, wish: Wish, options: WritableOptions): Promise<Fresh> {
  if (!wish.backing) return nothing;
  const { name, format } = wish.backing;
  const full = relativeToImage(opened.name, name);
  const reference = format === undefined ? { name: full } : { name: full, format };
  // The new chain may hold the image itself, which is open for writing and must not be: it is looked for first.
  const fresh: OpenedChain = await openChain(reference, { ...options, share: wish.share });
  const own = identityOf(opened.stat);
  if (fresh.layers.some(({ stat }) => identityOf(stat) === own)) {
    fresh.close();
    throw new DiskwrightError('invalid-option', `${name} rests on ${opened.name}: the chain would lead in a circle`);
  }
  const top = identityOf(fresh.layers[0].stat);
  const above = opened.below.findIndex(({ stat }) => identityOf(stat) === top);
  if (above < 0) return fresh;
  fresh.close();
  const [nearest, ...rest] = opened.chain.slice(above + 1);
  return nearest ? { chain: [nearest, ...rest], above, close: () => {} } : nothing;
}

async function copyDifferences(opened: OpenedWritable, fresh: Fresh, progress: Progress, io: Io): Promise<void> {
  const [image, ...old] = opened.chain;
  const [nearest, ...rest] = old;
  const request: RebaseRequest = {
    image: opened.image,
    old: nearest && image ? [nearest, ...rest] : undefined,
    fresh: fresh.chain,
    above: fresh.above,
  };
  await runNamed(opened.name, rebaseOnto(request), io, (done, total) => progress.at(done, total));
}

async function rebaseOpened(opened: OpenedWritable, wish: Wish, options: WritableOptions, progress: Progress, io: Io) {
  refuseWish(opened, wish);
  if (!wish.unsafe) {
    const fresh = await openFresh(opened, wish, options);
    try {
      await copyDifferences(opened, fresh, progress, io);
    } finally {
      fresh.close();
    }
  }
  named(opened.name, () => opened.image.nameBacking?.(wish.backing));
  progress.at(1, 1);
}

function backingOf(name: string | undefined, format: string | undefined): BackingReference | undefined {
  if (format !== undefined && !findFormat(format)) {
    throw new DiskwrightError('invalid-option', `there is no format "${format}"`, { fix: 'Give another with -F.' });
  }
  if (name === undefined || name === '') return undefined;
  return format === undefined ? { name } : { name, format };
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args);
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  checkCacheModes(line, NAME, io);
  const has = (name: keyof typeof flags): boolean => lastOf(line, name) !== undefined;
  const unsafe = has('unsafe');
  const typed = lastOf(line, 'backing');
  if (typed === undefined && !unsafe) {
    throw new UsageError('the new backing image is missing: -b; or change the name alone: -u', NAME);
  }
  const wish = { backing: backingOf(typed, lastOf(line, 'backingFormat')), unsafe, share: has('share') };
  const { share: _, ...rest } = openOptions(line, io);
  const options: WritableOptions = { ...rest, withoutBacking: unsafe, settings: { unmap: true } };
  const progress = new Progress(io, has('progress') && !has('quiet'));
  await withWritableImage(reference, options, (opened) => rebaseOpened(opened, wish, options, progress, io));
  progress.end();
  return 0;
}

export const rebase: Command = {
  name: NAME,
  about: 'Lets an image rest on another one, or on none; its disk stays the same.',
  flags,
  positionals: 'file',
  notes: [
    'The name is stored as typed and counts from the folder of the image.',
    'With -b "" the image needs no other.',
  ],
  run,
};
