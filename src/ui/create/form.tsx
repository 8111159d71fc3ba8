/** The left side: name and format, then every option of the format, grouped and folded as declared. */

import type { ReactNode } from 'react';
import { formatBytes } from '../../engine/bytes/units.ts';
import type { OptionDeclaration } from '../../engine/options/declare.ts';
import type { ForecastReport } from '../../jobs/forecast.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import { OptionField } from '../fields/option-field.tsx';
import { presentationOf } from '../fields/presentation.ts';
import { bytesOf } from '../fields/size-spelling.ts';
import { type HelpPart, openHelp } from '../help/help-state.ts';
import { ProblemStrip } from '../problem.tsx';
import { ClosedFold, FoldView } from './fold.tsx';
import { type Fold, type FoldName, foldSummary, type Group, type GroupName, groupsOf } from './groups.ts';
import { creatable, type FormReading, sameSpot } from './reading.ts';
import type { FormAction } from './state.ts';

/** What a size leads to, in the line below its field. */
function sizeConsequence(text: string | undefined, report: ForecastReport | undefined): string | undefined {
  const bytes = bytesOf(text);
  if (bytes !== undefined && bytes % SECTOR !== 0n) return 'Rounded up to whole sectors of 512 bytes.';
  if (!report?.full || report.now.length >= report.full.length) return undefined;
  return `The file starts at ${formatBytes(report.now.length)} and grows with use.`;
}

interface Props {
  readonly name: string;
  readonly format: string;
  readonly reading: FormReading;
  readonly report: ForecastReport | undefined;
  readonly openFolds: ReadonlySet<FoldName>;
  readonly onFold: (fold: FoldName, open: boolean) => void;
  readonly onAction: (action: FormAction) => void;
  /** What stands in a fold beside its options. */
  readonly beside?: Partial<Record<FoldName, ReactNode>>;
}

const SECTOR = 512n;

const NAME_HELP = "The saved file's name. The ending follows the format until you type your own.";

const EXPLAINED: Readonly<Partial<Record<HelpPart, string>>> = {
  clusters: 'What is a cluster?',
  preallocation: 'What is preallocation?',
  backing: 'What is a backing file?',
};

const GROUP_TITLES: Readonly<Record<GroupName, string>> = { disk: 'Disk', layout: 'Layout', extras: 'Extras' };

/** A fold's title, and its summary when nothing in it is set (none: it lists its values). */
function foldWords(fold: FoldName, fileName: string): { title: string; none?: string } {
  switch (fold) {
    case 'advanced':
      return { title: 'Advanced layout' };
    case 'backing':
      return { title: 'Backing file', none: 'None: the disk starts empty' };
    case 'data-file':
      return { title: 'Data file', none: `None: guest data lives in ${fileName}` };
    case 'encryption':
      return { title: 'Encryption', none: 'None: anyone with the file can read it' };
    case 'file':
      return { title: 'Host file system', none: 'Nothing asked of it' };
  }
}

function savedWords(name: string): string {
  const saved = savedName(name);
  if (saved === name || saved === '') return NAME_HELP;
  if (/[/\\]/.test(name) && name.endsWith(saved)) return `Saved as ${saved}: the folder is the browser's to choose.`;
  return `Saved as ${saved}: browsers replace some characters.`;
}

function NameField({ name, reading, onAction }: Pick<Props, 'name' | 'reading' | 'onAction'>) {
  const problems = reading.problems.filter((one) => one.spot === 'name');
  return (
    <div className="field" data-option="name">
      <label className="field__label" htmlFor="file-name">
        Name
      </label>
      <div>
        <input
          className="input"
          id="file-name"
          value={name}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          aria-invalid={problems.length > 0}
          aria-describedby="file-name-help"
          onChange={(event) => onAction({ type: 'name', name: event.target.value })}
        />
        <p className="help" id="file-name-help">
          {savedWords(name)}
        </p>
        {problems.map((problem) => (
          <ProblemStrip key={problem.message} problem={problem} onFix={onAction} />
        ))}
      </div>
    </div>
  );
}

function FormatField({ format, reading, onAction }: Pick<Props, 'format' | 'reading' | 'onAction'>) {
  const problems = reading.problems.filter((one) => one.spot === 'format');
  return (
    <fieldset className="field" data-option="format">
      <legend className="field__label">Format</legend>
      <div>
        <div className="cards">
          {creatable.map((spec) => (
            <label key={spec.name} className="card">
              <input
                type="radio"
                name="format"
                checked={spec.name === format}
                aria-labelledby={`format-${spec.name}`}
                aria-describedby={`format-${spec.name}-use format-help`}
                onChange={() => onAction({ type: 'format', format: spec.name })}
              />
              <b id={`format-${spec.name}`}>{spec.label}</b>
              <small id={`format-${spec.name}-use`}>{spec.usedBy}</small>
            </label>
          ))}
        </div>
        <p className="help" id="format-help">
          {reading.spec.about}
        </p>
        {problems.map((problem) => (
          <ProblemStrip key={problem.message} problem={problem} onFix={onAction} />
        ))}
      </div>
    </fieldset>
  );
}

/** The way from a group to its part of the help. */
function explanationOf({ name, options, folds }: Group): ReactNode {
  const has = (qemu: string) => options.some((option) => option.qemu === qemu);
  let part: HelpPart | undefined;
  if (name === 'layout') part = has('cluster_size') ? 'clusters' : 'preallocation';
  else if (folds.some((fold) => fold.name === 'backing')) part = 'backing';
  if (!part) return null;
  const shown = part;
  return (
    <button className="linkbtn" type="button" aria-haspopup="dialog" onClick={() => openHelp(shown)}>
      {EXPLAINED[shown]}
    </button>
  );
}

export function CreateForm(props: Props) {
  const { name, reading, report, openFolds, onFold, onAction, beside } = props;
  const { set, texts, blocked, problems } = reading;

  /** What encryption could be made of is of interest once there is one. */
  function isShown({ qemu, place }: OptionDeclaration): boolean {
    const { hidden } = presentationOf(qemu);
    if (hidden === 'always') return false;
    const unset = texts[qemu] === undefined;
    if (place.fold === 'encryption' && qemu !== 'encrypt.format' && unset && blocked[qemu] !== undefined) return false;
    return hidden === undefined || !unset;
  }

  const fieldsOf = (part: Group | Fold) =>
    part.options
      .filter(isShown)
      .map((option) => (
        <OptionField
          key={option.qemu}
          option={option}
          text={texts[option.qemu]}
          reason={blocked[option.qemu]}
          problems={problems.filter((problem) => sameSpot(problem.spot, { option: option.qemu }))}
          costs={report?.alternatives[option.qemu]}
          consequence={presentationOf(option.qemu).large && sizeConsequence(texts[option.qemu], report)}
          onAction={onAction}
        />
      ));

  function foldView(fold: Fold) {
    const { title, none } = foldWords(fold.name, savedName(name));
    const usable = fold.options.some((one) => !one.refused || texts[one.qemu] !== undefined);
    const reason = fold.options[0]?.refused;
    if (!usable && reason !== undefined) return <ClosedFold key={fold.name} title={title} reason={reason} />;
    return (
      <FoldView
        key={fold.name}
        title={title}
        summary={foldSummary(fold, texts, none)}
        open={openFolds.has(fold.name)}
        onToggle={(open) => onFold(fold.name, open)}
      >
        {fold.name === 'encryption' ? (
          // What one has to type before what one may choose.
          <>
            {fieldsOf({ ...fold, options: fold.options.slice(0, 1) })}
            {beside?.[fold.name]}
            {fieldsOf({ ...fold, options: fold.options.slice(1) })}
          </>
        ) : (
          <>
            {fieldsOf(fold)}
            {beside?.[fold.name]}
          </>
        )}
      </FoldView>
    );
  }

  return (
    <form aria-label="Image" onSubmit={(event) => event.preventDefault()}>
      {groupsOf(set).map((group) => (
        <section key={group.name} className="group" aria-labelledby={`group-${group.name}`}>
          <div className="group__head">
            <h2 id={`group-${group.name}`}>{GROUP_TITLES[group.name]}</h2>
            {explanationOf(group)}
          </div>
          {group.name === 'disk' && (
            <>
              <NameField name={name} reading={reading} onAction={onAction} />
              <FormatField format={props.format} reading={reading} onAction={onAction} />
            </>
          )}
          {fieldsOf(group)}
          {group.folds.length > 0 && <div className="folds">{group.folds.map(foldView)}</div>}
        </section>
      ))}
    </form>
  );
}
