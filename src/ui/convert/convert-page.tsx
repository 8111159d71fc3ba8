/** Convert: images in, what they are to become, the forecast, the queue. Loaded when one goes there; then it stays. */
import { useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { DiskwrightError } from '../../engine/errors.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import type { Converter, ConvertOrder } from '../../worker/convert/protocol.ts';
import type { EngineClient } from '../../worker/engine-client.ts';
import type { OpenOrder, SuppliedFile } from '../../worker/open/protocol.ts';
import { focusSpot } from '../create/focus-spot.ts';
import { PlusIcon } from '../icons.tsx';
import { useLeaveWarning, useWakeLock } from '../job/use-leaving.ts';
import { Chooser } from '../open/chooser.tsx';
import { BackingFiles, backingFrom } from './backing-files.tsx';
import type { Conversion } from './commands.ts';
import { CommandsPanel } from './commands-panel.tsx';
import './convert.css';
import { EmptyState } from './empty-state.tsx';
import { nameTrouble, proposedName, withEnding } from './file-names.ts';
import { type Expected, ForecastPanel } from './forecast-panel.tsx';
import { GoBar, type Trouble } from './go-bar.tsx';
import { ImageCard } from './image-card.tsx';
import { JobCard } from './job-card.tsx';
import { QueuePanel } from './queue-panel.tsx';
import { TargetForm } from './target-form.tsx';
import { readTarget } from './target-reading.ts';
import { compresses, initialTarget, reduceTarget, type TargetAction, USUAL_LEVEL } from './target-state.ts';
import { type ConversionJob, useConversions } from './use-conversions.ts';
import { type Question, useForecasts } from './use-forecasts.ts';
import { type Image, usableReport, useImages } from './use-images.ts';

interface Props {
  readonly client: EngineClient;
  /** It is the place one is in. */
  readonly active: boolean;
  /** Files that came from outside: dropped, pasted, from Open. */
  readonly arrived: OpenOrder | undefined;
  /** Of the window, while nothing runs. */
  readonly title: string;
  readonly onFiles: (files: readonly SuppliedFile[]) => void;
  /** Hands a result to Open. */
  readonly onLook: (files: readonly File[]) => void;
}

/** The engine's half, loaded when the first image is here. */
function useConverter(client: EngineClient, wanted: boolean): Converter | undefined {
  const [converter, setConverter] = useState<Converter>();
  useEffect(() => {
    if (!wanted) return;
    let gone = false;
    client.converter().then(
      (one) => {
        if (!gone) setConverter(one);
      },
      // The jobs tell it.
      () => {},
    );
    return () => {
      gone = true;
    };
  }, [client, wanted]);
  return converter;
}

/** Progress in the window's title, as long as something runs; then that it is done. */
function useTitle(jobs: readonly ConversionJob[], usual: string, active: boolean): void {
  const at = jobs.findIndex(({ now }) => now.state === 'running');
  const running = jobs[at];
  const last = jobs.at(-1);
  let title: string | undefined;
  if (running?.now.state === 'running') {
    const { done, total } = running.now.progress ?? { done: 0, total: 0 };
    const share = total > 0 ? Math.floor((100 * done) / total) : 0;
    const place = jobs.length > 1 ? ` (${at + 1} of ${jobs.length})` : '';
    title = `${share} % of ${running.task.prepared.order.fileName}${place}`;
  } else if (last?.now.state === 'finished') {
    title = jobs.length > 1 ? 'Converted' : `${last.task.prepared.order.fileName} is saved`;
  }
  const had = useRef(false);
  useEffect(() => {
    if (title !== undefined) document.title = title;
    else if (had.current && active) document.title = usual;
    had.current = title !== undefined;
  }, [title, usual, active]);
}

const ONE_DIALOG = 'The browser opens one file dialog for each click: press again for the next image.';

const sourceName = ({ look, order }: Image): string =>
  (look.state === 'known' ? look.report.name : order.files[0]?.file.name) ?? 'file';

/** Why an image cannot be converted, in a few words. */
function obstacleOf(image: Image): string {
  const name = sourceName(image);
  if (image.look.state !== 'known') return `${name} cannot be read.`;
  const { missing, locked } = image.look.report;
  const [file] = missing;
  if (file) return `${name} needs ${file.name}.`;
  if (locked.length > 0) return `${name} is locked.`;
  return `${name} cannot be converted.`;
}

/** The way on for an image that lacks something: its button, else the one that removes it. */
function focusImage(id: string): void {
  const card = document.querySelector(`[data-image="${CSS.escape(id)}"]`);
  const way =
    card?.querySelector<HTMLElement>('input[type="password"], .problem button') ?? card?.querySelector('button');
  const options: FocusOptions & { focusVisible: boolean } = { preventScroll: true, focusVisible: true };
  way?.focus(options);
  card?.scrollIntoView({ block: 'center' });
}

const plain = (files: readonly File[]): readonly SuppliedFile[] => files.map((file) => ({ file }));

export default function ConvertPage({ client, active, arrived, title, onFiles, onLook }: Props) {
  const { images, take, add, unlock, set, rename, remove, putBack } = useImages(client);
  const [target, dispatch] = useReducer(reduceTarget, initialTarget);
  const queue = useConversions(client);
  const { jobs } = queue;
  const converter = useConverter(client, images.length > 0);

  const taken = useRef<string>(undefined);
  useEffect(() => {
    if (!arrived || taken.current === arrived.id) return;
    taken.current = arrived.id;
    take(arrived.files);
  }, [arrived, take]);

  function change(action: TargetAction) {
    dispatch(action);
    const next = reduceTarget(target, action).form.line.format;
    if (next !== target.form.line.format) rename((name) => withEnding(name, next));
  }

  const { format, texts } = target.form.line;
  const compress = compresses(target);
  const sources = images.flatMap(({ order }) => order.files.map(({ file }) => file.name));
  const rows = images.map((image) => {
    const report = usableReport(image);
    const snapshot = report?.snapshots.find(({ id }) => id === image.snapshot);
    const proposed = proposedName({
      source: sourceName(image),
      format,
      compress,
      snapshot: snapshot && (snapshot.name || snapshot.id),
      taken: sources,
    });
    return { image, report, snapshot, name: image.name ?? proposed };
  });
  const ready = rows.flatMap(({ report, ...row }) => (report ? [{ ...row, report }] : []));
  const largest = Math.max(0, ...ready.map(({ report }) => report.virtualSize ?? 0));
  const reading = readTarget(target, largest, ready.length === 1 ? ready[0]?.name : undefined);

  // The image itself may rest on it already.
  const [chosen, setChosen] = useState<readonly SuppliedFile[]>([]);
  const base = texts['backing_file'];
  const backingOf = (image: Image): readonly SuppliedFile[] =>
    base === undefined ? [] : chosen.length > 0 ? chosen : (backingFrom(image, base) ?? []);

  const orders = ready.map(({ image, snapshot, name }): Question => {
    const order: ConvertOrder = {
      sources: [image.order],
      ...(snapshot ? { snapshot: { id: snapshot.id, name: snapshot.name } } : {}),
      format,
      texts,
      ...(compress ? { compress: { level: target.level } } : {}),
      ...(base === undefined ? {} : { backing: backingOf(image) }),
      fileName: savedName(name),
      ...(target.sink === undefined ? {} : { sink: target.sink }),
    };
    return { id: image.id, order };
  });
  const sound = reading.problems.length === 0 && reading.compress === undefined;
  // Only what differs asks again.
  const questionKey = JSON.stringify(sound ? orders : []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says all that the orders hold, files aside (their ids).
  const questions = useMemo(() => (sound ? orders : []), [questionKey]);
  const answers = useForecasts(converter, questions);

  const expected: Expected[] = ready.map(({ image, report, name }) => ({
    id: image.id,
    name,
    from: report.length + report.below.reduce((sum, one) => sum + one.length, 0),
    ...(sound ? answers[image.id] : {}),
  }));

  const troubles: Trouble[] = [];
  for (const { image, report, name } of rows) {
    const others = rows.filter((row) => row.image !== image).map((row) => savedName(row.name));
    const wrong = report && nameTrouble(name, sources, others);
    if (image.look.state === 'looking') continue;
    if (!report) troubles.push({ message: obstacleOf(image), spot: { image: image.id } });
    else if (wrong) troubles.push({ message: wrong, spot: { option: `name-${image.id}` } });
  }
  for (const { message, spot } of reading.problems) troubles.push({ message, spot });
  if (reading.compress) troubles.push({ message: reading.compress.message, spot: { option: 'compress' } });
  for (const { name, error, forecast } of expected) {
    if (error)
      troubles.push({
        message: `${name}: ${error.message}`,
        spot: error.option === undefined ? undefined : { option: error.option },
      });
    else if (forecast?.refused !== undefined) troubles.push({ message: forecast.refused, spot: undefined });
  }
  const waiting =
    images.some(({ look }) => look.state === 'looking') ||
    (sound && expected.some(({ forecast, error }) => !forecast && !error));

  function settle({ spot }: Trouble) {
    if (spot === undefined) return;
    if (typeof spot === 'string' || 'option' in spot) focusSpot(spot);
    else focusImage(spot.image);
  }

  const [refusal, setRefusal] = useState<string>();
  const list = useRef<HTMLUListElement>(null);
  const started = useRef<string>(undefined);
  // The focus goes along to the job, so that Escape stops it.
  useEffect(() => {
    if (started.current === undefined) return;
    const card = list.current?.querySelector<HTMLElement>(`[data-job="${CSS.escape(started.current)}"] button`);
    if (!card) return;
    started.current = undefined;
    card.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  });

  // While a picker is open, the button under it does nothing.
  const choosing = useRef(false);
  async function go() {
    if (choosing.current) return;
    choosing.current = true;
    await prepareAll().finally(() => {
      choosing.current = false;
    });
  }

  async function prepareAll() {
    if (!converter) return;
    setRefusal(undefined);
    for (const [index, { image, name }] of ready.entries()) {
      const order = orders[index]?.order;
      const forecast = answers[image.id]?.forecast;
      if (!order || !forecast) continue;
      const way = forecast.ways.find((one) => one.sink === target.sink) ?? forecast.ways[0];
      try {
        const prepared = await converter.prepare(order, forecast, way);
        const id = `job ${image.id} ${name} ${performance.now()}`;
        started.current ??= id;
        queue.add(id, { prepared, image, forecast, target, source: sourceName(image) });
        remove([image.id]);
      } catch (error) {
        // A picker that was closed, or that opens only once a click: the rest waits for another one.
        const cancelled = error instanceof DiskwrightError && error.kind === 'cancelled';
        const words = error instanceof Error ? error.message : String(error);
        setRefusal(cancelled ? undefined : index > 0 && way?.sink === 'picked' ? ONE_DIALOG : words);
        return;
      }
    }
  }

  const running = jobs.some(({ now }) => now.state === 'running' || now.state === 'waiting');
  useLeaveWarning(running);
  useWakeLock(running);
  useTitle(jobs, title, active);

  function again(job: ConversionJob) {
    queue.remove(job.id);
    putBack(job.task.image);
  }

  const blocked = troubles[0];
  const canGo = ready.length > 0;
  useEffect(() => {
    if (!active || !canGo) return;
    function press(event: KeyboardEvent) {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.repeat) return;
      event.preventDefault();
      if (blocked) settle(blocked);
      else if (!waiting) void go();
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  });

  if (images.length === 0 && jobs.length === 0) return <EmptyState onFiles={(files) => onFiles(plain(files))} />;

  const conversions = ready.map(
    ({ image, report, snapshot, name }): Conversion => ({
      source: image.order.files.length > 0 ? report.name : name,
      sourceFormat: report.format,
      format,
      texts,
      compress,
      snapshot,
      snapshots: report.snapshots,
      fileName: savedName(name),
    }),
  );

  return (
    <main className={`page page--convert${images.length === 0 ? ' page--jobs' : ''}`}>
      <div className="stack">
        <h1 className="sr">Convert disk images</h1>
        {jobs.length > 0 && (
          <section aria-labelledby="convert-jobs">
            <h2 id="convert-jobs" className="sr">
              Conversions
            </h2>
            <ul className="tasks" ref={list}>
              {jobs.map((job, index) => (
                <JobCard
                  key={job.id}
                  job={job}
                  ahead={
                    jobs.slice(0, index).filter(({ now }) => now.state === 'running' || now.state === 'waiting').length
                  }
                  alone={jobs.length === 1 && images.length === 0}
                  onCancel={() => queue.cancel(job.id)}
                  onRemove={() => queue.remove(job.id)}
                  onAgain={() => again(job)}
                  onLook={onLook}
                />
              ))}
            </ul>
          </section>
        )}
        {images.length > 0 && (
          <section aria-labelledby="convert-images">
            <div className="list__head">
              <h2 id="convert-images">{images.length === 1 ? 'Image' : `${images.length} images`}</h2>
              <Chooser
                label={
                  <>
                    <PlusIcon />
                    Add images
                  </>
                }
                name="Images to convert"
                className="btn btn--sm"
                multiple
                onFiles={(files) => onFiles(plain(files))}
              />
            </div>
            <ul className="sources">
              {rows.map(({ image, report, name }) => (
                <ImageCard
                  key={image.id}
                  image={image}
                  fileName={name}
                  nameTrouble={
                    report &&
                    nameTrouble(
                      name,
                      sources,
                      rows.filter((row) => row.image !== image).map((row) => savedName(row.name)),
                    )
                  }
                  usable={report !== undefined}
                  onAdd={(files, as) =>
                    add(
                      image,
                      files.map((file) => ({ file, as })),
                    )
                  }
                  onUnlock={(locked, passphrase) => unlock(image, locked, passphrase)}
                  onName={(typed) => set(image.id, { name: typed })}
                  onSnapshot={(snapshot) => set(image.id, { snapshot })}
                  onRemove={() => remove([image.id])}
                />
              ))}
            </ul>
          </section>
        )}
        {images.length > 0 && (
          <TargetForm
            target={target}
            reading={reading}
            beside={{
              backing: (
                <BackingFiles
                  client={client}
                  name={base}
                  files={ready.flatMap(({ image }) => backingOf(image)).map(({ file }) => file.name)}
                  onFiles={setChosen}
                  onAction={(action) => change({ type: 'form', action })}
                />
              ),
            }}
            onAction={change}
          />
        )}
      </div>
      <aside className="side" aria-label="Result">
        <div className="side__scroll">
          {jobs.length > 1 && <QueuePanel jobs={jobs} onCancelAll={() => jobs.map(({ id }) => queue.cancel(id))} />}
          {images.length > 0 && (
            <>
              <ForecastPanel
                expected={expected}
                compress={compress}
                sink={target.sink}
                onSink={(sink) => dispatch({ type: 'sink', sink })}
              />
              {conversions.length > 0 && (
                <CommandsPanel
                  conversions={conversions}
                  level={compress && target.level !== USUAL_LEVEL ? target.level : undefined}
                />
              )}
            </>
          )}
          {images.length === 0 && (
            <section className="panel more" aria-labelledby="convert-more">
              <h2 id="convert-more">Convert others</h2>
              <p>{running ? 'They wait until these are done.' : 'Drop them on this page, or choose them.'}</p>
              <Chooser
                label="Choose images"
                name="Images to convert"
                multiple
                onFiles={(files) => onFiles(plain(files))}
              />
            </section>
          )}
        </div>
        {images.length > 0 && (
          <GoBar
            count={ready.length}
            fileName={ready[0] ? savedName(ready[0].name) : ''}
            queued={running}
            waiting={waiting}
            troubles={troubles}
            refusal={refusal}
            expected={expected}
            onGo={() => void go()}
            onSettle={settle}
          />
        )}
      </aside>
    </main>
  );
}
