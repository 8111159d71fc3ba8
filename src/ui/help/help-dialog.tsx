/** The help: what the words of the form mean, drawn by the engine itself, and the sheet of keys. */
import { useEffect, useRef } from 'react';
import type { EngineClient } from '../../worker/engine-client.ts';
import { CrossIcon } from '../icons.tsx';
import { BackingPart } from './backing-part.tsx';
import { ClustersPart } from './clusters-part.tsx';
import type { HelpPart } from './help-state.ts';
import { KeysPart } from './keys-part.tsx';
import { PreallocationPart } from './preallocation-part.tsx';
import { RecipesPart } from './recipes-part.tsx';
import './help.css';

const PARTS: readonly { readonly id: HelpPart; readonly title: string }[] = [
  { id: 'clusters', title: 'Cluster size' },
  { id: 'preallocation', title: 'Preallocation' },
  { id: 'backing', title: 'Backing files' },
  { id: 'recipes', title: 'Recipes' },
  { id: 'keys', title: 'Keys' },
];

interface Props {
  readonly part: HelpPart;
  readonly client: EngineClient;
  readonly onPart: (part: HelpPart) => void;
  readonly onClose: () => void;
}

function Part({ part, client }: Pick<Props, 'part' | 'client'>) {
  switch (part) {
    case 'clusters':
      return <ClustersPart client={client} />;
    case 'preallocation':
      return <PreallocationPart client={client} />;
    case 'backing':
      return <BackingPart />;
    case 'recipes':
      return <RecipesPart />;
    case 'keys':
      return <KeysPart />;
  }
}

export default function HelpDialog({ part, client, onPart, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    heading.current?.focus();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  const title = PARTS.find(({ id }) => id === part)?.title;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog; the key for it is Escape
    <dialog
      ref={dialog}
      className="help-dialog"
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="help-dialog__in">
        <header className="help-dialog__head">
          <nav className="help-dialog__parts" aria-label="Help">
            {PARTS.map(({ id, title: name }) => (
              <button key={id} type="button" aria-current={id === part ? 'page' : undefined} onClick={() => onPart(id)}>
                {name}
              </button>
            ))}
          </nav>
          <button className="iconbtn" type="button" aria-label="Close the help" title="Close (Esc)" onClick={onClose}>
            <CrossIcon />
          </button>
        </header>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrolled by key, too */}
        <section key={part} className="help-dialog__body" aria-labelledby="help-title" tabIndex={0}>
          <h2 ref={heading} id="help-title" tabIndex={-1}>
            {title}
          </h2>
          <Part part={part} client={client} />
        </section>
      </div>
    </dialog>
  );
}
