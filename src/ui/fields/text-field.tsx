/** A name, typed as it is to be stored. */
import type { TextOption } from '../../engine/options/declare.ts';
import type { FieldProps } from './field.ts';
import { presentationOf } from './presentation.ts';

export function TextField({ option, id, text, disabled, invalid, describedBy, onChange }: FieldProps<TextOption>) {
  const { suggestions, mono } = presentationOf(option.qemu);
  return (
    <>
      <input
        className={mono ? 'input input--mono' : 'input'}
        id={id}
        value={text ?? ''}
        placeholder={option.placeholder}
        disabled={disabled}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        list={suggestions && `${id}-list`}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        onChange={(event) => onChange(event.target.value === '' ? null : event.target.value)}
      />
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </>
  );
}
