/**
 * Carries a change out on an overlay and tells what became of the image: everything a person should know before the
 * result is saved. Nothing outside the overlay is written.
 */
import type { ReadableDevice } from '../../engine/device/device.ts';
import { OverlayDevice } from '../../engine/device/overlay.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { ImageDescription } from '../../engine/image/description.ts';
import type { FormatDriver, FormatEditor } from '../../engine/image/format.ts';
import type { RepairReport } from '../../engine/image/report.ts';
import type { Moment, OpenSettings } from '../../engine/image/writable.ts';
import type { Source } from '../convert/stretches.ts';
import type { ChangeCommands, ChangeFact, ChangeInPlace, Rewriting } from './change.ts';
import { commandsInPlace, commandsToRewrite } from './command-lines.ts';
import { factsOf, overlayFacts } from './facts.ts';
import { changeInPlace } from './in-place.ts';
import { bitmapsIn, makeNewImage, optionsOf, partOf } from './new-image.ts';
import type { RewriteFacts, RewriteStep } from './rewrite.ts';
import { refuseRewriting, warningsInPlace, warningsOfRewriting } from './warnings.ts';

/** An image that is to be changed, opened as far as the change needs. */
export interface ChangeSubject {
  readonly name: string;
  readonly format: string;
  readonly driver: FormatDriver;
  readonly editor: FormatEditor;
  readonly base: ReadableDevice;
  /** The guest's data where the image has it outside, and what the image calls it. */
  readonly data?: ReadableDevice | undefined;
  readonly settings?: OpenSettings;
  /** Name of the new file. */
  readonly resultName: string;
  readonly now: Moment;
  /** Bytes that may be kept in memory. */
  readonly mostOwn: number;
}

export interface SubjectInPlace extends ChangeSubject {
  /** What the image rests on, where the change looks at it. */
  readonly backing?: Chain | undefined;
  readonly fresh?: Chain | undefined;
  readonly above?: number | undefined;
}

export interface SubjectToRewrite extends ChangeSubject {
  /** The disk, as a snapshot holds it where one was chosen. */
  readonly source: Source;
  /** Of the new image's format. */
  readonly newDriver: FormatDriver;
  readonly newEditor: FormatEditor;
}

export interface PlannedChange {
  /** Proposed; the name that is given when it is saved is what counts. */
  readonly fileName: string;
  readonly before: { readonly length: number; readonly virtualSize?: number };
  /** `written`: bytes of the file that no hole saves; `changed`: that are not where they were in the old file. */
  readonly after: {
    readonly length: number;
    readonly written: number;
    readonly changed: number;
    readonly virtualSize?: number;
  };
  readonly facts: readonly ChangeFact[];
  /** What the person loses or should know before saving. */
  readonly warnings: readonly string[];
  readonly commands: ChangeCommands;
  /** Of a repair: what was found, what is repaired, what is left. */
  readonly repair?: RepairReport;
  /** Nothing would be different: there is nothing to save. */
  readonly unchanged: boolean;
}

export interface CarriedOut {
  readonly overlay: OverlayDevice;
  /** Format of the result, in the registry's names. */
  readonly format: string;
  readonly planned: PlannedChange;
}

/** What an image says about itself; undefined where it is too damaged. */
function describe(driver: FormatDriver, device: ReadableDevice): ImageDescription | undefined {
  try {
    return driver.describe?.(device) ?? { virtualSize: driver.virtualSize(device) };
  } catch (error) {
    if (error instanceof DiskwrightError) return undefined;
    throw error;
  }
}

const capitalised = (text: string): string => {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
};

interface Telling {
  readonly subject: ChangeSubject;
  readonly overlay: OverlayDevice;
  readonly base: ReadableDevice | undefined;
  readonly driver: FormatDriver;
  readonly before: ImageDescription | undefined;
  readonly facts: readonly ChangeFact[];
  readonly warnings: readonly string[];
  readonly commands: ChangeCommands;
  readonly repair?: RepairReport | undefined;
}

function told(telling: Telling): PlannedChange {
  const { subject, overlay, base, driver, before, facts, warnings, commands, repair } = telling;
  const after = describe(driver, overlay);
  const { written, changed, unchanged } = overlayFacts(overlay, base);
  const lengths = { before: subject.base.size, after: overlay.size };
  const size = (description: ImageDescription | undefined) =>
    description ? { virtualSize: description.virtualSize } : {};
  return {
    fileName: subject.resultName,
    before: { length: lengths.before, ...size(before) },
    after: { length: lengths.after, written, changed, ...size(after) },
    facts: after ? [...factsOf(before, after, lengths), ...facts] : facts,
    warnings,
    commands,
    ...(repair ? { repair } : {}),
    unchanged,
  };
}

export function* carryOutInPlace(subject: SubjectInPlace, change: ChangeInPlace): Generator<RewriteStep, CarriedOut> {
  const { name, format, driver, editor, base, mostOwn, backing, fresh, above, settings, now } = subject;
  const before = describe(driver, base);
  const overlay = new OverlayDevice({ base, mostOwn });
  const data = subject.data && new OverlayDevice({ base: subject.data, mostOwn });
  const warnings: string[] = [];
  const onWarning = (text: string): void => {
    warnings.push(capitalised(text));
  };
  const part = before ? partOf(before) : 1;
  const opened = { editor, image: overlay, data, backing, fresh, above, part, now, onWarning };
  const repair = yield* changeInPlace({ ...opened, ...(settings ? { settings } : {}) }, change);
  if (repair?.refused !== undefined) {
    throw new DiskwrightError('unsupported', capitalised(`nothing was repaired: ${repair.refused}`), {
      fix: 'Repair everything that can be repaired.',
    });
  }
  if (data && !overlayFacts(data, subject.data).unchanged) {
    throw new DiskwrightError(
      'unsupported',
      'The change would rewrite the data file, and only the image is saved here.',
      {
        fix: 'Do it with the diskwright command.',
      },
    );
  }
  for (const _step of overlay.dropUnchanged()) yield { done: 1, total: 1 };
  const names = { image: name, format, result: subject.resultName };
  const planned = told({
    subject,
    overlay,
    base,
    driver,
    before,
    facts: [],
    warnings: [...warnings, ...warningsInPlace(change, before, repair)],
    commands: commandsInPlace(change, names),
    repair,
  });
  return { overlay, format, planned };
}

const count = (value: number): string => value.toLocaleString('en');

function rewriteFacts({ kept, unpacked }: RewriteFacts): ChangeFact[] {
  const facts: ChangeFact[] = [];
  if (kept > 0) facts.push({ label: 'Compressed clusters kept', after: count(kept) });
  if (unpacked > 0) facts.push({ label: 'Compressed clusters unpacked', after: count(unpacked) });
  return facts;
}

export function* carryOutRewriting(subject: SubjectToRewrite, change: Rewriting): Generator<RewriteStep, CarriedOut> {
  const { name, driver, editor, newDriver, newEditor, base, source, mostOwn, resultName } = subject;
  const description = driver.describe?.(base) ?? { virtualSize: driver.virtualSize(base) };
  const format = change.kind === 'compact' ? subject.format : change.format;
  if (format !== 'qcow2' && format !== 'raw') {
    throw new DiskwrightError('unsupported', `Images of the format ${format} cannot be written here so far.`);
  }
  refuseRewriting(change, subject.format, description);
  const texts = format === 'qcow2' ? optionsOf(description, change.kind === 'compact') : {};
  const warnings: string[] = [];
  const { overlay, facts } = yield* makeNewImage({
    change,
    source,
    description,
    readBitmaps: editor.bitmaps && (() => editor.bitmaps?.(base) as ReturnType<NonNullable<FormatEditor['bitmaps']>>),
    driver: newDriver,
    editor: newEditor,
    format,
    texts,
    mostOwn,
    onWarning: (text) => warnings.push(text),
  });
  const keepsBitmaps = change.kind === 'compact' && change.bitmaps !== 'drop' && bitmapsIn(description).length > 0;
  const names = { image: name, format: subject.format, result: resultName };
  const commands = commandsToRewrite(change, names, {
    format,
    texts,
    keepsCompressed: facts.kept > 0,
    bitmaps: keepsBitmaps,
  });
  const planned = told({
    subject,
    overlay,
    base: undefined,
    driver: newDriver,
    before: description,
    facts: rewriteFacts(facts),
    warnings: [...warnings, ...warningsOfRewriting(change, description)],
    commands,
  });
  return { overlay, format, planned };
}
