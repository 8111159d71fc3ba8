/** The changes as a person thinks of them: which there are, what each is called, and whether the image can have it. */
import type { Change, ChangeKind, ChangeOffers } from '../../../worker/change/protocol.ts';
import type { OpenReport, Trouble } from '../../../worker/open/protocol.ts';

export type ChangePlace = 'repair' | 'resize' | 'snapshots' | 'amend' | 'backing' | 'compact';

interface PlaceWords {
  readonly place: ChangePlace;
  readonly title: string;
  /** What it consists of; it can be had where one of them can. */
  readonly kinds: readonly ChangeKind[];
  /** In the list of changes. */
  readonly about: (report: OpenReport) => string;
  /** What happens, and what does not. */
  readonly lead: string;
}

export const PLACES: readonly PlaceWords[] = [
  {
    place: 'repair',
    title: 'Repair',
    kinds: ['repair'],
    about: () => 'Set the counts and tables right.',
    lead: 'Sets right what the image says about itself: counts, marks, tables. What the guest has written is not touched.',
  },
  {
    place: 'resize',
    title: 'Resize',
    kinds: ['resize'],
    about: () => "Grow or shrink the guest's disk.",
    lead: 'Gives the guest a larger or a smaller disk. Partitions and file systems inside stay as they are.',
  },
  {
    place: 'snapshots',
    title: 'Snapshots',
    kinds: ['snapshot-create', 'snapshot-apply', 'snapshot-delete', 'snapshot-extract'],
    about: ({ snapshots }) =>
      snapshots.length > 0
        ? `Go back to, delete or save ${snapshots.length === 1 ? 'the one' : `one of ${snapshots.length}`}; make one.`
        : 'Make the first one.',
    lead: 'Makes, applies or deletes a snapshot, or saves what one holds as an image of its own.',
  },
  {
    place: 'amend',
    title: 'Amend',
    kinds: ['amend'],
    about: () => 'Compat level, refcount bits, lazy refcounts.',
    lead: "Changes options that the image was created with. The guest's disk stays the same.",
  },
  {
    place: 'backing',
    title: 'Backing file',
    kinds: ['rebase', 'flatten'],
    about: ({ below, missing }) =>
      below.length + missing.length > 0 ? 'Rest on another file, or on none.' : 'Rest on a file that you choose.',
    lead: 'Changes what the image rests on: another file, only its name, or nothing at all.',
  },
  {
    place: 'compact',
    title: 'Compact',
    kinds: ['compact'],
    about: () => 'Leave out zeros and freed clusters.',
    lead: 'Writes the same disk again without zeros, freed clusters and gaps. Options and backing file stay.',
  },
];

export const wordsOfPlace = (place: ChangePlace): PlaceWords =>
  PLACES.find((one) => one.place === place) ?? (PLACES[0] as PlaceWords);

/** Why none of the kinds can be had; undefined: at least one can. */
export function refusalOf(kinds: readonly ChangeKind[], offers: ChangeOffers): Trouble | undefined {
  const refused = kinds.map((kind) => offers[kind].refused);
  return refused.every((one) => one !== undefined) ? refused[0] : undefined;
}

export const troubleText = ({ message, fix }: Trouble): string => (fix === undefined ? message : `${message} ${fix}`);

/** What a form asks for so far: a change, or what is still to be said and where. */
export type Wanted =
  | { readonly change: Change }
  | {
      readonly change?: undefined;
      /** One sentence. */
      readonly missing: string;
      /** Words of a button that leads there. */
      readonly button: string;
      /** Id of the control. */
      readonly at: string;
    };

export const bitmapsOf = ({ facts }: OpenReport): number =>
  (facts?.['bitmaps'] as readonly unknown[] | undefined)?.length ?? 0;
