/** On or off: a switch that says its state in a word too. */
import type { FlagOption } from '../../engine/options/declare.ts';
import { FLAG_WORDS } from '../../engine/options/read.ts';
import type { FieldProps } from './field.ts';

export const isOn = (option: FlagOption, text: string | undefined): boolean =>
  FLAG_WORDS[text ?? option.default ?? 'off'] ?? false;

export function FlagField({ option, id, text, disabled, invalid, describedBy, onChange }: FieldProps<FlagOption>) {
  const on = isOn(option, text);
  return (
    <span className="switch">
      <input
        type="checkbox"
        role="switch"
        id={id}
        checked={on}
        aria-checked={on}
        disabled={disabled}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        onChange={(event) => onChange(event.target.checked ? 'on' : 'off')}
      />
      <span aria-hidden="true">{on ? 'On' : 'Off'}</span>
    </span>
  );
}
