/** A loss that is said before it happens, and the box by which the person says yes to it. */
import type { ReactNode } from 'react';
import { WarningIcon } from '../../icons.tsx';

interface Props {
  readonly id: string;
  /** What is lost, in bold. */
  readonly rule: string;
  readonly children: ReactNode;
  /** What the box says. */
  readonly words: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Confirmation({ id, rule, children, words, checked, onChange }: Props) {
  return (
    <div className="problem problem--bad confirm">
      <WarningIcon />
      <div>
        <p>
          <span className="sr">Danger: </span>
          <b>{rule}</b> {children}
        </p>
        <label className="confirm__box" htmlFor={id}>
          <input id={id} type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
          <span>{words}</span>
        </label>
      </div>
    </div>
  );
}
