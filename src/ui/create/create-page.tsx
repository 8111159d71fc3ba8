/** Create: the form on the left, what it gives on the right, and the build from the click to the saved file. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { findOption } from '../../engine/options/declare.ts';
import type { ForecastReport } from '../../jobs/forecast.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import { parseRecipe } from '../../recipes/recipe.ts';
import type { EngineClient, SaveOrder, SinkChoice } from '../../worker/engine-client.ts';
import { LockIcon } from '../icons.tsx';
import { BuildingPanel } from '../job/building-panel.tsx';
import { FinishedLater, usePreparedFinish } from '../job/finished-later.tsx';
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
import { formOfRecipe, recipeOfForm } from './form-recipe.ts';
import type { FoldName } from './groups.ts';
import { encryptingOf, PassphrasePart, usePassphrase } from './passphrase-part.tsx';
import { engineProblem, type FormProblem, readForm, type Spot } from './reading.ts';
import { ShareRow } from './share-row.tsx';
import { SizesCard, summaryOf } from './sizes-card.tsx';
import { StartFrom } from './start-from.tsx';
import type { FormAction, FormState } from './state.ts';
import { useCommandDraft } from './use-command-draft.ts';
import { useForecast } from './use-forecast.ts';
import { type Form, useForm, useUndoKeys } from './use-form.ts';

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
      // Keys belong to the dialog that is open.
      if (document.querySelector('dialog[open]')) return;
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

/** Larger than any recipe that a person could mean. */
const LONGEST_RECIPE = 256 * 1024;

type Notice = Parameters<typeof StartFrom>[0]['notice'];

/** Loads recipe files into the form; `given`: one that was dropped on the page. */
function useRecipeFile({ replace }: Form, given: File | undefined) {
  const [notice, setNotice] = useState<Notice>();
  const latest = useRef(replace);
  useEffect(() => {
    latest.current = replace;
  });
  const load = useCallback(async (file: File) => {
    const refuse = (rest: string) => setNotice({ bad: true, strong: `${file.name} was not loaded.`, rest });
    if (file.size > LONGEST_RECIPE) return refuse('It is too long for a recipe.');
    const reading = parseRecipe(await file.text().catch(() => ''));
    if (!reading.ok) return refuse(`${reading.message} The form stays as it was.`);
    latest.current(formOfRecipe(reading.recipe));
    const { about } = reading.recipe.rest ?? {};
    const rest = typeof about === 'string' ? about : 'Undo brings the form back as it was.';
    setNotice({ bad: false, strong: `Loaded from ${file.name}.`, rest });
  }, []);
  useEffect(() => {
    if (given) void load(given);
  }, [given, load]);
  return { notice, load, dismiss: useCallback(() => setNotice(undefined), []) };
}

interface Props {
  readonly client: EngineClient;
  /** It is the place one is in. */
  readonly active?: boolean;
  /** A recipe that was dropped on the page. */
  readonly recipeFile?: File | undefined;
}

export function CreatePage({ client, active = true, recipeFile }: Props) {
  const form = useForm();
  const { line, gzip: wantsGzip } = form.state;
  const recipe = useMemo(() => recipeOfForm(form.state), [form.state]);
  const loaded = useRecipeFile(form, recipeFile);
  const { dismiss } = loaded;
  const dispatch = useCallback(
    (action: FormAction) => {
      dismiss();
      form.dispatch(action);
    },
    [dismiss, form.dispatch],
  );
  function replace(state: FormState) {
    dismiss();
    form.replace(state);
  }
  const notice = form.badLink
    ? { bad: true, strong: 'This link cannot be read.', rest: `${form.badLink} The form starts as usual.` }
    : loaded.notice;
  const [openFolds, setOpenFolds] = useState<ReadonlySet<FoldName>>(new Set());
  const { job, start, cancel, reset } = useJob(client);
  useWindowSigns(job);

  const draft = useCommandDraft(line, (next) => dispatch({ type: 'line', line: next }));

  const reading = useMemo(() => readForm(line), [line]);
  const encrypting = useMemo(() => encryptingOf(line.format, line.texts), [line]);
  const passphrase = usePassphrase(encrypting, job.state === 'finished');
  const sound = reading.problems.length === 0;
  const forecast = useForecast(client, line.format, line.texts, sound);
  const { report } = forecast;

  const hasData = report?.now.parts.some((one) => one.part === 'data') || (report?.dataFile?.length ?? 0) > 0;
  const gzip = wantsGzip && hasData === true;
  const imageName = savedName(line.name);
  const fileName = gzip ? `${imageName}.gz` : imageName;
  const choice = useMemo(() => report && sinkFor(client, report, gzip), [client, report, gzip]);
  const { unavailable, problems: passphraseProblems } = passphrase;
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
    found.push(...passphraseProblems);
    if (draft.failure !== undefined) found.push({ spot: 'command', message: draft.failure, fixes: [] });
    return found;
  }, [reading, forecast.error, choice, draft.failure, passphraseProblems]);
  const shownReading = useMemo(() => {
    const blocked = unavailable === undefined ? {} : { 'encrypt.format': unavailable };
    return { ...reading, problems, blocked: { ...reading.blocked, ...blocked } };
  }, [reading, problems, unavailable]);

  function setFold(fold: FoldName, open: boolean) {
    setOpenFolds((current) => {
      if (current.has(fold) === open) return current;
      const next = new Set(current);
      if (open) next.add(fold);
      else next.delete(fold);
      return next;
    });
  }

  // There the passphrase is no extra.
  useEffect(() => {
    if (line.format === 'luks') setOpenFolds((current) => new Set(current).add('encryption'));
  }, [line.format]);

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
    start(encrypting ? { ...order, passphrase: new TextEncoder().encode(passphrase.text) } : order);
  }

  // Another recipe that comes in (by link, file, Back) is to be seen, not the file of the last one.
  const shownLink = useRef(form.link);
  useEffect(() => {
    if (shownLink.current === form.link) return;
    shownLink.current = form.link;
    reset('finished');
  }, [form.link, reset]);

  const building = job.state === 'building';
  const finished = job.state === 'finished';
  usePreparedFinish(building);
  const buildingShown = useLasting(building, 150);
  useUndoKeys(form, active && !building && !finished);
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
          <FinishedLater
            client={client}
            order={job.order}
            report={job.report}
            guestSize={report?.guestSize}
            onAnother={() => {
              job.order.passphrase?.fill(0);
              reset();
            }}
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
              <StartFrom form={{ ...form, dispatch, replace }} notice={notice} />
              <CreateForm
                name={line.name}
                format={line.format}
                reading={shownReading}
                report={report}
                openFolds={openFolds}
                onFold={setFold}
                onAction={dispatch}
                beside={{
                  encryption: <PassphrasePart encrypting={encrypting} passphrase={passphrase} />,
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
              <SizesCard report={report} old={forecast.old} sound={sound && !forecast.error} />
              <PicturePanel report={report} fileName={imageName} sound={sound && !forecast.error} />
              <CommandPanel line={line} draft={draft} reading={shownReading} fixed={finished} onAction={dispatch} />
            </>
          )}
        </div>
        {!finished && (
          <div className="foot" ref={action}>
            {(job.state === 'failed' || job.state === 'cancelled') && <Outcome job={job} onDismiss={() => reset()} />}
            <ActionBar
              fileName={fileName}
              building={building}
              problems={problems}
              choice={choice}
              summary={report && summaryOf(report)}
              gzip={hasData ? { on: wantsGzip, set: (on) => dispatch({ type: 'gzip', on }) } : undefined}
              onGo={go}
              onCancel={cancel}
            />
          </div>
        )}
        {!building && <ShareRow recipe={recipe} link={form.link} onLoad={loaded.load} />}
      </aside>
    </main>
  );
}
