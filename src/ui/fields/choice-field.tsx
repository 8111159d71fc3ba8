/** One of a few values: segments, or a table where each value shows what it would cost. */
import type { Choice, ChoiceOption } from '../../engine/options/declare.ts';
import type { Cost } from '../../jobs/forecast.ts';
import { Bytes } from '../measure.tsx';
import type { FieldProps } from './field.ts';
import { presentationOf } from './presentation.ts';

/** The choice that a text stands for; none for a text that is not among them. */
export const chosen = (option: ChoiceOption, text: string | undefined): Choice | undefined =>
  option.choices.find((one) => one.value === (text ?? option.default) || one.also?.includes(text ?? ''));

function Segments({ option, id, text, disabled, describedBy, onChange }: FieldProps<ChoiceOption>) {
  const current = chosen(option, text);
  return (
    <div className="seg">
      {option.none && (
        <label>
          <input
            type="radio"
            name={id}
            checked={text === undefined}
            disabled={disabled}
            aria-describedby={describedBy}
            onChange={() => onChange(null)}
          />
          {option.none.label}
        </label>
      )}
      {option.choices.map((choice) => (
        <label key={choice.value}>
          <input
            type="radio"
            name={id}
            checked={choice === current}
            disabled={disabled}
            aria-describedby={describedBy}
            onChange={() => onChange(choice.value)}
          />
          {choice.value}
        </label>
      ))}
    </div>
  );
}

interface Column {
  readonly name: string;
  readonly bytes: number | undefined;
  /** The number of the column before. */
  readonly same?: boolean;
}

function CostColumn({ name, bytes, same = false }: Column) {
  return (
    <span className={same ? 'num num--same' : 'num'}>
      <span className="sr">{name} </span>
      {bytes === undefined ? <span className="u">–</span> : <Bytes bytes={bytes} />}
    </span>
  );
}

function CostTable({ option, id, text, disabled, describedBy, costs, onChange }: FieldProps<ChoiceOption>) {
  const current = chosen(option, text);
  return (
    <div className="choices">
      <div className="choices__head" aria-hidden="true">
        <span />
        <span />
        <span>Written now</span>
        <span>File length</span>
      </div>
      {option.choices.map((choice) => {
        const cost: Cost | undefined = costs?.[choice.value];
        const part = (name: string) => `${id}-${choice.value}-${name}`;
        return (
          <label key={choice.value} className="choice">
            <input
              type="radio"
              name={id}
              checked={choice === current}
              disabled={disabled}
              aria-labelledby={part('name')}
              aria-describedby={`${part('help')} ${part('cost')} ${describedBy}`}
              onChange={() => onChange(choice.value)}
            />
            <span>
              <b id={part('name')}>{choice.value}</b>
              <small id={part('help')}>{choice.help}</small>
            </span>
            <span className="choice__costs" id={part('cost')}>
              <CostColumn name="Written now" bytes={cost?.written} />
              <CostColumn name="File length" bytes={cost?.length} same={cost?.length === cost?.written} />
            </span>
          </label>
        );
      })}
    </div>
  );
}

export const ChoiceField = (props: FieldProps<ChoiceOption>) =>
  presentationOf(props.option.qemu).costs && props.costs !== null ? <CostTable {...props} /> : <Segments {...props} />;
