/** Create: the form on the left, what it gives on the right, and the build from the click to the saved file. */

import { useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { findOption } from '../../engine/options/declare.ts';
import type { ForecastReport } from '../../jobs/forecast.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import type { EngineClient, SaveOrder, SinkChoice } from '../../worker/engine-client.ts';
import { LockIcon } from '../icons.tsx';
import { BuildingPanel } from '../job/building-panel.tsx';
import { FinishedPage } from '../job/finished-page.tsx';
import { Outcome } from '../job/outcome.tsx';
import { useJob } from '../job/use-job.ts';
import { useWindowSigns } from '../job/use-window-signs.ts';
import { PicturePanel } from '../picture/picture-panel.tsx';
import { useLasting } from '../use-lasting.ts';
import { ActionBar } from './action-bar.tsx';
import { BackingChooser } from './backing-chooser.tsx';
import { CommandPanel } from './command-panel.tsx';
import { focusSpot } from './focus-spot.ts';
import { CreateForm } from './form.tsx';
import type { FoldName } from './groups.ts';
import { engineProblem, type FormProblem, readForm, type Spot } from './reading.ts';
import { SizesCard, summaryOf } from './sizes-card.tsx';
import { initialState, reduce } from './state.ts';
import { useCommandDraft } from './use-command-draft.ts';
import { useForecast } from './use-forecast.ts';

/** How the files would be saved: the one that cannot be, or else the longest, has the word. */
function sinkFor(client: EngineClient, { now, dataFile }: ForecastReport, gzip: boolean): SinkChoice | undefined {
  const choices = (dataFile ? [now, dataFile] : [now])
    .toSorted((a, b) => b.length - a.length)
    .map(({ length, written }) => client.chooseSink({ length, written, gzip }));
  return choices.find((choice) => choice.sink === undefined) ?? choices[0];
}

/** Keys that work anywhere on the page. */
function useKeys(onBuild: (() => void) | undefined, onCancel: (() => void) | undefined): void {
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.repeat && onBuild) {
        event.preventDefault();
        onBuild();
      } else if (event.key === 'Escape' && onCancel) {
        event.preventDefault();
        onCancel();
      }
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [onBuild, onCancel]);
}

interface Props {
  readonly client: EngineClient;
  /** It is the place one is in. */
  readonly active?: boolean;
}

export function CreatePage({ client, active = true }: Props) {
  const [{ line }, dispatch] = useReducer(reduce, initialState);
  const [openFolds, setOpenFolds] = useState<ReadonlySet<FoldName>>(new Set());
  const [wantsGzip, setWantsGzip] = useState(false);
  const { job, start, cancel, reset } = useJob(client);
  useWindowSigns(job);

  const draft = useCommandDraft(line, (next) => dispatch({ type: 'line', line: next }));

  const reading = useMemo(() => readForm(line), [line]);
  const sound = reading.problems.length === 0;
  const forecast = useForecast(client, line.format, line.texts, sound);
  const { report } = forecast;

  const hasData = report?.now.parts.some((one) => one.part === 'data') || (report?.dataFile?.length ?? 0) > 0;
  const gzip = wantsGzip && hasData === true;
  const imageName = savedName(line.name);
  const fileName = gzip ? `${imageName}.gz` : imageName;
  const choice = useMemo(() => report && sinkFor(client, report, gzip), [client, report, gzip]);
  const problems = useMemo(() => {
    const found: FormProblem[] = [...reading.problems];
    if (forecast.error) found.push(engineProblem(reading.set, forecast.error));
    else if (choice && choice.sink === undefined) {
      found.push({
        spot: { option: 'size' },
        message: 'Nothing here can save this file.',
        why: choice.note,
        fixes: [],
      });
    }
    if (draft.failure !== undefined) found.push({ spot: 'command', message: draft.failure, fixes: [] });
    return found;
  }, [reading, forecast.error, choice, draft.failure]);
  const shownReading = useMemo(() => ({ ...reading, problems }), [reading, problems]);

  function setFold(fold: FoldName, open: boolean) {
    setOpenFolds((current) => {
      if (current.has(fold) === open) return current;
      const next = new Set(current);
      if (open) next.add(fold);
      else next.delete(fold);
      return next;
    });
  }

  const [goal, setGoal] = useState<{ readonly spot: Spot }>();
  // After the fold is open.
  useEffect(() => {
    if (goal) focusSpot(goal.spot);
  }, [goal]);

  function settle(problem: FormProblem) {
    if (typeof problem.spot !== 'string') {
      const fold = findOption(reading.set, problem.spot.option)?.place.fold;
      if (fold) setFold(fold, true);
    }
    setGoal({ spot: problem.spot });
  }

  function go() {
    const [first] = problems;
    if (first) return settle(first);
    const order: SaveOrder = { format: line.format, texts: line.texts, fileName: imageName, gzip };
    start(order);
  }

  const building = job.state === 'building';
  const finished = job.state === 'finished';
  const buildingShown = useLasting(building, 150);
  useKeys(!active || building || finished ? undefined : go, active && building ? cancel : undefined);

  // Back at the form after a build, the focus is where it was left: on the button.
  const action = useRef<HTMLDivElement>(null);
  const wasAway = useRef(false);
  useEffect(() => {
    const away = building || finished;
    if (wasAway.current && !away) action.current?.querySelector<HTMLElement>('.go')?.focus({ preventScroll: true });
    if (building && !wasAway.current) action.current?.querySelector<HTMLElement>('.go')?.focus({ preventScroll: true });
    if (!away && wasAway.current) window.scrollTo(0, 0);
    wasAway.current = away;
  }, [building, finished]);

  return (
    <main id="create" className={`page${buildingShown ? ' page--job' : ''}${finished ? ' page--done' : ''}`}>
      <div>
        {job.state === 'finished' ? (
          <FinishedPage
            client={client}
            order={job.order}
            report={job.report}
            guestSize={report?.guestSize}
            onAnother={reset}
            onAgain={() => start(job.order)}
          />
        ) : (
          <>
            <h1 className="sr">{building ? `Building ${job.order.fileName}` : 'Create a disk image'}</h1>
            {building && buildingShown && (
              <p className="lock">
                <LockIcon />
                Locked while {job.order.fileName} is built from these options.
              </p>
            )}
            <div className={buildingShown ? 'locked' : undefined} inert={building}>
              <CreateForm
                name={line.name}
                format={line.format}
                reading={shownReading}
                report={report}
                openFolds={openFolds}
                onFold={setFold}
                onAction={dispatch}
                beside={{
                  backing: <BackingChooser client={client} name={line.texts['backing_file']} onAction={dispatch} />,
                }}
              />
            </div>
          </>
        )}
      </div>
      <aside className="side" aria-label="Result">
        <div className="side__scroll">
          {building && buildingShown ? (
            <BuildingPanel job={job} />
          ) : (
            <>
              <SizesCard report={report} old={forecast.old} />
              <PicturePanel report={report} fileName={imageName} />
              <CommandPanel line={line} draft={draft} reading={shownReading} fixed={finished} onAction={dispatch} />
            </>
          )}
        </div>
        {!finished && (
          <div className="foot" ref={action}>
            {(job.state === 'failed' || job.state === 'cancelled') && <Outcome job={job} onDismiss={reset} />}
            <ActionBar
              fileName={fileName}
              building={building}
              problems={problems}
              choice={choice}
              summary={report && summaryOf(report)}
              gzip={hasData ? { on: wantsGzip, set: setWantsGzip } : undefined}
              onGo={go}
              onCancel={cancel}
            />
          </div>
        )}
      </aside>
    </main>
  );
}
