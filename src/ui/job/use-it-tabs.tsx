/** "Use it in": one tab for each program. */
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import { CopyButton } from '../copy-button.tsx';
import { type Guide, guidesFor, type Saved } from './use-it.ts';

const STRIDES: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

const slug = (program: string): string => program.toLowerCase();

function Steps({ guide }: { readonly guide: Guide }) {
  return (
    <ol className="steps">
      {guide.steps.map(({ text, command }) => (
        <li key={text}>
          <p>{text}</p>
          {command !== undefined && (
            <div className="shell">
              <pre>{command}</pre>
              <CopyButton text={command} what="command" bare />
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

interface Props {
  readonly saved: Saved;
  /** The program whose tab is open at first; absent or unknown: the first one. */
  readonly first?: string | undefined;
}

export function UseItTabs({ saved, first }: Props) {
  const guides = guidesFor(saved);
  const [current, setCurrent] = useState(() =>
    Math.max(
      0,
      guides.findIndex(({ program }) => program === first),
    ),
  );
  // There may be several on the page.
  const id = useId();
  const tabs = useRef<(HTMLButtonElement | null)[]>([]);

  function show(index: number) {
    setCurrent(index);
    tabs.current[index]?.focus();
  }

  function turn(event: KeyboardEvent) {
    const stride = STRIDES[event.key];
    if (stride !== undefined) show((current + stride + guides.length) % guides.length);
    else if (event.key === 'Home') show(0);
    else if (event.key === 'End') show(guides.length - 1);
    else return;
    event.preventDefault();
  }

  const guide = guides[current];
  return (
    <section className="use" aria-label={`Use ${saved.file} in`}>
      <h2 id={`${id}-title`}>Use it in</h2>
      <div className="tabs" role="tablist" aria-labelledby={`${id}-title`} onKeyDown={turn}>
        {guides.map(({ program }, index) => (
          <button
            key={program}
            ref={(element) => {
              tabs.current[index] = element;
            }}
            type="button"
            role="tab"
            id={`${id}-${slug(program)}`}
            aria-selected={index === current}
            aria-controls={`${id}-panel`}
            tabIndex={index === current ? 0 : -1}
            onClick={() => setCurrent(index)}
          >
            {program}
          </button>
        ))}
      </div>
      {guide && (
        <div className="tab" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${slug(guide.program)}`}>
          <Steps guide={guide} />
        </div>
      )}
    </section>
  );
}
