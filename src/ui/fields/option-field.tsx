/** One option of the form: its label, the control for its kind, its help, its reason or its problems. */
import { useId } from 'react';
import type { OptionDeclaration } from '../../engine/options/declare.ts';
import type { Cost } from '../../jobs/forecast.ts';
import type { FormProblem } from '../create/reading.ts';
import type { FormAction } from '../create/state.ts';
import { BannedIcon } from '../icons.tsx';
import { ProblemStrip } from '../problem.tsx';
import { ChoiceField, chosen } from './choice-field.tsx';
import { DetentField } from './detent-field.tsx';
import { type FieldProps, fieldId } from './field.ts';
import { FlagField } from './flag-field.tsx';
import { NumberField } from './number-field.tsx';
import { presentationOf } from './presentation.ts';
import { SizeField } from './size-field.tsx';
import { TextField } from './text-field.tsx';

interface Props {
  readonly option: OptionDeclaration;
  readonly text: string | undefined;
  /** Why it cannot apply now. */
  readonly reason: string | undefined;
  readonly problems: readonly FormProblem[];
  /** `null`: what its choices cost is not told here. */
  readonly costs?: Readonly<Record<string, Cost>> | null | undefined;
  /** What follows from the present value, behind the help. */
  readonly consequence?: string | undefined;
  /** Before its ids, where another form with the same options stands in the page. */
  readonly scope?: string;
  readonly onAction: (action: FormAction) => void;
}

function Control(props: FieldProps<OptionDeclaration>) {
  const { option } = props;
  switch (option.kind) {
    case 'size':
      return option.offers ? (
        <DetentField {...props} option={option} offers={option.offers} />
      ) : (
        <SizeField {...props} option={option} />
      );
    case 'number':
      return <NumberField {...props} option={option} />;
    case 'flag':
      return <FlagField {...props} option={option} />;
    case 'choice':
      return <ChoiceField {...props} option={option} />;
    case 'text':
      return <TextField {...props} option={option} />;
  }
}

/** The help, with the consequence of the value that is chosen. */
function helpOf(option: OptionDeclaration, text: string | undefined, costs: Props['costs']): string {
  if (option.kind !== 'choice' || (presentationOf(option.qemu).costs && costs !== null)) return option.help;
  const none = text === undefined ? option.none?.help : undefined;
  return `${option.help} ${chosen(option, text)?.help ?? none ?? ''}`.trim();
}

export function OptionField({ option, text, reason, problems, costs, consequence, scope = '', onAction }: Props) {
  const detail = useId();
  const id = `${scope}${fieldId(option.qemu)}`;
  // What is set stays within reach, so that it can be unset.
  const disabled = reason !== undefined && text === undefined;
  const describedBy = [`${detail}-help`, ...problems.map((_, index) => `${detail}-problem-${index}`)].join(' ');
  const grouped = option.kind === 'choice';
  const Shell = grouped ? 'fieldset' : 'div';

  return (
    <Shell className="field" data-option={option.qemu}>
      {grouped ? (
        <legend className="field__label">{option.label}</legend>
      ) : (
        <label className="field__label" htmlFor={id}>
          {option.label}
        </label>
      )}
      <div>
        <Control
          option={option}
          id={id}
          text={text}
          disabled={disabled}
          invalid={problems.length > 0}
          describedBy={describedBy}
          costs={costs}
          onChange={(next) => onAction({ type: 'set', texts: { [option.qemu]: next } })}
        />
        {disabled ? (
          <p className="why" id={`${detail}-help`}>
            <BannedIcon />
            <span>{reason}</span>
          </p>
        ) : (
          <p className="help" id={`${detail}-help`}>
            {helpOf(option, text, costs)} {consequence}
          </p>
        )}
        {problems.map((problem, index) => (
          <ProblemStrip key={problem.message} id={`${detail}-problem-${index}`} problem={problem} onFix={onAction} />
        ))}
      </div>
    </Shell>
  );
}
