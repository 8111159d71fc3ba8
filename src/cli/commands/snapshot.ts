/** `snapshot`: lists, makes, applies and deletes the snapshots of an image. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { SnapshotFacts } from '../../engine/image/description.ts';
import type { SnapshotControl, Steps } from '../../engine/image/writable.ts';
import { named, openImageFile } from '../../platform/node/open-images.ts';
import { withWritableImage } from '../../platform/node/open-writable.ts';
import { type Command, helpFlag, type ReadLine, readLine } from '../command.ts';
import { allowOutsideFlag, externalFlag, imageFlags, imageOf, onlyImage, openOptions } from '../image-argument.ts';
import { type Io, note, UsageError, warn } from '../io.ts';
import { runNamed } from '../run-named.ts';
import { snapshotList } from '../snapshot-list.ts';

const NAME = 'snapshot';
/** As much of a name as QEMU's tools take. */
const MAX_NAME_BYTES = 255;

const flags = {
  list: { short: 'l', help: 'List the snapshots' },
  create: { short: 'c', value: 'name', help: 'Make one' },
  apply: { short: 'a', value: 'id or name', help: 'Go back to one: what was written since is lost' },
  delete: { short: 'd', value: 'name', help: 'Delete one' },
  quiet: { short: 'q', help: 'Accepted; the list is printed all the same, as qemu-img does' },
  share: imageFlags.share,
  imageOptions: imageFlags.imageOptions,
  object: imageFlags.object,
  ...externalFlag,
  ...allowOutsideFlag,
  help: helpFlag,
} as const;

const ACTIONS = ['list', 'create', 'apply', 'delete'] as const;
type Action = (typeof ACTIONS)[number];

type Line = ReadLine<typeof flags>;

interface Wish {
  readonly action: Action;
  readonly name: string;
}

function readWish(args: readonly string[]): { readonly line: Line; readonly wish: Wish | undefined } {
  let wish: Wish | undefined;
  const line = readLine(NAME, flags, args, (flag, value) => {
    const action = ACTIONS.find((one) => one === flag);
    if (!action) return;
    if (wish) throw new UsageError('-l, -c, -a and -d exclude each other', NAME);
    wish = { action, name: value };
  });
  return { line, wish };
}

/** A longer name is cut, and never inside a character. */
function shortened(name: string, io: Io): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= MAX_NAME_BYTES) return name;
  warn(io, `the name of a snapshot has at most ${MAX_NAME_BYTES} bytes; it was cut`);
  let end = MAX_NAME_BYTES;
  // Bytes 10xxxxxx go on with a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** Deleting goes by name alone, so that nobody deletes snapshot 1 who has one of the name "1". */
function byName(snapshots: SnapshotControl, name: string): SnapshotFacts {
  const found = snapshots.list().find((one) => one.name === name);
  if (found) return found;
  throw new DiskwrightError('invalid-option', `there is no snapshot of the name "${name}"`, {
    fix: 'snapshot -l lists them; an id is no name.',
  });
}

function now(): { seconds: number; nanoseconds: number } {
  const milliseconds = Date.now();
  return { seconds: Math.floor(milliseconds / 1000), nanoseconds: (milliseconds % 1000) * 1_000_000 };
}

function stepsOf(snapshots: SnapshotControl, { action, name }: Wish, io: Io): Steps {
  if (action === 'create') return snapshots.create(shortened(name, io), now());
  if (action === 'apply') return snapshots.apply(name);
  return snapshots.delete(byName(snapshots, name));
}

async function change(line: Line, wish: Wish, io: Io): Promise<void> {
  if (line.given.some(({ name }) => name === 'share')) {
    throw new UsageError('-U is for looking at an image that another program writes to, not for changing it', NAME);
  }
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  const allowOutside = line.given.some(({ name }) => name === 'allowOutside');
  const options = { ...openOptions(line, io), allowOutside, settings: { unmap: true } };
  await withWritableImage(reference, options, async ({ image, name, format }) => {
    const { snapshots } = image;
    if (!snapshots) {
      throw new DiskwrightError('unsupported', `${name}: images of the format ${format} have no snapshots`);
    }
    const steps = named(name, () => stepsOf(snapshots, wish, io));
    await runNamed(name, steps, io);
  });
}

async function list(line: Line, wish: Wish | undefined, io: Io): Promise<void> {
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  const { device, driver, format, name } = await openImageFile(reference, openOptions(line, io));
  try {
    if (!driver.describe) {
      const message = `${name}: what images of the format ${format} hold cannot be told so far`;
      throw new DiskwrightError('unsupported', message);
    }
    const description = named(name, () => driver.describe?.(device));
    if (wish) io.stdout(snapshotList(description?.snapshots ?? []));
    else note(io, 'nothing was asked for; -l lists the snapshots');
  } finally {
    device.close();
  }
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const { line, wish } = readWish(args);
  if (wish && wish.action !== 'list') await change(line, wish, io);
  else await list(line, wish, io);
  return 0;
}

export const snapshot: Command = {
  name: NAME,
  about: 'Lists, makes, applies and deletes the snapshots of an image.',
  flags,
  positionals: 'file',
  notes: ['To list, no other file is opened.', 'A snapshot is applied by its id or name, and deleted by its name.'],
  run,
};
