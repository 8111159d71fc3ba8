/** Convert: images in, what they are to become, the forecast, the queue. Loaded when one goes there; then it stays. */
import { useEffect, useMemo, useReducer, useRef, useState } from 'react';
import type { EngineClient } from '../../worker/engine-client.ts';
import type { OpenOrder, SuppliedFile } from '../../worker/open/protocol.ts';
import { encryptingOf } from '../create/passphrase-part.tsx';
import { useLeaveWarning, useWakeLock } from '../job/use-leaving.ts';
import { Chooser } from '../open/chooser.tsx';
import { BackingFiles, backingFrom } from './backing-files.tsx';
import { CommandsPanel } from './commands-panel.tsx';
import './convert.css';
import { EmptyState } from './empty-state.tsx';
import { withEnding } from './file-names.ts';
import { focusTrouble } from './focus-trouble.ts';
import { type Expected, ForecastPanel } from './forecast-panel.tsx';
import { GoBar } from './go-bar.tsx';
import { ImageList } from './image-list.tsx';
import { JobList } from './job-list.tsx';
import { NewPassphrase } from './new-passphrase.tsx';
import { type Busy, commandOf, fileNames, lengthOf, planOf, troublesOf } from './plan.ts';
import { QueuePanel } from './queue-panel.tsx';
import { TargetForm } from './target-form.tsx';
import { initialTarget, reduceTarget, type TargetAction, USUAL_LEVEL } from './target-state.ts';
import { type ConversionJob, useConversions } from './use-conversions.ts';
import { useConverter } from './use-converter.ts';
import { keyOf, useForecasts } from './use-forecasts.ts';
import { type Image, useImages } from './use-images.ts';
import { useStart } from './use-start.ts';
import { useTitle } from './use-title.ts';

interface Props {
  readonly client: EngineClient;
  /** It is the place one is in. */
  readonly active: boolean;
  /** Files that came from outside: dropped, pasted, from Open. */
  readonly arrived: OpenOrder | undefined;
  /** Of the window, while there is nothing to tell. */
  readonly title: string;
  readonly onFiles: (files: readonly SuppliedFile[]) => void;
  /** Hands a result to Open. */
  readonly onLook: (files: readonly File[]) => void;
}

/** Ctrl+Enter anywhere on the page. */
function useGoKey(press: (() => void) | undefined): void {
  useEffect(() => {
    if (!press) return;
    function listen(event: KeyboardEvent) {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.repeat) return;
      event.preventDefault();
      press?.();
    }
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, [press]);
}

const isActive = ({ now }: ConversionJob): boolean => now.state === 'running' || now.state === 'waiting';

/** What the conversions read and make that are not at an end. */
function busyWith(jobs: readonly ConversionJob[]): Busy {
  const orders = jobs.filter(isActive).map(({ task }) => task.prepared.order);
  return {
    read: orders.flatMap(({ sources, backing = [] }) =>
      fileNames([...sources.flatMap(({ files }) => files), ...backing]),
    ),
    made: orders.map(({ fileName }) => fileName),
  };
}

function MoreImages({ running, onFiles }: { readonly running: boolean } & Pick<Props, 'onFiles'>) {
  return (
    <section className="panel more" aria-labelledby="convert-more">
      <h2 id="convert-more" className="more__title">
        Convert others
      </h2>
      <p>{running ? 'They wait until these are done.' : 'Drop them on this page, or choose them.'}</p>
      <Chooser
        label="Choose images"
        name="Images to convert"
        multiple
        onFiles={(files) => onFiles(files.map((file) => ({ file })))}
      />
    </section>
  );
}

export default function ConvertPage({ client, active, arrived, title, onFiles, onLook }: Props) {
  const sources = useImages(client);
  const { images, take, rename } = sources;
  const [target, dispatch] = useReducer(reduceTarget, initialTarget);
  const queue = useConversions(client);
  const { jobs } = queue;
  const { converter, failure } = useConverter(client, images.length > 0);
  const { go, refusal, fresh } = useStart({ converter, target, queue, images: sources });

  const taken = useRef<string>(undefined);
  useEffect(() => {
    if (!arrived || taken.current === arrived.id) return;
    taken.current = arrived.id;
    take(arrived.files);
  }, [arrived, take]);

  function change(action: TargetAction) {
    dispatch(action);
    const { format } = reduceTarget(target, action).form.line;
    if (format !== target.form.line.format) rename((name) => withEnding(name, format));
  }

  const [chosen, setChosen] = useState<readonly SuppliedFile[]>([]);
  const base = target.form.line.texts['backing_file'];
  // The image itself may rest on it already.
  const backingOf = (image: Image): readonly SuppliedFile[] | undefined =>
    base === undefined ? undefined : chosen.length > 0 ? chosen : (backingFrom(image, base) ?? []);
  const [passphrase, setPassphrase] = useState('');
  // Nothing is left that it could be for.
  if (passphrase !== '' && images.length === 0) setPassphrase('');
  const encrypting = encryptingOf(target.form.line.format, target.form.line.texts) !== undefined;
  const plan = planOf(images, target, backingOf, passphrase, busyWith(jobs));
  const { rows, ready, reading, compress, sound } = plan;

  // Only what differs asks again.
  const key = sound ? ready.map(({ image, order }) => `${image.id} ${keyOf(order)}`).join('\n') : '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key holds all that a forecast depends on.
  const questions = useMemo(() => (sound ? ready.map(({ image, order }) => ({ id: image.id, order })) : []), [key]);
  const answers = useForecasts(converter, questions);
  const expected: Expected[] = ready.map(({ image, report, name }) => ({
    id: image.id,
    name,
    from: lengthOf(report),
    ...(sound ? answers[image.id] : {}),
  }));

  const troubles = troublesOf(plan, expected);
  const [trouble] = troubles;
  const waiting =
    images.some(({ look }) => look.state === 'looking') ||
    (sound && expected.some(({ forecast, error }) => !forecast && !error));
  function press() {
    if (trouble) focusTrouble(trouble);
    else if (!waiting) go(ready, (id) => answers[id]?.forecast);
  }
  useGoKey(active && images.length > 0 ? press : undefined);

  const running = jobs.some(isActive);
  useLeaveWarning(running);
  useWakeLock(running);
  useTitle(jobs, title, active);

  function again({ id, task }: ConversionJob) {
    queue.remove(id);
    sources.putBack(task.image);
  }

  const idle = images.length === 0;
  if (idle && jobs.length === 0) return <EmptyState onFiles={(files) => onFiles(files.map((file) => ({ file })))} />;
  return (
    <main className={idle ? 'page page--convert page--jobs' : 'page page--convert'}>
      <div className="stack">
        <h1 className="sr">Convert disk images</h1>
        {jobs.length > 0 && <JobList queue={queue} alone={idle} fresh={fresh} onAgain={again} onLook={onLook} />}
        {!idle && (
          <>
            <ImageList rows={rows} images={sources} onFiles={onFiles} />
            <TargetForm
              target={target}
              reading={reading}
              beside={{
                encryption: encrypting && <NewPassphrase value={passphrase} onChange={setPassphrase} />,
                backing: (
                  <BackingFiles
                    client={client}
                    name={base}
                    files={[...new Set(ready.flatMap(({ order }) => order.backing ?? []))].map(({ file }) => file.name)}
                    onFiles={setChosen}
                    onAction={(action) => change({ type: 'form', action })}
                  />
                ),
              }}
              onAction={change}
            />
          </>
        )}
      </div>
      <aside className="side" aria-label="Result">
        <div className="side__scroll">
          {jobs.length > 1 && (
            <QueuePanel
              jobs={jobs}
              onCancelAll={() => {
                for (const { id } of jobs.toReversed()) queue.cancel(id);
              }}
            />
          )}
          {idle && <MoreImages running={running} onFiles={onFiles} />}
          {!idle && (
            <ForecastPanel
              expected={expected}
              compress={compress}
              sink={target.sink}
              onSink={(sink) => dispatch({ type: 'sink', sink })}
            />
          )}
          {ready.length > 0 && (
            <CommandsPanel
              conversions={ready.map(commandOf)}
              level={compress && target.level !== USUAL_LEVEL ? target.level : undefined}
            />
          )}
        </div>
        {!idle && (
          <GoBar
            count={ready.length}
            fileName={ready[0]?.order.fileName ?? ''}
            queued={running}
            waiting={waiting}
            troubles={troubles}
            refusal={failure ?? refusal}
            expected={expected}
            onPress={press}
          />
        )}
      </aside>
    </main>
  );
}
