/** What the images and the target together mean: the new names, the orders, and everything that stands in the way. */
import type { SnapshotFacts } from '../../engine/image/description.ts';
import { savedName } from '../../platform/browser/deliver/saved-name.ts';
import type { ConvertOrder } from '../../worker/convert/protocol.ts';
import type { OpenReport, SuppliedFile } from '../../worker/open/protocol.ts';
import { encryptingOf } from '../create/passphrase-part.tsx';
import type { FormProblem } from '../create/reading.ts';
import type { Conversion } from './commands.ts';
import { nameTrouble, proposedName } from './file-names.ts';
import type { Expected } from './forecast-panel.tsx';
import { readTarget, type TargetReading } from './target-reading.ts';
import { compresses, type TargetState } from './target-state.ts';
import { type Image, usableReport } from './use-images.ts';

/** What stands in the way, and where it is settled: at an option, or at an image. */
export interface Trouble {
  readonly message: string;
  readonly spot: FormProblem['spot'] | { readonly image: string } | undefined;
}

export interface Row {
  readonly image: Image;
  /** Of one that can be converted. */
  readonly report: OpenReport | undefined;
  readonly snapshot: SnapshotFacts | undefined;
  /** Of the new file: typed or proposed. */
  readonly name: string;
  readonly nameTrouble: string | undefined;
}

export interface ReadyRow extends Row {
  readonly report: OpenReport;
  readonly order: ConvertOrder;
}

export interface Plan {
  readonly rows: readonly Row[];
  readonly ready: readonly ReadyRow[];
  readonly reading: TargetReading;
  readonly compress: boolean;
  /** Nothing is wrong with the target. */
  readonly sound: boolean;
}

export const sourceName = ({ look, order }: Image): string =>
  (look.state === 'known' ? look.report.name : order.files[0]?.file.name) ?? 'file';

/** Names that are in use while something runs. */
export interface Busy {
  /** Files that are read. */
  readonly read: readonly string[];
  /** Files that are made. */
  readonly made: readonly string[];
}

export const fileNames = (files: readonly SuppliedFile[]): readonly string[] => files.map(({ file }) => file.name);

function namedRows(
  images: readonly Image[],
  format: string,
  compress: boolean,
  sources: readonly string[],
  made: readonly string[],
): Row[] {
  const rows = images.map((image) => {
    const report = usableReport(image);
    const snapshot = report?.snapshots.find(({ id }) => id === image.snapshot);
    const shown = snapshot && (snapshot.name || snapshot.id);
    const proposed = proposedName({ source: sourceName(image), format, compress, snapshot: shown, taken: sources });
    return { image, report, snapshot, name: image.name ?? proposed };
  });
  return rows.map((row) => {
    const beside = rows.filter((other) => other !== row && other.report).map((other) => savedName(other.name));
    const others = [...beside, ...made];
    return { ...row, nameTrouble: row.report && nameTrouble(row.name, sources, others) };
  });
}

/** `backingOf`: the files of the image that the new one rests on, if it does. `passphrase`: of one that is encrypted. */
export function planOf(
  images: readonly Image[],
  target: TargetState,
  backingOf: (image: Image) => readonly SuppliedFile[] | undefined,
  passphrase: string,
  busy: Busy,
): Plan {
  const { format, texts } = target.form.line;
  const compress = compresses(target);
  const encrypting = encryptingOf(format, texts) !== undefined;
  // Whatever is read must not be picked as the place to save: it would be emptied.
  const read = [
    ...busy.read,
    ...images.flatMap((image) => [...fileNames(image.order.files), ...fileNames(backingOf(image) ?? [])]),
  ];
  const rows = namedRows(images, format, compress, read, busy.made);
  const ready = rows.flatMap((row): ReadyRow[] => {
    const { image, report, snapshot, name } = row;
    if (!report) return [];
    const backing = backingOf(image);
    const order: ConvertOrder = {
      sources: [image.order],
      ...(snapshot ? { snapshot: { id: snapshot.id, name: snapshot.name } } : {}),
      format,
      texts,
      ...(compress ? { compress: { level: target.level } } : {}),
      ...(backing ? { backing } : {}),
      ...(encrypting ? { passphrase: new TextEncoder().encode(passphrase) } : {}),
      fileName: savedName(name),
    };
    return [{ ...row, report, order }];
  });
  const largest = Math.max(0, ...ready.map(({ report }) => report.virtualSize ?? 0));
  const reading = readTarget(target, largest, ready.length === 1 ? ready[0]?.name : undefined);
  const problems = [...reading.problems];
  if (encrypting && passphrase === '') {
    problems.push({ spot: { option: 'passphrase' }, message: 'The new image needs a passphrase.', fixes: [] });
  }
  const data = texts['data_file'];
  const wrong = data && nameTrouble(data, read, busy.made);
  if (wrong) {
    const unset = { type: 'set', texts: { data_file: null, data_file_raw: null } } as const;
    const fixes = [{ label: 'Remove the data file', action: unset }];
    problems.push({ spot: { option: 'data_file' }, message: wrong, fixes });
  }
  const sound = problems.length === 0 && reading.compress === undefined;
  return { rows, ready, reading: { ...reading, problems }, compress, sound };
}

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

export function troublesOf({ rows, reading }: Plan, expected: readonly Expected[]): readonly Trouble[] {
  const troubles: Trouble[] = [];
  for (const { image, report, nameTrouble: wrong } of rows) {
    if (image.look.state === 'looking') continue;
    if (!report) troubles.push({ message: obstacleOf(image), spot: { image: image.id } });
    else if (wrong !== undefined) troubles.push({ message: wrong, spot: { option: `name-${image.id}` } });
  }
  for (const { message, spot } of reading.problems) troubles.push({ message, spot });
  if (reading.compress) troubles.push({ message: reading.compress.message, spot: { option: 'compress' } });
  for (const { name, error, forecast } of expected) {
    const spot = error?.option === undefined ? undefined : { option: error.option };
    if (error) troubles.push({ message: `${name}: ${error.message}`, spot });
    else if (forecast?.refused !== undefined) troubles.push({ message: forecast.refused, spot });
  }
  return troubles;
}

/** The same as a command line. */
export const commandOf = ({ report, order, snapshot }: ReadyRow): Conversion => ({
  source: report.name,
  sourceFormat: report.format,
  format: order.format,
  texts: order.texts,
  compress: order.compress !== undefined,
  snapshot,
  snapshots: report.snapshots,
  fileName: order.fileName,
});

/** Length of all files that are read. */
export const lengthOf = ({ length, below }: OpenReport): number =>
  length + below.reduce((sum, one) => sum + one.length, 0);
