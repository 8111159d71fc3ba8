/** A few ways to go on, one below the other, each with its consequence; one that cannot be gone says why. */
import { useId } from 'react';
import { BannedIcon } from '../../icons.tsx';

export interface Way<V extends string> {
  readonly value: V;
  readonly title: string;
  readonly help: string;
  /** It cannot be chosen, and this is why. */
  readonly refused?: string | undefined;
}

interface Props<V extends string> {
  readonly label: string;
  readonly ways: readonly Way<V>[];
  readonly value: V | undefined;
  /** Titles are values of an option, as one types them. */
  readonly mono?: boolean;
  /** Id of the first control, for whoever leads there. */
  readonly id?: string;
  readonly onChange: (value: V) => void;
}

export function ChoiceRows<V extends string>({ label, ways, value, mono = false, id, onChange }: Props<V>) {
  const own = useId();
  return (
    <fieldset className="field">
      <legend className="field__label">{label}</legend>
      <div className={mono ? 'choices' : 'choices choices--words'}>
        {ways.map(({ value: one, title, help, refused }, index) => (
          <label
            key={one}
            className={refused === undefined ? 'choice choice--plain' : 'choice choice--plain choice--no'}
          >
            <input
              type="radio"
              id={index === 0 && id !== undefined ? id : `${own}-${one}`}
              name={own}
              checked={one === value}
              disabled={refused !== undefined}
              aria-labelledby={`${own}-${one}-title`}
              aria-describedby={`${own}-${one}-help`}
              onChange={() => onChange(one)}
            />
            <span>
              <b id={`${own}-${one}-title`}>{title}</b>
              <small id={`${own}-${one}-help`}>
                {refused !== undefined && (
                  <span className="choice__sign">
                    <BannedIcon />
                  </span>
                )}
                {refused ?? help}
              </small>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
