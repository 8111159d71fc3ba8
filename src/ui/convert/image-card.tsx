/** One image that is to be converted: what it is, what stands in the way, which state of it, under which name. */
import { useId } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { MissingFile, OpenReport } from '../../worker/open/protocol.ts';
import { CrossIcon, FileIcon, InfoIcon, WarningIcon } from '../icons.tsx';
import { formatPercent } from '../measure.tsx';
import { Chooser } from '../open/chooser.tsx';
import { Unlock } from './unlock.tsx';
import type { Image } from './use-images.ts';

const lastPart = (name: string): string => name.split(/[\\/]/).at(-1) ?? name;

/** `A 40 GiB disk in a 6.83 GiB qcow2 file.` */
function lineOf({ format, virtualSize, length, packed, wrapping }: OpenReport): string {
  if (wrapping) return `${formatBytes(length)}: ${wrapping.name}, not a disk image.`;
  const from = packed ? `, unpacked from ${formatBytes(packed.length)}` : '';
  if (virtualSize === undefined) return `A ${format} file of ${formatBytes(length)}${from}.`;
  if (format === 'raw') return `A raw disk of ${formatBytes(virtualSize)}${from}.`;
  return `A ${formatBytes(virtualSize)} disk in a ${formatBytes(length)} ${format} file${from}.`;
}

function Facts({ report }: { readonly report: OpenReport }) {
  const { reason, below, snapshots, facts } = report;
  const compression = facts?.['compression-type'];
  return (
    <ul className="source__facts">
      <li title="How the format was recognised">{reason}</li>
      {typeof compression === 'string' && compression !== 'zlib' && <li>compressed with {compression}</li>}
      {report.encrypted && <li>encrypted</li>}
      {report.dirty && <li>not closed properly</li>}
      {snapshots.length > 0 && (
        <li>
          {snapshots.length} {snapshots.length === 1 ? 'snapshot' : 'snapshots'}
        </li>
      )}
      {below.map(({ role, name, format, length }) => (
        <li key={name}>
          {role === 'data file' ? 'with its data file' : 'on'} <b>{name}</b>, {format}, {formatBytes(length)}
        </li>
      ))}
    </ul>
  );
}

interface Note {
  readonly bad: boolean;
  readonly title: string;
  readonly text: string;
  readonly missing?: MissingFile;
}

function notesOf({ wrapping, problem, diskProblem, missing, locked, packed, spare }: OpenReport): Note[] {
  const notes: Note[] = [];
  if (wrapping) notes.push({ bad: true, title: `This is ${wrapping.name}.`, text: wrapping.advice });
  if (problem) notes.push({ bad: true, title: 'It cannot be opened.', text: [problem.message, problem.fix].join(' ') });
  if (diskProblem && missing.length === 0 && locked.length === 0) {
    notes.push({
      bad: true,
      title: 'Its disk cannot be read.',
      text: [diskProblem.message, diskProblem.fix].join(' '),
    });
  }
  for (const file of missing) {
    const what = file.role === 'data file' ? 'Its data file' : 'A backing file';
    if (file.never !== undefined) {
      notes.push({
        bad: true,
        title: `${what} cannot be had here.`,
        text: `${file.by} names ${file.name}, and ${file.never}.`,
      });
    } else {
      notes.push({
        bad: true,
        title: `${what} is missing:`,
        text: `${file.by} reads through ${file.name}.`,
        missing: file,
      });
    }
  }
  if (packed?.note !== undefined) notes.push({ bad: false, title: 'It may not be whole.', text: packed.note });
  if (spare.length > 0) notes.push({ bad: false, title: 'Not part of this image:', text: `${spare.join(', ')}.` });
  return notes;
}

/** A file may hold 65,536 snapshots. */
const MOST_CHOICES = 500;

interface Props {
  readonly image: Image;
  /** Name of the new file: typed or proposed. */
  readonly fileName: string;
  readonly nameTrouble: string | undefined;
  /** It can be converted as it stands. */
  readonly usable: boolean;
  readonly onAdd: (files: readonly File[], as: string) => void;
  readonly onUnlock: (name: string, passphrase: Uint8Array) => void;
  readonly onName: (name: string | undefined) => void;
  readonly onSnapshot: (id: string | undefined) => void;
  readonly onRemove: () => void;
}

function Missing({ note, onAdd }: { readonly note: Note; readonly onAdd: Props['onAdd'] }) {
  const { bad, title, text, missing } = note;
  return (
    <div className={bad ? 'problem problem--bad' : 'problem problem--plain'}>
      {bad ? <WarningIcon /> : <InfoIcon />}
      <div className="problem__body">
        <p>
          <b>{title}</b> {text}
        </p>
        {missing && (
          <div className="problem__fixes">
            <Chooser
              label={`Add ${lastPart(missing.name)}`}
              name={`Missing file ${missing.name}`}
              className="btn btn--sm"
              onFiles={(files) => onAdd(files, missing.name)}
            />
          </div>
        )}
      </div>
    </div>
  );
}

function Choices({
  image,
  report,
  fileName,
  nameTrouble,
  onName,
  onSnapshot,
}: Props & { readonly report: OpenReport }) {
  const id = useId();
  return (
    <div className="source__fields">
      {report.snapshots.length > 0 && (
        <div className="field">
          <label className="field__label" htmlFor={`${id}-state`}>
            State
          </label>
          <div>
            <select
              className="select"
              id={`${id}-state`}
              value={image.snapshot ?? ''}
              onChange={(event) => onSnapshot(event.target.value || undefined)}
            >
              <option value="">The disk as it is now</option>
              {report.snapshots.slice(0, MOST_CHOICES).map((one) => (
                <option key={one.id} value={one.id}>
                  Snapshot {one.name || one.id},{' '}
                  {new Date(one.seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')}
                </option>
              ))}
            </select>
            <p className="help">
              Snapshots are not copied: the new image holds this one state.
              {report.snapshots.length > MOST_CHOICES && ` The first ${MOST_CHOICES} can be chosen here.`}
            </p>
          </div>
        </div>
      )}
      <div className="field" data-option={`name-${image.id}`}>
        <label className="field__label" htmlFor={`${id}-name`}>
          Save as
        </label>
        <div>
          <input
            className="input"
            id={`${id}-name`}
            value={fileName}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            aria-invalid={nameTrouble !== undefined}
            aria-describedby={nameTrouble === undefined ? undefined : `${id}-trouble`}
            onChange={(event) => onName(event.target.value)}
          />
          {nameTrouble !== undefined && (
            <div className="problem problem--bad">
              <WarningIcon />
              <div className="problem__body">
                <p id={`${id}-trouble`}>{nameTrouble}</p>
                <div className="problem__fixes">
                  <button className="btn btn--sm" type="button" onClick={() => onName(undefined)}>
                    Use the proposed name
                  </button>
                </div>
              </div>
            </div>
          )}
        </div>
      </div>
    </div>
  );
}

export function ImageCard(props: Props) {
  const { image, usable, onAdd, onRemove } = props;
  const { look } = image;
  const report = look.state === 'known' ? look.report : undefined;
  const name = report?.name ?? image.order.files[0]?.file.name ?? 'file';
  const progress = look.state === 'looking' ? look.progress : undefined;
  const title = useId();
  return (
    <li className="source" data-image={image.id} aria-labelledby={title} aria-busy={look.state === 'looking'}>
      <div className="source__head">
        {report && !usable ? <WarningIcon /> : <FileIcon />}
        <div>
          <h3 id={title}>{name}</h3>
          <p role="status">
            {look.state === 'looking' && (progress ? `${progress.phase} …` : 'Looking at it …')}
            {look.state === 'failed' && `It cannot be read: ${look.why}`}
            {report && lineOf(report)}
          </p>
        </div>
        <button
          className="btn btn--sm btn--quiet btn--bare"
          type="button"
          aria-label={`Remove ${name} from the list`}
          title="Remove from the list"
          onClick={onRemove}
        >
          <CrossIcon />
        </button>
      </div>
      {progress && progress.total > 0 && (
        <div className="source__body">
          <progress value={progress.done} max={progress.total} aria-label={progress.phase} />
          <p className="job__sub">{formatPercent(progress.done / progress.total)} %</p>
        </div>
      )}
      {report && (
        <div className="source__body">
          <Facts report={report} />
          {notesOf(report).map((note) => (
            <Missing key={note.title + note.text} note={note} onAdd={onAdd} />
          ))}
          {report.locked.map((one) => (
            <Unlock key={one.name} locked={one} onUnlock={(passphrase) => props.onUnlock(one.name, passphrase)} />
          ))}
          {usable && <Choices {...props} report={report} />}
        </div>
      )}
    </li>
  );
}
