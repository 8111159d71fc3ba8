/** What stands in the way: a file that is no image, an image that cannot be opened, files that are missing. */
import type { ReactNode } from 'react';
import type { MissingFile, OpenReport } from '../../worker/open/protocol.ts';
import { InfoIcon, WarningIcon } from '../icons.tsx';
import { Chooser } from './chooser.tsx';

interface Note {
  readonly key: string;
  readonly bad: boolean;
  readonly title: string;
  readonly text: string;
  readonly action?: ReactNode;
}

type Add = (files: readonly File[], as?: string) => void;

function missingNote({ role, name, by, never, format }: MissingFile, onAdd: Add): Note {
  const what = role === 'data file' ? 'Its data file is' : 'A backing image is';
  const kind = format === undefined ? '' : ` (${format})`;
  if (never !== undefined) {
    return {
      key: name,
      bad: true,
      title: 'The disk cannot be read here.',
      text: `${by} reads through ${name}, and ${never}.`,
    };
  }
  return {
    key: name,
    bad: true,
    title: `${what} not here.`,
    text: `${by} reads through ${name}${kind}. Without it the disk cannot be read; tables and summary can.`,
    action: (
      <Chooser
        label={`Add ${name.split(/[\\/]/).at(-1)}`}
        name={`Missing file ${name}`}
        className="btn btn--sm"
        onFiles={([file]) => file && onAdd([file], name)}
      />
    ),
  };
}

function notesOf(report: OpenReport, onAdd: Add): Note[] {
  const { wrapping, problem, diskProblem, missing, locked, spare, packed } = report;
  const notes: Note[] = [];
  if (wrapping) {
    notes.push({
      key: 'wrapping',
      bad: true,
      title: `This is ${wrapping.name}.`,
      text: `${wrapping.reason}. ${wrapping.advice}`,
    });
  }
  if (problem) {
    const text = `${problem.message}${problem.fix === undefined ? '' : ` ${problem.fix}`} What can be read of it is shown.`;
    notes.push({ key: 'problem', bad: true, title: 'QEMU would not open it, and neither does this page.', text });
  }
  if (diskProblem && locked.length === 0) {
    notes.push({ key: 'disk', bad: true, title: 'Its disk cannot be read.', text: diskProblem.message });
  }
  for (const file of missing) notes.push(missingNote(file, onAdd));
  if (packed?.note !== undefined) {
    notes.push({ key: 'packed', bad: true, title: 'It may not be whole.', text: packed.note });
  }
  if (spare.length > 0) {
    notes.push({
      key: 'spare',
      bad: false,
      title: 'Not part of this image:',
      text: `${spare.join(', ')}. Open ${spare.length === 1 ? 'it' : 'them'} separately.`,
    });
  }
  return notes;
}

export function TroublePanel({ report, onAdd }: { readonly report: OpenReport; readonly onAdd: Add }) {
  const notes = notesOf(report, onAdd);
  if (notes.length === 0) return null;
  return (
    <section className="panel" aria-label="What stands in the way">
      <ul className="troubles">
        {notes.map(({ key, bad, title, text, action }) => (
          <li key={key} className={bad ? 'troubles__bad' : undefined}>
            {bad ? <WarningIcon /> : <InfoIcon />}
            <div>
              <b>{title}</b>
              <p>{text}</p>
              {action}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
