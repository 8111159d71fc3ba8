/** Carries a change out in memory, in slices, and keeps the result for the save that follows. */
import { DiskwrightError } from '../../engine/errors.ts';
import { type CarriedOut, carryOutInPlace, carryOutRewriting } from '../../jobs/change/carry-out.ts';
import type { RewriteStep } from '../../jobs/change/rewrite.ts';
import { ReadAhead } from '../convert/read-ahead.ts';
import { unlessCancelled } from '../convert/run-steps.ts';
import { whenClosed } from '../open/current-session.ts';
import { troubleOf } from '../open/layers.ts';
import type { OpenOrder } from '../open/protocol.ts';
import type { Session } from '../open/session.ts';
import type { ProgressMeter } from '../progress-meter.ts';
import { cancelled } from '../protocol.ts';
import { nextTurn } from '../pump.ts';
import type { Change, ChangeKind, ChangePlan } from './protocol.ts';
import { openInPlace, openToRewrite } from './subject.ts';

const SLICE_MS = 16;

const PHASES: Readonly<Record<ChangeKind, string>> = {
  repair: 'Checking and repairing',
  resize: 'Resizing',
  'snapshot-create': 'Making the snapshot',
  'snapshot-apply': 'Going back to the snapshot',
  'snapshot-delete': 'Deleting the snapshot',
  'snapshot-extract': 'Looking through the data',
  amend: 'Changing the options',
  rebase: 'Comparing the backing images',
  flatten: 'Looking through the data',
  compact: 'Looking through the data',
};

interface Around {
  readonly ahead?: ReadAhead | undefined;
  readonly meter: ProgressMeter;
  readonly signal: AbortSignal;
}

async function run<T>(steps: Generator<RewriteStep, T>, { ahead, meter, signal }: Around): Promise<T> {
  let sliceEnds = performance.now() + SLICE_MS;
  // Work that is left is dropped with the overlay under it: putting that in order would only take time.
  for (;;) {
    if (signal.aborted) throw cancelled();
    const step = steps.next();
    if (step.done) return step.value;
    const { done, total, next } = step.value;
    meter.update(done, total);
    const coming = next && ahead?.need(next.at, next.length);
    if (coming) await unlessCancelled(coming, signal);
    if (performance.now() < sliceEnds) continue;
    await nextTurn();
    sliceEnds = performance.now() + SLICE_MS;
  }
}

async function carryOut(
  session: Session,
  order: OpenOrder,
  change: Change,
  meter: ProgressMeter,
  signal: AbortSignal,
): Promise<CarriedOut & { close(): Promise<void> }> {
  meter.begin(PHASES[change.kind], session.name, 0, 1);
  if (change.kind === 'compact' || change.kind === 'flatten' || change.kind === 'snapshot-extract') {
    const { subject, close } = await openToRewrite(session, order, change);
    const ahead = new ReadAhead([subject.source]);
    try {
      const done = await run(carryOutRewriting(subject, change), { ahead, meter, signal });
      return { ...done, close };
    } catch (error) {
      await close();
      throw error;
    } finally {
      ahead.close();
    }
  }
  const { subject, close } = await openInPlace(session, order, change, signal);
  try {
    const done = await run(carryOutInPlace(subject, change), { meter, signal });
    return { ...done, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Kept {
  readonly key: string;
  readonly done: CarriedOut & { close(): Promise<void> };
}

let kept: Kept | undefined;

whenClosed(() => {
  forget().catch(() => {});
});

const fileKey = ({ name, size, lastModified }: File): string => `${name}/${size}/${lastModified}`;

/** The same order and change have the same key. */
function keyOf(order: OpenOrder, change: Change): string {
  const files = change.kind === 'rebase' ? (change.files ?? []) : [];
  const named = files.map(({ file, as }) => [fileKey(file), as ?? '']);
  return JSON.stringify([order.id, { ...change, files: named }]);
}

export async function forget(): Promise<void> {
  const old = kept;
  kept = undefined;
  await old?.done.close();
}

/** What was carried out, as it was planned last or anew. Throws what refuses it. */
export async function carriedOut(
  session: Session,
  order: OpenOrder,
  change: Change,
  meter: ProgressMeter,
  signal: AbortSignal,
): Promise<CarriedOut> {
  const key = keyOf(order, change);
  if (kept?.key === key) return kept.done;
  // Two results at once would be twice the memory.
  await forget();
  const done = await carryOut(session, order, change, meter, signal);
  if (signal.aborted) {
    await done.close();
    throw cancelled();
  }
  await forget();
  kept = { key, done };
  return done;
}

export async function plan(
  session: Session,
  order: OpenOrder,
  change: Change,
  meter: ProgressMeter,
  signal: AbortSignal,
): Promise<ChangePlan> {
  try {
    return (await carriedOut(session, order, change, meter, signal)).planned;
  } catch (error) {
    if (signal.aborted || !(error instanceof DiskwrightError) || error.kind === 'cancelled') throw error;
    return { refused: troubleOf(error) };
  }
}
