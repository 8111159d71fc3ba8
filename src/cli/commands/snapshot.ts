/** `snapshot -l`: the snapshots of an image. Making, applying and deleting them is not there so far. */
import { DiskwrightError } from '../../engine/errors.ts';
import { named, openImageFile } from '../../platform/node/open-images.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { imageFlags, imageOf, onlyImage, openOptions } from '../image-argument.ts';
import { type Io, note } from '../io.ts';
import { snapshotList } from '../snapshot-list.ts';

const NAME = 'snapshot';
const LATER = 'snapshots can only be listed so far';

const flags = {
  list: { short: 'l', help: 'List the snapshots' },
  quiet: { short: 'q', help: 'Accepted; the list is printed all the same, as qemu-img does' },
  share: imageFlags.share,
  imageOptions: imageFlags.imageOptions,
  object: imageFlags.object,
  create: { short: 'c', value: 'name', help: 'Make one', refused: LATER },
  apply: { short: 'a', value: 'name', help: 'Go back to one', refused: LATER },
  delete: { short: 'd', value: 'name', help: 'Delete one', refused: LATER },
  help: helpFlag,
} as const;

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args);
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  const { device, driver, format, name } = await openImageFile(reference, openOptions(line, io));
  try {
    if (!driver.describe) {
      throw new DiskwrightError(
        'unsupported',
        `${name}: what images of the format ${format} hold cannot be told so far`,
      );
    }
    const description = named(name, () => driver.describe?.(device));
    if (lastOf(line, 'list') === undefined) note(io, 'nothing was asked for; -l lists the snapshots');
    else io.stdout(snapshotList(description?.snapshots ?? []));
  } finally {
    device.close();
  }
  return 0;
}

export const snapshot: Command = {
  name: NAME,
  about: 'Lists the snapshots of an image.',
  flags,
  positionals: 'file',
  notes: ['No other file is opened.'],
  run,
};
