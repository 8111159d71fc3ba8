/** One change: its form at the left, what it makes at the right, and the saving from the click to the saved file. */
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { formatBytes } from '../../../engine/bytes/units.ts';
import { sameName, savedName } from '../../../platform/browser/deliver/saved-name.ts';
import type { Change, ChangeOffers, PlannedChange } from '../../../worker/change/protocol.ts';
import type { EngineClient } from '../../../worker/engine-client.ts';
import type { OpenReport } from '../../../worker/open/protocol.ts';
import { LockIcon, WarningIcon } from '../../icons.tsx';
import { BuildingPanel } from '../../job/building-panel.tsx';
import { useEscape } from '../../use-escape.ts';
import { useLasting } from '../../use-lasting.ts';
import type { OpenImageHandle } from '../use-image.ts';
import { EqualCommands } from './equal-commands.tsx';
import type { ChangeForm } from './form.ts';
import { NameField } from './name-field.tsx';
import { type ChangePlace, troubleText, wordsOfPlace } from './places.ts';
import { PlanningPanel } from './planning-panel.tsx';
import { renameWord } from './rename-word.ts';
import { ResultPanel } from './result-panel.tsx';
import { type Obstacle, SaveBar } from './save-bar.tsx';
import { SavedPage } from './saved-page.tsx';
import { type Planning, usePlan } from './use-plan.ts';
import { useSaving } from './use-saving.ts';
import { useStayOpen } from './use-stay-open.ts';

export interface WorkProps {
  readonly client: EngineClient;
  readonly report: OpenReport;
  readonly image: OpenImageHandle;
  readonly offers: ChangeOffers;
  /** A check has found more than leaks. */
  readonly broken: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onBack: () => void;
  /** Nothing else can be chosen meanwhile. */
  readonly onBusy: (busy: boolean) => void;
}

interface Props<Draft> extends WorkProps {
  readonly place: ChangePlace;
  readonly form: ChangeForm<Draft>;
}

/** Of the files that a change brings along. */
const namesOf = (change: Change | undefined): readonly string[] =>
  change?.kind === 'rebase' ? (change.files ?? []).map(({ file }) => file.name) : [];

const NAME = 'change-name';
const REFUSED = 'change-refused';

/** The chosen one of a group of that name. */
const chosenOf = (name: string): HTMLElement | null =>
  document.querySelector(`input[name="${CSS.escape(name)}"]:checked`);

function unchangedWords({ unchanged, repair }: PlannedChange): string | undefined {
  if (!unchanged) return undefined;
  const wrong = repair && repair.found.corruptions + repair.found.leaks + repair.found.failures > 0;
  return wrong ? 'This repair sets nothing right.' : 'The image already is what this would make of it.';
}

function emptyWords(planning: Planning, missing: string | undefined): string {
  if (planning.state === 'planning') return 'Working it out …';
  if (planning.state === 'cancelled') return 'Cancelled before it was worked out.';
  if (planning.state === 'refused') return 'Nothing: this cannot be done with this image.';
  return `Nothing yet. ${missing ?? ''}`;
}

function Refused({ planning, onAgain }: { readonly planning: Planning; readonly onAgain: () => void }) {
  if (planning.state !== 'refused' && planning.state !== 'cancelled') return null;
  const refused = planning.state === 'refused';
  return (
    <div
      className={refused ? 'problem problem--bad' : 'problem problem--plain'}
      id={REFUSED}
      tabIndex={-1}
      role={refused ? 'alert' : 'status'}
    >
      <WarningIcon />
      <div className="problem__body">
        <p>
          {refused ? (
            <>
              <b>This cannot be done.</b> {troubleText(planning.trouble)}
            </>
          ) : (
            <b>Cancelled before it was worked out.</b>
          )}
        </p>
        <div className="problem__fixes">
          <button className="btn btn--sm" type="button" onClick={onAgain}>
            Try again
          </button>
        </div>
      </div>
    </div>
  );
}

export function Work<Draft>(props: Props<Draft>) {
  const { place, form, client, report, image, offers, broken, onFiles, onBack, onBusy } = props;
  const { title, lead } = wordsOfPlace(place);
  const [draft, setDraft] = useState(() => form.initial({ report, offers, broken }));
  const [typed, setTyped] = useState<string>();
  const wanted = useMemo(() => form.wanted(draft, report), [form, draft, report]);
  const { change } = wanted;
  const { planning, last, cancel: cancelPlan, again } = usePlan(image, change);
  const { saving, start, cancel: cancelSaving, reset } = useSaving(image);
  useStayOpen(saving);
  const heading = useId();

  const plan = planning.state === 'planned' ? planning.plan : undefined;
  const shown = plan ?? (change ? last : undefined);
  const old = plan === undefined;
  const name = typed ?? shown?.fileName ?? '';
  const fileName = savedName(name);
  const choice = plan && client.chooseSink({ length: plan.after.length, written: plan.after.written, gzip: false });

  let nameProblem: string | undefined;
  if (shown && fileName === '') nameProblem = 'The file needs a name.';
  else if (shown && [report.name, ...image.names, ...namesOf(change)].some((one) => sameName(one, fileName))) {
    nameProblem = 'A file that is read has this name. The new one needs another: saved over it, it would be emptied.';
  }

  const obstacle = ((): Obstacle | undefined => {
    if (!wanted.change) return { message: wanted.missing, button: wanted.button, at: wanted.at };
    if (planning.state === 'refused') {
      return { message: planning.trouble.message, button: 'See why it cannot be done', at: REFUSED };
    }
    if (planning.state === 'cancelled') {
      return { message: 'Cancelled before it was worked out.', button: 'Work it out first', at: REFUSED };
    }
    if (nameProblem !== undefined) return { message: nameProblem, button: 'Settle the name', at: NAME };
    if (choice && choice.sink === undefined)
      return { message: choice.note, button: 'It is too long to be saved', at: NAME };
    return undefined;
  })();

  const busySaving = saving.state === 'saving';
  const savingShown = useLasting(busySaving, 150);
  const planningShown = useLasting(planning.state === 'planning' && !busySaving, 400);
  const busy = savingShown ? 'saving' : planningShown ? 'planning' : undefined;
  const cancel = busySaving ? cancelSaving : cancelPlan;
  useEscape(busySaving || planningShown ? cancel : undefined);
  useEffect(() => onBusy(busySaving), [onBusy, busySaving]);

  // Back at the form after a try, the focus is where it was left: on the button.
  const foot = useRef<HTMLDivElement>(null);
  const wasAway = useRef(false);
  const away = busySaving || saving.state === 'saved';
  useEffect(() => {
    if (away !== wasAway.current && saving.state !== 'saved') {
      foot.current?.querySelector<HTMLElement>('.go')?.focus({ preventScroll: true });
    }
    wasAway.current = away;
  }, [away, saving.state]);

  function go() {
    if (obstacle) {
      const goal = document.getElementById(obstacle.at) ?? chosenOf(obstacle.at);
      goal?.focus();
      goal?.scrollIntoView({ block: 'center' });
      return;
    }
    if (change) start({ change, fileName }, plan);
  }

  if (saving.state === 'saved') {
    return (
      <div className="page page--change page--done">
        <SavedPage
          original={report.name}
          order={saving.order}
          plan={saving.plan}
          report={saving.report}
          onFiles={onFiles}
          onMore={reset}
          onBack={onBack}
        />
      </div>
    );
  }

  const commands = shown?.commands ?? (planning.state === 'refused' ? planning.commands : undefined);
  const renamed = (lines: readonly string[]) =>
    shown && fileName !== '' ? lines.map((line) => renameWord(line, shown.fileName, fileName)) : lines;
  return (
    <div className={savingShown ? 'page page--change page--job' : 'page page--change'}>
      <div>
        {savingShown && (
          <p className="lock">
            <LockIcon />
            Locked while {saving.state === 'saving' ? saving.order.fileName : 'it'} is saved.
          </p>
        )}
        <div className={savingShown ? 'locked' : undefined} inert={busySaving}>
          <h2 id={heading}>{title}</h2>
          <p className="lead">
            {lead} {report.name} is only read; the result is a new file.
          </p>
          <form className="change" aria-labelledby={heading} onSubmit={(event) => event.preventDefault()}>
            <form.Fields draft={draft} onDraft={setDraft} report={report} offers={offers} client={client} plan={plan} />
            <Refused planning={planning} onAgain={again} />
            {shown && !shown.unchanged && (
              <NameField id={NAME} value={name} saved={fileName} problem={nameProblem} onChange={setTyped} />
            )}
          </form>
        </div>
      </div>
      <aside className="side" aria-label="Result">
        <div className="side__scroll">
          {saving.state === 'saving' && savingShown ? (
            <BuildingPanel job={saving} />
          ) : (
            <>
              {planning.state === 'planning' && planningShown && <PlanningPanel progress={planning.progress} />}
              <ResultPanel
                report={report}
                plan={shown}
                old={old}
                empty={emptyWords(planning, wanted.change ? undefined : wanted.missing)}
              />
              {commands && (
                <EqualCommands
                  commands={{
                    ...commands,
                    qemuImg: renamed(commands.qemuImg),
                    diskwright: renamed(commands.diskwright),
                  }}
                  old={old && planning.state !== 'refused'}
                />
              )}
            </>
          )}
          <p className="sr" role="status">
            {plan && !plan.unchanged ? `The new file has ${formatBytes(plan.after.length)}.` : ''}
          </p>
        </div>
        <div className="foot" ref={foot}>
          <SaveBar
            fileName={fileName}
            obstacle={obstacle}
            choice={choice}
            summary={plan && `${formatBytes(plan.after.length)} in the new file`}
            busy={busy}
            unchanged={plan && unchangedWords(plan)}
            saving={saving}
            onGo={go}
            onCancel={cancel}
            onDismiss={reset}
          />
        </div>
      </aside>
    </div>
  );
}
