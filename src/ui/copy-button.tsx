/** Copies a text and says so; where the browser refuses, says that instead. */
import { useEffect, useState } from 'react';
import { CheckIcon, CopyIcon } from './icons.tsx';

interface Props {
  readonly text: string;
  /** What is copied, for the accessible name: `Copy command line`. */
  readonly what: string;
  /** Icon only. */
  readonly bare?: boolean;
}

type Outcome = 'none' | 'copied' | 'refused';
const WORDS: Readonly<Record<Outcome, string>> = { none: 'Copy', copied: 'Copied', refused: 'Not allowed' };

export function CopyButton({ text, what, bare = false }: Props) {
  const [outcome, setOutcome] = useState<Outcome>('none');
  useEffect(() => {
    if (outcome === 'none') return;
    const timer = setTimeout(() => setOutcome('none'), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch {
      setOutcome('refused');
    }
  }

  return (
    <>
      <button
        className={bare ? 'btn btn--sm btn--quiet btn--bare' : 'btn btn--sm btn--quiet btn--copy'}
        type="button"
        aria-label={`Copy ${what}`}
        title={`Copy ${what}`}
        onClick={copy}
      >
        {outcome === 'copied' ? <CheckIcon /> : <CopyIcon />}
        {!bare && <span>{WORDS[outcome]}</span>}
      </button>
      <span className="sr" role="status">
        {outcome === 'none' ? '' : WORDS[outcome]}
      </span>
    </>
  );
}
