/** A prepared order → files on this host: notes about what Node cannot do, the layout, the writing. */
import type { FormatSpec } from '../../engine/image/format.ts';
import type { ImageLayout } from '../../engine/image/layout.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { OpenedImage } from './backing-chain.ts';
import { hostNotes } from './host-notes.ts';
import { plainPath, protocolOf } from './image-name.ts';
import type { PreparedImage } from './prepare-image.ts';
import { type WriteOptions, writeImage } from './write-image.ts';

/** qemu-img stores the name that it opened the data file by, so `file:` goes; the summary line still has it. */
function withStoredNames(texts: OptionTexts): OptionTexts {
  const { data_file: name } = texts;
  return name === undefined || protocolOf(name) !== 'file' ? texts : { ...texts, data_file: plainPath(name) };
}

const nameOfBacking = ({ identity, name }: OpenedImage) => [identity, `the backing image ${name}`] as const;

/** Expects texts without problems; throws for what a layout or the host cannot do, and then leaves nothing. */
export async function buildImage(
  name: string,
  format: FormatSpec,
  { texts, chain }: PreparedImage,
  options: WriteOptions,
): Promise<ImageLayout> {
  const driver = await format.load();
  const layout = driver.create?.layout({ texts: withStoredNames(texts) });
  if (!layout) throw new Error(`${format.name} has options but its driver cannot create`);
  for (const text of hostNotes(texts)) options.onNote?.(text);
  const inUse = new Map([...(options.inUse ?? []), ...chain.map(nameOfBacking)]);
  await writeImage(name, layout, { ...options, inUse });
  return layout;
}
