/** What the images become: a preset by product, then format, compression and every option of the format. */
import { type ReactNode, useId, useState } from 'react';
import type { OptionDeclaration, OptionTexts } from '../../engine/options/declare.ts';
import { ClosedFold, FoldView } from '../create/fold.tsx';
import { type Fold, type FoldName, foldSummary, type Group, groupsOf, shortly } from '../create/groups.ts';
import { sameSpot } from '../create/reading.ts';
import { OptionField } from '../fields/option-field.tsx';
import { BannedIcon, WarningIcon } from '../icons.tsx';
import { ProblemStrip } from '../problem.tsx';
import type { CompressProblem, TargetReading } from './target-reading.ts';
import { canCompress, compresses, type TargetAction, type TargetState, USUAL_LEVEL } from './target-state.ts';
import { targets, writable } from './targets.ts';

/** Ids of this form's fields: Create has the same options. */
const SCOPE = 'convert-';

const LEVELS: readonly { readonly level: number; readonly words: string }[] = [
  { level: 1, words: '1, fastest' },
  { level: 3, words: '3, faster' },
  { level: USUAL_LEVEL, words: `${USUAL_LEVEL}, as qemu-img` },
  { level: 9, words: '9, smallest' },
];

interface Props {
  readonly target: TargetState;
  readonly reading: TargetReading;
  /** What stands in a fold beside its options. */
  readonly beside?: Partial<Record<FoldName, ReactNode>>;
  readonly onAction: (action: TargetAction) => void;
}

function Presets({ target, onAction }: Props) {
  const id = useId();
  return (
    <fieldset className="field field--wide" data-option="preset">
      <legend className="sr">Convert for</legend>
      <div className="cards cards--targets">
        {targets.map((one) => (
          <label key={one.id} className="card">
            <input
              type="radio"
              name={`${id}-preset`}
              checked={target.preset === one.id}
              aria-labelledby={`${id}-${one.id}`}
              aria-describedby={`${id}-${one.id}-why`}
              onChange={() => onAction({ type: 'preset', target: one })}
            />
            <b id={`${id}-${one.id}`}>{one.name}</b>
            <span className="card__kind">
              {one.format}
              {one.compress ? ', compressed' : ''}
            </span>
            <small id={`${id}-${one.id}-why`}>{one.reason}</small>
          </label>
        ))}
      </div>
      {target.preset === undefined && <p className="help">Your own choice of options, below.</p>}
    </fieldset>
  );
}

function Format({ target, reading, onAction }: Props) {
  const id = useId();
  const { format } = target.form.line;
  const problems = reading.problems.filter(({ spot }) => spot === 'format');
  return (
    <fieldset className="field" data-option="format">
      <legend className="field__label">Format</legend>
      <div>
        <div className="seg">
          {writable.map((spec) => (
            <label key={spec.name}>
              <input
                type="radio"
                name={`${id}-format`}
                checked={spec.name === format}
                aria-describedby={`${id}-about`}
                onChange={() => onAction({ type: 'form', action: { type: 'format', format: spec.name } })}
              />
              {spec.label}
            </label>
          ))}
        </div>
        <p className="help" id={`${id}-about`}>
          {reading.spec.about}
        </p>
        {problems.map((problem) => (
          <ProblemStrip
            key={problem.message}
            problem={problem}
            onFix={(action) => onAction({ type: 'form', action })}
          />
        ))}
      </div>
    </fieldset>
  );
}

function CompressTrouble({
  problem,
  id,
  onAction,
}: { problem: CompressProblem; id: string } & Pick<Props, 'onAction'>) {
  return (
    <div className="problem problem--bad">
      <WarningIcon />
      <div className="problem__body">
        <p id={id}>
          <span className="sr">Problem: </span>
          <b>{problem.message}</b> {problem.why}
        </p>
        <div className="problem__fixes">
          <button className="btn btn--sm" type="button" onClick={() => onAction(problem.action)}>
            {problem.label}
          </button>
        </div>
      </div>
    </div>
  );
}

function Compression({ target, reading, onAction }: Props) {
  const id = useId();
  const possible = canCompress(target.form.line.format);
  const on = compresses(target);
  return (
    <div className="field" data-option="compress">
      <label className="field__label" htmlFor={`${id}-compress`}>
        Compress
      </label>
      <div>
        <div className="compress">
          <span className="switch">
            <input
              type="checkbox"
              role="switch"
              id={`${id}-compress`}
              checked={on}
              aria-checked={on}
              disabled={!possible}
              aria-invalid={reading.compress !== undefined}
              aria-describedby={`${id}-help`}
              onChange={(event) => onAction({ type: 'compress', on: event.target.checked })}
            />
            <span aria-hidden="true">{on ? 'On' : 'Off'}</span>
          </span>
          {on && (
            <label className="compress__level">
              Level
              <select
                className="select"
                value={target.level}
                onChange={(event) => onAction({ type: 'level', level: Number(event.target.value) })}
              >
                {LEVELS.map(({ level, words }) => (
                  <option key={level} value={level}>
                    {words}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        {!possible ? (
          <p className="why" id={`${id}-help`}>
            <BannedIcon />
            <span>Images of this format hold no compressed data.</span>
          </p>
        ) : (
          <p className="help" id={`${id}-help`}>
            {on
              ? 'Cluster by cluster, on all cores. The image opens as it is; what the guest writes later is not compressed.'
              : 'On: often half the size or less; takes longer to convert and reads a little slower.'}
          </p>
        )}
        {reading.compress && <CompressTrouble problem={reading.compress} id={`${id}-problem`} onAction={onAction} />}
      </div>
    </div>
  );
}

/** Each option with its name: their values alone say little. */
const inWords = (options: readonly OptionDeclaration[], texts: OptionTexts): string =>
  options
    .map((option) => {
      const words = shortly(option, texts[option.qemu]);
      return words.startsWith(option.label) ? words : `${option.label} ${words}`;
    })
    .join(' · ');

const FOLDS: Readonly<Record<FoldName, { readonly title: string; readonly none?: string }>> = {
  advanced: { title: 'Advanced layout' },
  backing: { title: 'Backing file', none: 'None: the new image stands alone' },
  'data-file': { title: 'Data file', none: 'None: the data is in the image' },
  encryption: { title: 'Encryption', none: 'None: anyone with the file can read it' },
  file: { title: 'Host file system', none: 'Nothing asked of it' },
};

export function TargetForm(props: Props) {
  const { target, reading, beside, onAction } = props;
  const { set, texts, blocked, problems } = reading;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());

  function toggle(name: string, shown: boolean) {
    setOpen((current) => {
      const next = new Set(current);
      if (shown) next.add(name);
      else next.delete(name);
      return next;
    });
  }

  const fieldsOf = (part: Group | Fold) =>
    part.options.map((option) => (
      <OptionField
        key={option.qemu}
        option={option}
        text={texts[option.qemu]}
        reason={blocked[option.qemu] ?? option.refused}
        problems={problems.filter((problem) => sameSpot(problem.spot, { option: option.qemu }))}
        costs={null}
        scope={SCOPE}
        onAction={(action) => onAction({ type: 'form', action })}
      />
    ));
  const troubled = (part: Group | Fold): boolean =>
    part.options.some((option) => problems.some(({ spot }) => sameSpot(spot, { option: option.qemu })));

  function foldOf(fold: Fold) {
    const { title, none } = FOLDS[fold.name];
    const usable = fold.options.some((one) => !one.refused || texts[one.qemu] !== undefined);
    const refused = fold.options[0]?.refused;
    if (!usable && refused !== undefined) return <ClosedFold key={fold.name} title={title} reason={refused} />;
    return (
      <FoldView
        key={fold.name}
        title={title}
        summary={foldSummary(fold, texts, none)}
        open={open.has(fold.name) || troubled(fold)}
        onToggle={(shown) => toggle(fold.name, shown)}
      >
        {fieldsOf(fold)}
        {beside?.[fold.name]}
      </FoldView>
    );
  }

  // The size is that of the disk.
  const groups = groupsOf(set).filter(({ name }) => name !== 'disk');
  return (
    <form aria-label="Target" onSubmit={(event) => event.preventDefault()}>
      <section className="group" aria-labelledby={`${SCOPE}target`}>
        <div className="group__head">
          <h2 id={`${SCOPE}target`}>Convert for</h2>
        </div>
        <Presets {...props} />
      </section>
      <section className="group" aria-labelledby={`${SCOPE}format`}>
        <div className="group__head">
          <h2 id={`${SCOPE}format`}>Format</h2>
        </div>
        <Format {...props} />
        <Compression {...props} />
        <div className="folds">
          {groups.map((group) => (
            <FoldsOfGroup
              key={`${target.form.line.format} ${group.name}`}
              group={group}
              summary={inWords(group.options, texts)}
              open={open.has(group.name) || troubled(group)}
              onToggle={(shown) => toggle(group.name, shown)}
              fields={fieldsOf(group)}
              folds={group.folds.map(foldOf)}
            />
          ))}
        </div>
      </section>
    </form>
  );
}

interface GroupProps {
  readonly group: Group;
  readonly summary: string;
  readonly open: boolean;
  readonly onToggle: (open: boolean) => void;
  readonly fields: ReactNode;
  readonly folds: ReactNode;
}

/** Options that Create shows at once are folded here: a conversion is right without them. */
function FoldsOfGroup({ group, summary, open, onToggle, fields, folds }: GroupProps) {
  return (
    <>
      {group.options.length > 0 && (
        <FoldView title="Layout" summary={summary} open={open} onToggle={onToggle}>
          {fields}
        </FoldView>
      )}
      {folds}
    </>
  );
}
