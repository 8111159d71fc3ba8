/** Compact: the same disk in a shorter file, and what does not come along. */
import type { CompressedClusters } from '../../../worker/change/protocol.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { many } from '../offsets.ts';
import { ChoiceRows, type Way } from './choice-rows.tsx';
import { Confirmation } from './confirmation.tsx';
import type { ChangeForm, FormProps } from './form.ts';
import { Packing } from './new-image-fields.tsx';
import { bitmapsOf, type Wanted } from './places.ts';

interface CompactDraft {
  readonly compressed: CompressedClusters;
  readonly bitmaps: 'keep' | 'drop';
  /** Of an image with snapshots: the person says yes to their loss. */
  readonly dropSnapshots: boolean;
}

const DROP = 'compact-drop';

const BITMAPS: readonly Way<CompactDraft['bitmaps']>[] = [
  {
    value: 'keep',
    title: 'Keep',
    help: 'They come along with their marks, so that the next incremental backup goes on.',
  },
  { value: 'drop', title: 'Leave behind', help: 'Shorter; the next backup has to be a full one.' },
];

export function compactWanted({ compressed, bitmaps, dropSnapshots }: CompactDraft, report: OpenReport): Wanted {
  const snapshots = report.snapshots.length;
  if (snapshots > 0 && !dropSnapshots) {
    return {
      missing: `${many(snapshots, 'snapshot')} would be left behind.`,
      button: 'Confirm the loss of snapshots',
      at: DROP,
    };
  }
  return {
    change: {
      kind: 'compact',
      compressed,
      ...(snapshots > 0 ? { dropSnapshots } : {}),
      ...(bitmapsOf(report) > 0 ? { bitmaps } : {}),
    },
  };
}

function Fields({ draft, onDraft, report }: FormProps<CompactDraft>) {
  const snapshots = report.snapshots.length;
  return (
    <>
      {snapshots > 0 && (
        <div className="field">
          <span className="field__label">Snapshots</span>
          <Confirmation
            id={DROP}
            rule={`${many(snapshots, 'snapshot')} ${snapshots === 1 ? 'does' : 'do'} not come along.`}
            words={snapshots === 1 ? 'Leave the snapshot behind' : `Leave all ${snapshots} behind`}
            checked={draft.dropSnapshots}
            onChange={(dropSnapshots) => onDraft({ ...draft, dropSnapshots })}
          >
            Only the disk as it is now is written. Save what a snapshot holds under Snapshots first.
          </Confirmation>
        </div>
      )}
      {bitmapsOf(report) > 0 && (
        <ChoiceRows
          label="Bitmaps"
          ways={BITMAPS}
          value={draft.bitmaps}
          onChange={(bitmaps) => onDraft({ ...draft, bitmaps })}
        />
      )}
      <Packing value={draft.compressed} onChange={(compressed) => onDraft({ ...draft, compressed })} />
    </>
  );
}

export const compactForm: ChangeForm<CompactDraft> = {
  initial: () => ({ compressed: 'keep', bitmaps: 'keep', dropSnapshots: false }),
  wanted: compactWanted,
  Fields,
};
