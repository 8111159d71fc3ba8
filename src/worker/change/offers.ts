/** Which changes an open image can have at all, and why it cannot have the others. */
import { DiskwrightError } from '../../engine/errors.ts';
import type { ImageDescription } from '../../engine/image/description.ts';
import { troubleOf } from '../open/layers.ts';
import type { Trouble } from '../open/protocol.ts';
import type { Session } from '../open/session.ts';
import type { ChangeKind, ChangeOffers } from './protocol.ts';

type Offer = ChangeOffers[ChangeKind];

const no = (message: string, fix?: string): Offer => ({ refused: { message, ...(fix === undefined ? {} : { fix }) } });
const yes: Offer = {};

function attempt<T>(read: () => T): T | Trouble {
  try {
    return read();
  } catch (error) {
    if (error instanceof DiskwrightError) return troubleOf(error);
    throw error;
  }
}

const isTrouble = (value: object | undefined): value is Trouble => value !== undefined && 'message' in value;

export async function offersFor(session: Session): Promise<ChangeOffers> {
  const { top, wrapping } = session;
  const { driver, device, spec } = top;
  const editor = await driver.editor?.();
  const format = `Images of the format ${spec.name}`;
  const nothing = wrapping ? no(`${top.name} is no disk image.`) : undefined;
  const description = attempt<ImageDescription>(
    () => driver.describe?.(device) ?? { virtualSize: driver.virtualSize(device) },
  );
  const changed = nothing ?? (editor ? yes : no(`${format} cannot be changed here so far.`));
  const opened: Offer =
    changed.refused || !isTrouble(description) ? changed : no(description.message, 'Repair the image first.');
  const facts = isTrouble(description) ? undefined : description;
  const tables: Offer = opened.refused || spec.name === 'qcow2' ? opened : no(`${format} have no snapshots.`);
  const dirtyOrCorrupt = facts?.specific?.data['corrupt'] === true;
  const sound: Offer = dirtyOrCorrupt ? no('The image is marked as corrupt.', 'Repair the image first.') : yes;
  const chain = attempt(() => session.chain);
  const readable: Offer = isTrouble(chain) ? { refused: chain } : yes;
  const plain: Offer = facts?.encrypted
    ? no('The image is encrypted, and the new one would not be.', 'Convert it, with the encryption it is to have.')
    : yes;
  const first = (...offers: readonly Offer[]): Offer => offers.find(({ refused }) => refused) ?? yes;
  const some: Offer = (facts?.snapshots?.length ?? 0) > 0 ? yes : no('The image has no snapshots.');
  const rests: Offer = facts?.backing ? yes : no('The image rests on no other.');
  const noData: Offer =
    facts?.specific?.data['data-file'] === undefined
      ? yes
      : no("The guest's data is in a data file, which this would have to change.");
  const editable = spec.name === 'qcow2' ? yes : no(`${format} keep their options.`);
  return {
    repair: first(changed, editor?.repair ? yes : no(`${format} cannot be repaired here.`)),
    resize: first(opened, sound, noData, facts?.backing ? readable : yes),
    'snapshot-create': first(tables, sound, noData),
    'snapshot-apply': first(tables, sound, some, noData),
    'snapshot-delete': first(tables, sound, some, noData),
    'snapshot-extract': first(tables, some, readable, plain),
    amend: first(opened, editable, sound),
    rebase: first(opened, editable, sound),
    flatten: first(opened, rests, readable, plain),
    compact: first(
      opened,
      spec.name === 'qcow2' ? yes : no(`${format} keep no clusters that could go.`),
      noData,
      readable,
      plain,
    ),
  };
}
