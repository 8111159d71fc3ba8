/** Answers what the page asks of an open image. One image is open at a time; another order closes it. */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { locateInChain, readGuest } from '../../engine/image/access.ts';
import type { NamedField } from '../../engine/image/named-fields.ts';
import { partitionFields } from '../../engine/image/named-partitions.ts';
import type { CheckReport } from '../../engine/image/report.ts';
import { mapDisk } from '../../jobs/map.ts';
import { asOperation } from '../as-operation.ts';
import { ProgressMeter } from '../progress-meter.ts';
import type { Call, JobEvent } from '../protocol.ts';
import { pump } from '../pump.ts';
import { closeSession, sessionOf } from './current-session.ts';
import { extract } from './extract-job.ts';
import { troubleOf } from './layers.ts';
import type { Ask, AskAnswers, BytesReport, CellReport, DiskRun, MapSummary, Space } from './protocol.ts';
import { diskBytes, type Session } from './session.ts';

type Tell = (event: JobEvent) => void;
type InspectCall = Extract<Call, { name: 'inspect' }>;

/** Bytes of one answer of the hex view. */
const MOST_BYTES = 64 * 1024;
/** Cells of one picture. */
const MOST_CELLS = 1 << 20;

const noSteps = { write: () => {}, zeros: () => {} };

function summaryOf(session: Session): MapSummary {
  const { exploration } = session;
  const { kinds, guest, clusterSize, landmarks, notes } = exploration;
  return {
    clusterSize,
    fileClusters: kinds.length,
    guestClusters: guest.length,
    complete: session.mapped,
    fileCounts: kinds.counts(),
    guestCounts: guest.counts(),
    landmarks,
    notes,
  };
}

async function readMap(session: Session, meter: ProgressMeter, signal: AbortSignal): Promise<MapSummary> {
  if (session.mapped) return summaryOf(session);
  const { exploration } = session;
  meter.begin('Reading the tables', session.top.name, 0, 1);
  try {
    await pump(
      asOperation(exploration.steps),
      { ...noSteps, progress: ({ done, total }) => meter.update(done, total) },
      signal,
    );
  } catch (error) {
    session.forgetExploration();
    throw error;
  }
  session.mapped = true;
  return summaryOf(session);
}

const kindsOf = ({ exploration }: Session, space: Space) => (space === 'file' ? exploration.kinds : exploration.guest);

function cells(session: Session, ask: Extract<Ask, { kind: 'cells' }>): Uint8Array {
  return kindsOf(session, ask.space).cells(ask.first, Math.max(1, ask.perCell), Math.min(ask.count, MOST_CELLS));
}

async function cell(session: Session, ask: Extract<Ask, { kind: 'cell' }>, signal: AbortSignal): Promise<CellReport> {
  const { exploration } = session;
  const counts = kindsOf(session, ask.space).counts(ask.first, ask.count);
  if (ask.count !== 1) return { counts };
  const device = session.look;
  try {
    if (ask.space === 'file') {
      const steps = exploration.ownerOf(device, ask.first);
      const owner = await pump(asOperation(asCounted(steps)), { ...noSteps, progress: () => {} }, signal);
      return { counts, owner, refcount: exploration.countOf(device, ask.first) };
    }
    const at = ask.first * exploration.clusterSize;
    const entries = exploration.entriesFor(device, at);
    const { chain } = session.layers;
    if (!chain) return { counts, entries };
    const { extent, depth } = locateInChain(chain, at, Math.min(exploration.clusterSize, chain[0].virtualSize - at));
    const place = 'host' in extent && extent.host !== undefined ? { at: extent.host } : {};
    return { counts, entries, host: { ...place, depth, kind: extent.kind } };
  } catch (error) {
    return { counts, trouble: troubleOf(error) };
  }
}

function* asCounted<T>(steps: Generator<void, T>): Generator<undefined, T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    yield undefined;
  }
}

function diskRuns(session: Session, from: number, limit: number): DiskRun[] {
  const { chain } = session;
  const runs: DiskRun[] = [];
  if (from >= chain[0].virtualSize) return runs;
  for (const { start, length, depth, present, zero, data, offset } of mapDisk(chain, from, chain[0].virtualSize)) {
    runs.push({ start, length, depth, present, zero, data, ...(offset === undefined ? {} : { offset }) });
    if (runs.length >= limit) break;
  }
  return runs;
}

function fieldsAt(session: Session, device: ReadableDevice, at: number, length: number): readonly NamedField[] {
  if (session.canExplore) return session.exploration.fieldsIn(device, at, length);
  const inside = (field: NamedField): boolean => field.at < at + length && field.at + field.length > at;
  return session.headerFields?.(device).filter(inside) ?? [];
}

function bytes(session: Session, { space, at, length }: Extract<Ask, { kind: 'bytes' }>): BytesReport {
  const wanted = Math.min(length, MOST_BYTES);
  if (space === 'guest') {
    const { chain } = session;
    const there = new Uint8Array(Math.max(0, Math.min(wanted, chain[0].virtualSize - at)));
    try {
      readGuest(chain, at, there);
      return { bytes: there, fields: partitionFields(diskBytes(chain), at, there.length) };
    } catch (error) {
      return { bytes: new Uint8Array(0), fields: [], trouble: troubleOf(error) };
    }
  }
  const device = session.look;
  const there = new Uint8Array(Math.max(0, Math.min(wanted, device.size - at)));
  device.read(at, there);
  const fields = fieldsAt(session, device, at, there.length);
  return { bytes: there, fields, ...kindAt(session, at) };
}

function kindAt(session: Session, at: number): { readonly kind?: number } {
  if (!session.canExplore) return {};
  const { kinds, clusterSize } = session.exploration;
  return { kind: kinds.get(Math.floor(at / clusterSize)) };
}

async function check(session: Session, meter: ProgressMeter, signal: AbortSignal): Promise<CheckReport> {
  const { driver, name, spec } = session.top;
  const device = session.again();
  const steps = driver.check?.(device);
  if (!steps)
    throw new DiskwrightError('unsupported', `Images of the format ${spec.name} cannot be checked here so far.`);
  meter.begin('Checking', name, 0, 1);
  try {
    return await pump(
      asOperation(steps),
      { ...noSteps, progress: ({ done, total }) => meter.update(done, total) },
      signal,
    );
  } finally {
    device.close();
  }
}

export async function answerAbout(
  { order, ask, targets = [] }: InspectCall,
  tell: Tell,
  signal: AbortSignal,
): Promise<AskAnswers[keyof AskAnswers]> {
  const meter = new ProgressMeter((progress) => tell({ kind: 'progress', progress }));
  if (ask.kind === 'close') {
    closeSession(order);
    return undefined;
  }
  const session = await sessionOf(order, meter, signal);
  switch (ask.kind) {
    case 'open':
      return session.report();
    case 'map':
      return await readMap(session, meter, signal);
    case 'summary':
      return summaryOf(session);
    case 'cells':
      return cells(session, ask);
    case 'cell':
      return await cell(session, ask, signal);
    case 'runs':
      return session.exploration.kinds.runs(ask.first, Math.min(ask.limit, 1000));
    case 'disk-runs':
      return diskRuns(session, ask.from, Math.min(ask.limit, 1000));
    case 'find':
      return kindsOf(session, ask.space).find(ask.of, ask.from);
    case 'bytes':
      return bytes(session, ask);
    case 'check':
      return await check(session, meter, signal);
    case 'extract':
      return await extract(session, ask.extraction, targets, meter, tell, signal);
    case 'meter':
      return session.bytesRead;
  }
}
