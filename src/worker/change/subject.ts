/** Opens an image for a change: as much of it and of what it rests on as the change looks at. */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { FormatDriver, FormatEditor } from '../../engine/image/format.ts';
import type { ChangeSubject, SubjectInPlace, SubjectToRewrite } from '../../jobs/change/carry-out.ts';
import type { ChangeInPlace, Rewriting } from '../../jobs/change/change.ts';
import { PrefetchedFile } from '../../platform/browser/prefetched-file.ts';
import type { OpenOrder, SuppliedFile } from '../open/protocol.ts';
import { Session } from '../open/session.ts';
import { findSupplied } from '../open/supplied.ts';
import { proposedName } from './names.ts';
import type { Change } from './protocol.ts';

/** Tables and headers of a result that may be in memory at once. */
const MOST_OWN = 192 * 1024 * 1024;

export interface Opened<Subject> {
  readonly subject: Subject;
  /** What was opened for this change alone. */
  close(): Promise<void>;
}

async function editorFor(format: string): Promise<{ driver: FormatDriver; editor: FormatEditor }> {
  const driver = await findFormat(format)?.load();
  const editor = await driver?.editor?.();
  if (driver && editor) return { driver, editor };
  throw new DiskwrightError('unsupported', `Images of the format ${format} cannot be changed here so far.`);
}

function dataDevice(order: OpenOrder, { top, ...session }: Pick<Session, 'top'> & { open: Session['device'] }) {
  const name = top.driver.dataFile?.(top.device);
  if (name === undefined) return undefined;
  const supplied = findSupplied(order.files, new Set([top.supplied.file]), name);
  if (supplied) return session.open(supplied);
  throw new DiskwrightError('io', `The guest's data is in ${name}, which is not here.`, {
    fix: 'Give that file, too.',
  });
}

/** A repair looks at nothing but the image; it must not need what else there is. */
async function commonSubject(session: Session, order: OpenOrder, change: Change): Promise<ChangeSubject> {
  const { top } = session;
  if (session.wrapping) throw new DiskwrightError('unsupported', `${top.name} is no disk image.`);
  const { driver, editor } = await editorFor(top.spec.name);
  const open = (supplied: SuppliedFile): ReadableDevice => session.device(supplied);
  const data = change.kind === 'repair' ? undefined : dataDevice(order, { top, open });
  const milliseconds = Date.now();
  const { cipher } = session.layers;
  return {
    ...(cipher ? { settings: { cipher } } : {}),
    name: session.name,
    format: top.spec.name,
    driver,
    editor,
    base: session.again(),
    data,
    resultName: proposedName(session.name, change),
    now: { seconds: Math.floor(milliseconds / 1000), nanoseconds: (milliseconds % 1000) * 1_000_000 },
    mostOwn: MOST_OWN,
  };
}

/** A session is open for long, and each device holds buffers. */
function giveBack(session: Session, { base, data }: ChangeSubject): void {
  session.release(base);
  if (data) session.release(data);
}

/** Whether the change looks at what the image rests on. */
const looksBelow = (change: ChangeInPlace): boolean =>
  change.kind === 'resize' ||
  (change.kind === 'amend' && change.compat === '0.10') ||
  (change.kind === 'rebase' && change.mode === 'safe');

const sameFile = (a: File, b: File): boolean =>
  a === b || (a.name === b.name && a.size === b.size && a.lastModified === b.lastModified);

interface Fresh {
  readonly fresh?: Chain;
  readonly above?: number;
  readonly session?: Session;
}

/** Opens an image with what it rests on, which is looked for among the others by the names that it is called. */
async function openWithOthers(
  first: SuppliedFile,
  others: readonly SuppliedFile[],
  signal: AbortSignal,
): Promise<Session> {
  const files = [first];
  for (;;) {
    const session = await Session.open({ id: 'new backing image', files }, () => {}, signal, {
      makeDevice: (file) => new PrefetchedFile(file),
    });
    const used = new Set(files.map(({ file }) => file));
    const found = session.layers.missing
      .map(({ name }) => ({ name, supplied: findSupplied(others, used, name) }))
      .find(({ supplied }) => supplied);
    if (!found?.supplied) return session;
    files.push({ ...found.supplied, as: found.name });
    await session.close();
  }
}

/** The new backing image of a safe rebase: one that the image rests on already, or another one. */
async function openFresh(session: Session, order: OpenOrder, change: Change, signal: AbortSignal): Promise<Fresh> {
  if (change.kind !== 'rebase' || change.mode !== 'safe' || !change.backing) return {};
  const { name, format } = change.backing;
  const [own, ...below] = session.layers.sources;
  const given = change.files ?? [];
  const none: ReadonlySet<File> = new Set();
  const first =
    findSupplied(given, none, name) ??
    given[0] ??
    findSupplied(order.files, own ? new Set([own.supplied.file]) : none, name);
  if (!first) {
    throw new DiskwrightError('io', `The new backing image ${name} is not here.`, {
      fix: 'Give its file, or change only the name.',
    });
  }
  if (own && sameFile(first.file, own.supplied.file)) {
    throw new DiskwrightError('invalid-option', 'The new backing image is the image itself.');
  }
  const above = below.findIndex(({ supplied }) => sameFile(supplied.file, first.file));
  const { chain } = session;
  if (above >= 0) {
    const [nearest, ...rest] = chain.slice(above + 1);
    return nearest ? { fresh: [nearest, ...rest], above } : {};
  }
  const others = [...given, ...order.files].filter(({ file }) => !own || !sameFile(file, own.supplied.file));
  const opened = await openWithOthers(first, others, signal);
  try {
    const { top } = opened;
    if (top.spec.name !== format) {
      throw new DiskwrightError('invalid-option', `${top.name} is ${top.spec.label}, not ${format}.`, {
        fix: `Say that its format is ${top.spec.name}.`,
      });
    }
    return { fresh: opened.chain, session: opened };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

export async function openInPlace(
  session: Session,
  order: OpenOrder,
  change: Extract<Change, ChangeInPlace>,
  signal: AbortSignal,
): Promise<Opened<SubjectInPlace>> {
  const common = await commonSubject(session, order, change);
  const { driver, base } = common;
  const rests = change.kind !== 'repair' && driver.backing?.(base)?.name;
  const [, nearest, ...rest] = rests && looksBelow(change) ? session.chain : [];
  const opened = await openFresh(session, order, change, signal).catch((error: unknown) => {
    giveBack(session, common);
    throw error;
  });
  const { session: own, ...fresh } = opened;
  return {
    subject: { ...common, ...fresh, ...(nearest ? { backing: [nearest, ...rest] } : {}) },
    async close() {
      giveBack(session, common);
      await own?.close();
    },
  };
}

export async function openToRewrite(
  session: Session,
  order: OpenOrder,
  change: Rewriting,
): Promise<Opened<SubjectToRewrite>> {
  const common = await commonSubject(session, order, change);
  const { driver: newDriver, editor: newEditor } = await editorFor(
    change.kind === 'compact' ? common.format : change.format,
  );
  const { chain, layers } = session;
  const [top, ...below] = chain;
  const { driver, data } = common;
  const again = change.kind === 'snapshot-extract' ? session.again() : undefined;
  const image =
    change.kind === 'snapshot-extract' && again
      ? driver.open?.({ image: again, data }, { snapshot: { ...change.snapshot } })
      : top;
  if (!image) throw new DiskwrightError('unsupported', 'Images of this format have no snapshots.');
  const clusterSizes = layers.sources.map((one) => one.driver.describe?.(one.device).clusterSize);
  return {
    subject: { ...common, source: { chain: [image, ...below], clusterSizes }, newDriver, newEditor },
    async close() {
      giveBack(session, common);
      if (again) session.release(again);
    },
  };
}
