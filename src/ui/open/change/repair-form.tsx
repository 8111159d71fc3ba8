/** Repair: leaks alone or everything, with what would be found and set right. */
import { useState } from 'react';
import { groupDigits } from '../../../engine/bytes/units.ts';
import type { CheckReport, Finding, RepairReport } from '../../../engine/image/report.ts';
import { CheckIcon, RefusedIcon, WarningIcon } from '../../icons.tsx';
import { many } from '../offsets.ts';
import { ChoiceRows, type Way } from './choice-rows.tsx';
import type { ChangeForm, FormProps } from './form.ts';

interface RepairDraft {
  readonly mode: 'leaks' | 'all';
}

const WAYS: readonly Way<RepairDraft['mode']>[] = [
  {
    value: 'leaks',
    title: 'Leaks only',
    help: 'Gives back clusters that are counted and not used. Nothing but counts is written.',
  },
  {
    value: 'all',
    title: 'Everything',
    help: 'Also sets right counts that are too low, marks and broken tables; where it must, all counts are built anew.',
  },
];

/** Findings shown at first. */
const SHOWN = 6;

const errorsOf = (report: CheckReport): number => report.corruptions + report.failures;

/** `3 leaked clusters and 1 error`. */
function amount(leaks: number, errors: number): string {
  const parts = [...(errors > 0 ? [many(errors, 'error')] : []), ...(leaks > 0 ? [many(leaks, 'leaked cluster')] : [])];
  return parts.join(' and ');
}

export function repairWords({ found, corruptionsFixed, leaksFixed, refused, again }: RepairReport): {
  readonly tone: 'ok' | 'warn' | 'bad';
  readonly title: string;
  readonly text: string;
} {
  const left = again ?? found;
  const fixed = amount(leaksFixed, corruptionsFixed);
  const rest = amount(left.leaks, errorsOf(left));
  if (refused !== undefined) return { tone: 'bad', title: 'Nothing is repaired this way', text: refused };
  if (fixed === '' && rest === '') {
    return { tone: 'ok', title: 'Nothing is wrong', text: 'Every count is right: there is nothing to repair.' };
  }
  if (rest === '') return { tone: 'ok', title: `${fixed} repaired`, text: 'Nothing is left.' };
  const advice =
    errorsOf(left) > 0 ? ' What is lost a repair cannot bring back: save what can be read under Look inside.' : '';
  const text = `${rest} left${fixed === '' ? '' : `, ${fixed} repaired`}.${advice}`;
  return {
    tone: errorsOf(left) > 0 ? 'bad' : 'warn',
    title: fixed === '' ? 'Nothing is repaired' : 'Repaired in part',
    text,
  };
}

function FindingRow({ severity, text, repaired }: Finding) {
  if (severity === 'note') return <li className="findings__note">{text}</li>;
  return (
    <li className={repaired ? 'findings__ok' : severity === 'leak' ? 'findings__leak' : 'findings__bad'}>
      {repaired ? <CheckIcon /> : severity === 'leak' ? <WarningIcon /> : <RefusedIcon />}
      <span>
        <b>{repaired ? 'Repaired: ' : 'Left: '}</b>
        {text}
      </span>
    </li>
  );
}

const SIGNS = { ok: CheckIcon, warn: WarningIcon, bad: RefusedIcon } as const;

function Outcome({ repair }: { readonly repair: RepairReport }) {
  const [all, setAll] = useState(false);
  const { tone, title, text } = repairWords(repair);
  const Sign = SIGNS[tone];
  const { findings, moreFindings } = repair.found;
  const shown = all ? findings : findings.slice(0, SHOWN);
  return (
    <div className="outcome">
      <div role="status">
        <p className={tone === 'ok' ? 'verdict' : `verdict verdict--${tone}`}>
          <Sign />
          {title}
        </p>
        <p className="help">{text}</p>
      </div>
      {shown.length > 0 && (
        <ul className="findings">
          {shown.map((finding, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a finished list.
            <FindingRow key={index} {...finding} />
          ))}
        </ul>
      )}
      {!all && findings.length > SHOWN && (
        <button className="btn btn--sm btn--quiet" type="button" onClick={() => setAll(true)}>
          Show all {groupDigits(findings.length)}
        </button>
      )}
      {moreFindings > 0 && (all || findings.length <= SHOWN) && (
        <p className="help">{many(moreFindings, 'more like these', 'more like these')}.</p>
      )}
    </div>
  );
}

function Fields({ draft, onDraft, plan }: FormProps<RepairDraft>) {
  return (
    <>
      <ChoiceRows label="What" ways={WAYS} value={draft.mode} onChange={(mode) => onDraft({ mode })} />
      {plan?.repair && (
        <section className="field" aria-labelledby="repair-found">
          <h3 className="field__label" id="repair-found">
            What comes of it
          </h3>
          <Outcome repair={plan.repair} />
        </section>
      )}
    </>
  );
}

export const repairForm: ChangeForm<RepairDraft> = {
  // An image that says itself that it is broken needs more than its leaks back.
  initial: ({ broken, report: { dirty, facts, problem } }) => ({
    mode: broken || dirty || problem !== undefined || facts?.['corrupt'] === true ? 'all' : 'leaks',
  }),
  wanted: ({ mode }) => ({ change: { kind: 'repair', mode } }),
  Fields,
};
