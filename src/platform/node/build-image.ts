/** A prepared order → files on this host: notes about what Node cannot do, the layout, the writing. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { Encryption, FormatSpec } from '../../engine/image/format.ts';
import type { ImageLayout } from '../../engine/image/layout.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { createLuksHeader } from '../../jobs/unlock.ts';
import type { OpenedImage } from './backing-chain.ts';
import { answered, randomBytes } from './derive-keys.ts';
import { hostNotes } from './host-notes.ts';
import { plainPath, protocolOf } from './image-name.ts';
import type { PreparedImage } from './prepare-image.ts';
import type { Secrets } from './secrets.ts';
import { type WriteOptions, writeImage } from './write-image.ts';

/** qemu-img stores the name that it opened the data file by, so `file:` goes; the summary line still has it. */
function withStoredNames(texts: OptionTexts): OptionTexts {
  const { data_file: name } = texts;
  return name === undefined || protocolOf(name) !== 'file' ? texts : { ...texts, data_file: plainPath(name) };
}

export interface BuildOptions extends WriteOptions {
  /** For a disk that is to be encrypted. */
  readonly secrets?: Secrets | undefined;
}

/** The secret that a new disk is to be encrypted with. */
export function secretFor(name: string, { secret }: Encryption, secrets: Secrets | undefined): Uint8Array {
  const known = secret === undefined ? undefined : secrets?.get(secret);
  if (known) return known;
  const missing = secret === undefined ? 'no secret is named for the encryption' : `there is no secret "${secret}"`;
  throw new DiskwrightError('passphrase', `${name}: ${missing}`, { option: 'encrypt.key-secret' });
}

/** Made before any file is touched: what a passphrase turns into takes its time. */
async function luksHeaderFor(name: string, wish: Encryption | undefined, { secrets, signal }: BuildOptions) {
  if (!wish) return undefined;
  const passphrase = secretFor(name, wish, secrets);
  if (wish.kind !== 'luks') return undefined;
  return await answered(createLuksHeader(wish.texts, passphrase, randomBytes), signal ? { signal } : {});
}

const nameOfBacking = ({ identity, name }: OpenedImage) => [identity, `the backing image ${name}`] as const;

/** Where everything of a prepared order goes. Expects texts without problems. `luksHeader`: to be written, too. */
export async function layOut(format: FormatSpec, texts: OptionTexts, luksHeader?: Uint8Array): Promise<ImageLayout> {
  const driver = await format.load();
  const layout = driver.create?.layout({ texts: withStoredNames(texts), luksHeader });
  if (!layout) throw new Error(`${format.name} has options but its driver cannot create`);
  return layout;
}

/** Expects texts without problems; throws for what a layout or the host cannot do, and then leaves nothing. */
export async function buildImage(
  name: string,
  format: FormatSpec,
  { texts, chain }: PreparedImage,
  options: BuildOptions,
): Promise<ImageLayout> {
  const wish = (await format.load()).create?.encryption?.({ texts });
  const layout = await layOut(format, texts, await luksHeaderFor(name, wish, options));
  for (const text of hostNotes(texts)) options.onNote?.(text);
  const inUse = new Map([...(options.inUse ?? []), ...chain.map(nameOfBacking)]);
  await writeImage(name, layout, { ...options, inUse });
  return layout;
}
