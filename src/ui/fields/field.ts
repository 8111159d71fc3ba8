/** What every field component gets, whatever the kind of its option. */
import type { OptionDeclaration } from '../../engine/options/declare.ts';
import type { Cost } from '../../jobs/forecast.ts';

export interface FieldProps<O extends OptionDeclaration> {
  readonly option: O;
  readonly id: string;
  /** The option's text; undefined: not given. */
  readonly text: string | undefined;
  readonly disabled: boolean;
  readonly invalid: boolean;
  /** Ids of the help, reason and problems that belong to the control. */
  readonly describedBy: string;
  /** What each choice would cost, where the forecast knows; `null`: it is not told here. */
  readonly costs?: Readonly<Record<string, Cost>> | null | undefined;
  /** `null`: not given. */
  readonly onChange: (text: string | null) => void;
}

export const fieldId = (qemu: string): string => `option-${qemu.replaceAll('.', '-')}`;
