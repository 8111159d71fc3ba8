/** Snapshots: the table of them, and what can be done with one; or a new one. */

import { encodeUtf8 } from '../../../engine/bytes/text.ts';
import type { SnapshotFacts } from '../../../engine/image/description.ts';
import type { ChangeKind, ChangeOffers, CompressedClusters } from '../../../worker/change/protocol.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { Bytes } from '../../measure.tsx';
import { ShowMore } from '../../show-more.tsx';
import { useFirst } from '../../use-first.ts';
import { ChoiceRows, type Way } from './choice-rows.tsx';
import type { ChangeForm, FormProps } from './form.ts';
import { NewImageFields } from './new-image-fields.tsx';
import { troubleText, type Wanted } from './places.ts';

type Action = 'apply' | 'delete' | 'extract' | 'create';

interface SnapshotsDraft {
  readonly action: Action;
  /** Place in the table. */
  readonly row: number | undefined;
  /** Of a new one. */
  readonly name: string;
  readonly format: 'qcow2' | 'raw';
  readonly compressed: CompressedClusters;
}

const TABLE = 'snapshot-0';
const NAME = 'snapshot-name';
const MOST_NAME = 255;

const ACTIONS: readonly (Way<Action> & { readonly kind: ChangeKind })[] = [
  {
    value: 'apply',
    kind: 'snapshot-apply',
    title: 'Go back to it',
    help: 'The disk becomes what it was then. What was written since is not in the new file; the snapshots stay.',
  },
  {
    value: 'delete',
    kind: 'snapshot-delete',
    title: 'Delete it',
    help: 'Its clusters are free for what is written next. The disk stays as it is; Compact makes the file shorter.',
  },
  {
    value: 'extract',
    kind: 'snapshot-extract',
    title: 'Save it as a new image',
    help: 'The disk as it was then, in an image that stands alone.',
  },
  {
    value: 'create',
    kind: 'snapshot-create',
    title: 'Make one',
    help: 'Keeps the disk as it is now, under a name. What is written later goes beside it.',
  },
];

function waysOf(report: OpenReport, offers: ChangeOffers): Way<Action>[] {
  return ACTIONS.map(({ kind, ...way }) => {
    const { refused } = offers[kind];
    if (refused) return { ...way, refused: troubleText(refused) };
    return way.value !== 'create' && report.snapshots.length === 0
      ? { ...way, refused: 'The image has no snapshots.' }
      : way;
  });
}

export function snapshotsWanted(draft: SnapshotsDraft, { snapshots }: OpenReport): Wanted {
  const { action, row, name, format, compressed } = draft;
  if (action === 'create') {
    if (name.trim() === '') return { missing: 'The snapshot needs a name.', button: 'Name the snapshot', at: NAME };
    if (encodeUtf8(name).length > MOST_NAME) {
      return { missing: `The name is longer than ${MOST_NAME} bytes.`, button: 'Shorten the name', at: NAME };
    }
    return { change: { kind: 'snapshot-create', name } };
  }
  const chosen = row === undefined ? undefined : snapshots[row];
  if (!chosen) return { missing: 'Which snapshot?', button: 'Choose a snapshot', at: TABLE };
  const snapshot = { id: chosen.id, name: chosen.name };
  if (action === 'extract') {
    const packing = format === 'qcow2' ? { compressed } : {};
    return { change: { kind: 'snapshot-extract', snapshot, format, ...packing } };
  }
  return { change: { kind: action === 'apply' ? 'snapshot-apply' : 'snapshot-delete', snapshot } };
}

interface TableProps {
  readonly snapshots: readonly SnapshotFacts[];
  readonly row: number | undefined;
  readonly onRow: (row: number) => void;
}

function Table({ snapshots, row, onRow }: TableProps) {
  const { shown, rest, showMore } = useFirst(snapshots);
  return (
    <fieldset className="field">
      <legend className="field__label">Which</legend>
      <div className="pick">
        <table className="parts pick__table">
          <thead>
            <tr>
              <th scope="col">Snapshot</th>
              <th scope="col">Made</th>
              <th scope="col">Memory</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ id, name, seconds, vmStateSize }, index) => (
              <tr key={`${id} ${name}`} className={index === row ? 'pick__row pick__row--on' : 'pick__row'}>
                <th scope="row">
                  <label>
                    <input
                      type="radio"
                      id={`snapshot-${index}`}
                      name="snapshot"
                      checked={index === row}
                      onChange={() => onRow(index)}
                    />
                    <span>
                      <span className="u">{id}</span> {name}
                    </span>
                  </label>
                </th>
                <td>{new Date(seconds * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}</td>
                <td>{vmStateSize === 0n ? <span className="u">none</span> : <Bytes bytes={vmStateSize} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <ShowMore rest={rest} onMore={showMore} />
      </div>
    </fieldset>
  );
}

function Fields({ draft, onDraft, report, offers }: FormProps<SnapshotsDraft>) {
  const { action, row, name } = draft;
  return (
    <>
      <ChoiceRows
        label="What"
        ways={waysOf(report, offers)}
        value={action}
        onChange={(next) => onDraft({ ...draft, action: next })}
      />
      {action === 'create' ? (
        <div className="field">
          <label className="field__label" htmlFor={NAME}>
            Its name
          </label>
          <div>
            <input
              className="input"
              id={NAME}
              value={name}
              spellCheck={false}
              autoComplete="off"
              aria-describedby={`${NAME}-help`}
              onChange={(event) => onDraft({ ...draft, name: event.target.value })}
            />
            <p className="help" id={`${NAME}-help`}>
              The machine should be shut down: a snapshot made here holds the disk, not the memory.
            </p>
          </div>
        </div>
      ) : (
        report.snapshots.length > 0 && (
          <Table snapshots={report.snapshots} row={row} onRow={(next) => onDraft({ ...draft, row: next })} />
        )
      )}
      {action === 'extract' && <NewImageFields draft={draft} onDraft={(part) => onDraft({ ...draft, ...part })} />}
    </>
  );
}

export const snapshotsForm: ChangeForm<SnapshotsDraft> = {
  initial: ({ report, offers }) => ({
    action: waysOf(report, offers).find(({ refused }) => refused === undefined)?.value ?? 'create',
    row: report.snapshots.length === 1 ? 0 : undefined,
    name: '',
    format: 'qcow2',
    compressed: 'keep',
  }),
  wanted: snapshotsWanted,
  Fields,
};
