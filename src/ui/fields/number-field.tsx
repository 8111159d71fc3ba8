/** A whole number: one of the offers, or typed. */
import type { NumberOption } from '../../engine/options/declare.ts';
import type { FieldProps } from './field.ts';
import { presentationOf } from './presentation.ts';

export function NumberField(props: FieldProps<NumberOption>) {
  const { option, id, text, disabled, invalid, describedBy, onChange } = props;
  const { unit } = presentationOf(option.qemu);
  const control = { id, disabled, 'aria-invalid': invalid, 'aria-describedby': describedBy };
  const value = text ?? option.default ?? '';
  if (!option.offers) {
    return (
      <input
        {...control}
        className="input"
        inputMode="numeric"
        value={value}
        onChange={(event) => onChange(event.target.value === '' ? null : event.target.value)}
      />
    );
  }
  // A text from the command line need not be one of the offers.
  const offers = option.offers.includes(value) ? option.offers : [...option.offers, value];
  return (
    <select {...control} className="select" value={value} onChange={(event) => onChange(event.target.value)}>
      {offers.map((offer) => (
        <option key={offer} value={offer}>
          {unit ? `${offer} ${offer === '1' ? unit.one : unit.many}` : offer}
        </option>
      ))}
    </select>
  );
}
