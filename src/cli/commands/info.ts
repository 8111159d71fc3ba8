/** `info`: what an image says about itself. It opens no other file unless the whole chain is asked for. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Facts, ImageDescription } from '../../engine/image/description.ts';
import { infoFacts } from '../../jobs/info-facts.ts';
import { qemuJson } from '../../jobs/qemu-json.ts';
import { relativeToImage } from '../../platform/node/image-name.ts';
import { backingOf, type ImageFile, named, openBelow, openImageFile } from '../../platform/node/open-images.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { humanFacts } from '../human-facts.ts';
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
import { humanSize } from '../numbers.ts';
import { snapshotList } from '../snapshot-list.ts';

const NAME = 'info';
const BLOCK = 512;

const flags = {
  ...imageFlags,
  ...outputFlag,
  backingChain: { long: 'backing-chain', help: 'Every image that this one rests on, too' },
  ...externalFlag,
  help: helpFlag,
} as const;

interface Info {
  readonly file: ImageFile;
  readonly description: ImageDescription;
}

function describe(file: ImageFile): Info {
  const { driver, name, format } = file;
  if (!driver.describe) {
    throw new DiskwrightError('unsupported', `${name}: what images of the format ${format} hold cannot be told so far`);
  }
  return { file, description: named(name, () => driver.describe?.(file.device)) as ImageDescription };
}

const diskSize = ({ stat }: ImageFile): number => stat.blocks * BLOCK;

function factsOf({ file, description }: Info): Facts {
  const { name, format } = file;
  const full = description.backing && { fullBackingName: relativeToImage(name, description.backing.name) };
  return infoFacts({ name, format, description, diskSize: diskSize(file), ...full });
}

function backingLine(file: ImageFile, name: string): string {
  const full = relativeToImage(file.name, name);
  return `backing file: ${name}${full === name ? '' : ` (actual path: ${full})`}\n`;
}

function humanInfo({ file, description }: Info): string {
  const { backing, snapshots = [], specific, clusterSize, encrypted, dirty, virtualSize } = description;
  return [
    `image: ${file.name}\n`,
    `file format: ${file.format}\n`,
    `virtual size: ${humanSize(virtualSize)} (${virtualSize} bytes)\n`,
    `disk size: ${humanSize(diskSize(file))}\n`,
    encrypted ? 'encrypted: yes\n' : '',
    clusterSize === undefined ? '' : `cluster_size: ${clusterSize}\n`,
    dirty ? 'cleanly shut down: no\n' : '',
    backing ? backingLine(file, backing.name) : '',
    backing?.format === undefined ? '' : `backing file format: ${backing.format}\n`,
    snapshotList(snapshots),
    specific ? `Format specific information:\n${humanFacts(specific.data, '    ')}` : '',
  ].join('');
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'output') checkOutput(value, NAME);
  });
  const reference = imageOf(line, onlyImage(line.positionals, NAME), NAME);
  const options = openOptions(line, io);
  const whole = lastOf(line, 'backingChain') !== undefined;
  const files: ImageFile[] = [];
  try {
    files.push(await openImageFile(reference, options));
    const infos = [describe(files[0] as ImageFile)];
    for (let below = whole ? backingOf(files[0] as ImageFile) : undefined; below; ) {
      const file = await openBelow(files, below, options);
      files.push(file);
      infos.push(describe(file));
      below = backingOf(file);
    }
    if (lastOf(line, 'output') === 'json') {
      const facts = infos.map(factsOf);
      io.stdout(qemuJson(whole ? facts : (facts[0] as Facts)));
    } else io.stdout(infos.map(humanInfo).join('\n'));
  } finally {
    for (const { device } of files) device.close();
  }
  return 0;
}

export const info: Command = {
  name: NAME,
  about: 'Tells what an image says about itself: size, format, features, snapshots, what it rests on.',
  flags,
  positionals: 'file',
  notes: ['Without --backing-chain no other file is opened.'],
  run,
};
