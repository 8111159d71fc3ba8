/**
 * A passphrase: hidden unless one asks to see it. It stays in the memory of the component that owns it and goes nowhere
 * but to the worker.
 */
import { useEffect, useId, useRef, useState } from 'react';
import { strengthOf } from './passphrase-strength.ts';
import './passphrase.css';

interface Props {
  readonly id: string;
  /** The option that it stands for, in a form. */
  readonly option?: string;
  readonly label: string;
  readonly value: string;
  readonly help: string;
  /** A new passphrase is judged; one that exists is not. */
  readonly fresh: boolean;
  /** What is wrong with it. */
  readonly problem?: string | undefined;
  readonly disabled?: boolean;
  readonly onChange: (value: string) => void;
}

function Strength({ value }: { readonly value: string }) {
  if (value === '') return null;
  const { level, word, meaning } = strengthOf(value);
  return (
    <p className={`strength strength--${level}`}>
      <span className="strength__bar" aria-hidden="true">
        {[0, 1, 2, 3].map((step) => (
          <span key={step} className={step <= level ? 'strength__on' : undefined} />
        ))}
      </span>
      <span>
        <b>{word}:</b> {meaning}
      </span>
    </p>
  );
}

export function PassphraseField({ id, option, label, value, help, fresh, problem, disabled = false, onChange }: Props) {
  const [shown, setShown] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  // Set as a property: React would write a value into the document as well, where everyone reads.
  useEffect(() => {
    if (input.current && input.current.value !== value) input.current.value = value;
  }, [value]);
  const detail = useId();
  return (
    <div className="field" data-option={option}>
      <label className="field__label" htmlFor={id}>
        {label}
      </label>
      <div>
        <div className="passphrase">
          <input
            className="input input--mono"
            id={id}
            type={shown ? 'text' : 'password'}
            ref={input}
            disabled={disabled}
            spellCheck={false}
            autoComplete={fresh ? 'new-password' : 'off'}
            autoCapitalize="off"
            autoCorrect="off"
            aria-invalid={problem !== undefined}
            aria-describedby={`${detail}-help ${detail}-strength`}
            onChange={(event) => onChange(event.target.value)}
          />
          <button
            className="btn"
            type="button"
            aria-pressed={shown}
            aria-controls={id}
            onClick={() => setShown((before) => !before)}
          >
            {shown ? 'Hide' : 'Show'}
            <span className="sr"> the passphrase</span>
          </button>
        </div>
        <div id={`${detail}-strength`} role="status">
          {fresh && <Strength value={value} />}
        </div>
        {problem !== undefined && (
          <p className="passphrase__problem" role="alert">
            {problem}
          </p>
        )}
        <p className="help" id={`${detail}-help`}>
          {help}
        </p>
      </div>
    </div>
  );
}
