/**
 * The command line, live and editable: what is typed or pasted fills the form as soon as it reads, and what
 * it does not know is named below it.
 */
import { useRef, useState } from 'react';
import { CopyButton } from '../copy-button.tsx';
import { PasteIcon, WarningIcon } from '../icons.tsx';
import { ProblemStrip } from '../problem.tsx';
import type { CommandLine } from './command-line.ts';
import { COMMAND_ID } from './focus-spot.ts';
import { highlight } from './highlight.ts';
import type { FormReading } from './reading.ts';
import type { FormAction } from './state.ts';
import type { CommandDraft } from './use-command-draft.ts';

interface Props {
  readonly line: CommandLine;
  readonly draft: CommandDraft;
  readonly reading: FormReading;
  /** Shown only, while an image is built or finished. */
  readonly fixed?: boolean;
  readonly onAction: (action: FormAction) => void;
}

/** Names that the highlight points at. */
function markedIn({ flags, texts }: CommandLine, { problems, notes, set }: FormReading): ReadonlySet<string> {
  const marked = new Set<string>();
  for (const flag of flags) if (flag[0] !== '-q' && flag[0] !== '-u') for (const word of flag) marked.add(word);
  for (const { spot } of problems) if (typeof spot !== 'string') marked.add(spot.option);
  // Below the command line: options that this format does not have, and those without effect.
  const known = new Set(Object.values(set.declarations).map((option) => option.qemu));
  const said = notes.map((note) => note.message);
  for (const name of Object.keys(texts)) {
    if (!known.has(name) || said.some((message) => message.startsWith(`${name} `))) marked.add(name);
  }
  return marked;
}

export function CommandPanel({ line, draft, reading, fixed = false, onAction }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [hint, setHint] = useState<string>();
  const { printed } = draft;
  const shown = fixed ? printed : draft.shown;
  const failure = fixed ? undefined : draft.failure;

  async function paste() {
    try {
      draft.type((await navigator.clipboard.readText()).trim());
    } catch {
      setHint('The browser keeps the clipboard to itself: paste into the field.');
      field.current?.focus();
      field.current?.select();
    }
  }

  const below = reading.problems.filter((problem) => problem.spot === 'command' && problem.message !== failure);
  return (
    <section className="panel" aria-labelledby="command-title">
      <div className="panel__head">
        <h2 id="command-title">Command line</h2>
        {!fixed && <p id="command-help">Edit it and the form follows</p>}
        <div className="tool">
          <CopyButton text={printed} what="command line" />
          {!fixed && (
            <button className="btn btn--sm btn--quiet" type="button" title="Paste a command line" onClick={paste}>
              <PasteIcon />
              Paste
            </button>
          )}
        </div>
      </div>
      <div className="cmd">
        <pre className="cmd__ink" aria-hidden="true">
          {highlight(shown, markedIn(line, reading)).map(({ tone, text }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: stretches have no identity but their place
            <span key={index} className={`cmd__${tone}`}>
              {text}
            </span>
          ))}
          {'\n'}
        </pre>
        <textarea
          ref={field}
          id={COMMAND_ID}
          className="cmd__field"
          rows={1}
          value={shown}
          readOnly={fixed}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          aria-label="Command line"
          aria-invalid={failure !== undefined || below.length > 0}
          aria-describedby={fixed ? undefined : 'command-help'}
          onChange={(event) => {
            setHint(undefined);
            draft.type(event.target.value);
          }}
          onBlur={() => {
            setHint(undefined);
            draft.settle();
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return;
            // One command, one line: Enter settles it into its shortest spelling.
            event.preventDefault();
            draft.settle();
          }}
        />
      </div>
      {hint && (
        <p className="cmd__hint" role="status">
          {hint}
        </p>
      )}
      {failure !== undefined && (
        <div className="problem problem--bad">
          <WarningIcon />
          <div className="problem__body">
            <p>
              <b>{failure}</b> The form keeps what it last understood.
            </p>
            <div className="problem__fixes">
              <button className="btn btn--sm" type="button" onClick={() => draft.settle('force')}>
                Restore the command
              </button>
            </div>
          </div>
        </div>
      )}
      {!fixed && below.map((problem) => <ProblemStrip key={problem.message} problem={problem} onFix={onAction} />)}
      {reading.notes.map((note) => (
        <ProblemStrip key={note.message} problem={note} mild onFix={onAction} />
      ))}
    </section>
  );
}
