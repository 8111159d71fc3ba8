/** A size out of a fixed series: a slider with one detent for each offer. */
import type { SizeOption } from '../../engine/options/declare.ts';
import { Measured } from '../measure.tsx';
import type { FieldProps } from './field.ts';
import { bytesOf, spellSize } from './size-spelling.ts';

/** Position of the offer that is closest to `bytes` from below. */
function positionOf(offers: readonly string[], bytes: bigint): number {
  const above = offers.findIndex((offer) => (bytesOf(offer) ?? 0n) > bytes);
  return above < 0 ? offers.length - 1 : Math.max(0, above - 1);
}

export function DetentField(props: FieldProps<SizeOption> & { readonly offers: readonly string[] }) {
  const { option, offers, id, text, disabled, invalid, describedBy, onChange } = props;
  const bytes = bytesOf(text) ?? bytesOf(option.default) ?? 0n;
  const position = positionOf(offers, bytes);
  const size = spellSize(bytes.toString());
  return (
    <div className="detent">
      <div>
        <input
          type="range"
          id={id}
          min={0}
          max={offers.length - 1}
          value={position}
          disabled={disabled}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          aria-valuetext={`${size?.value} ${size?.unit}`}
          onChange={(event) => onChange(offers[event.target.valueAsNumber] ?? null)}
        />
        <div className="detent__ticks" aria-hidden="true">
          {offers.map((offer, index) => (
            <span key={offer} className={index === position ? 'on' : undefined}>
              {offer}
            </span>
          ))}
        </div>
      </div>
      <output htmlFor={id}>{size && <Measured {...size} />}</output>
    </div>
  );
}
