/**
 * Repairs an image in place (contract: operations.md check; the same verdict and numbers as `qemu-img check -r`).
 *
 * In this order, so that a cut at any moment leaves the guest's data as it was: entries that refer to no usable
 * place are dropped; counts are set right, or where one would have to go up from 0 the whole refcount structure is
 * built anew behind the file and switched to; the snapshot table is written anew; COPIED follows the counts; with
 * nothing left to repair the image is marked clean. Guest data is never written.
 */
import type { WritableDevice } from '../../../device/device.ts';
import { DiskwrightError } from '../../../errors.ts';
import type { CheckProgress, RepairMode, RepairReport } from '../../../image/report.ts';
import { Autoclear, Incompatible } from '../features.ts';
import { ExtensionType, headerV3 } from '../header.ts';
import type { ImageHeader } from '../image-header.ts';
import { encodeHeaderCluster, readHeaderContents } from '../rewrite-header.ts';
import { checkImage, reportOf } from './check.ts';
import { compareRefcounts } from './compare.ts';
import { Findings } from './findings.ts';
import { checkCopied, entryZeroer } from './fix-entries.ts';
import { metadataPlaces } from './metadata-places.ts';
import { rebuildRefcounts } from './rebuild.ts';
import { encodeCheckedTable } from './snapshot-table.ts';
import { openSubject, type Subject, type Survey, survey } from './survey.ts';

const KNOWN_AUTOCLEAR = Autoclear.bitmaps | Autoclear.rawExternalData;

/** Bytes that the file may grow by to give a refcount block the place that the table says; else they are built anew. */
const MOST_GROWTH = 2 ** 28;

type Repair<Result = void> = Generator<CheckProgress, Result>;

/** What every writable open does: autoclear bits of unknown meaning go, and bitmaps that are not up to date. */
function clearAutoclear(device: WritableDevice, { header, extensions }: Subject): boolean {
  const stale =
    (header.autoclear & Autoclear.bitmaps) === 0n && extensions.some(({ type }) => type === ExtensionType.bitmaps);
  if (!stale && (header.autoclear & ~KNOWN_AUTOCLEAR) === 0n) return false;
  const fields = { ...header, autoclear: header.autoclear & KNOWN_AUTOCLEAR };
  device.write(0, encodeHeaderCluster(fields, readHeaderContents(device, header, extensions)));
  device.flush();
  return true;
}

/** Snapshots that nobody could load are given up: what they refer to is not referenced any more. */
function dropSnapshots(device: WritableDevice, { header, snapshots }: Subject, findings: Findings): void {
  const text = `${snapshots.dropped} snapshots are too many`;
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, snapshots.snapshots.length);
  device.write(headerV3.offsets.nbSnapshots, count);
  device.flush();
  findings.corruption(`${text} for the table at ${header.snapshots.offset}`, true, snapshots.dropped);
}

/** Clears the bits that say the image is dirty or corrupt. */
function markClean(device: WritableDevice, { incompatible, version }: ImageHeader): void {
  const bits = Incompatible.dirty | Incompatible.corrupt;
  if (version === 2 || (incompatible & bits) === 0n) return;
  const field = new Uint8Array(8);
  new DataView(field.buffer).setBigUint64(0, incompatible & ~bits);
  // What is repaired is on the medium before the image says so.
  device.flush();
  device.write(headerV3.offsets.incompatibleFeatures, field);
}

/** What the repair of the counts has come to; absent: refused, nothing was repaired. */
interface Counted {
  readonly survey: Survey;
  readonly highest: number;
}

class ImageRepair {
  readonly #device: WritableDevice;
  readonly #all: boolean;
  readonly findings = new Findings();
  #subject: Subject;

  constructor(device: WritableDevice, mode: RepairMode) {
    this.#device = device;
    this.#all = mode === 'all';
    this.#subject = this.#open();
    if (clearAutoclear(device, this.#subject)) this.#subject = this.#open();
  }

  #open(): Subject {
    return openSubject(this.#device, 'repair', this.#all);
  }

  *run(): Repair<RepairReport> {
    const device = this.#device;
    const { findings } = this;
    const { incomplete, tooLong, dropped } = this.#subject.snapshots;
    if (dropped > 0) {
      dropSnapshots(device, this.#subject, findings);
      this.#subject = this.#open();
    }
    const counted = yield* this.#counts();
    if (!counted) return this.#refused();
    const clean = findings.failures === 0 && findings.corruptions === 0 && findings.leaks === 0;
    if (this.#all && incomplete.length + tooLong.length > 0) yield* this.#rewriteSnapshots(counted.survey);
    const { header } = this.#subject;
    const places = () => metadataPlaces(device, this.#subject);
    yield* checkCopied({ device, header, findings, repairing: this.#all || clean, places });
    for (const i of tooLong) findings.corruption(`snapshot table entry ${i}: too much extra data`, true);
    for (const i of incomplete)
      findings.corruption(`snapshot table entry ${i}: its extra data is too short`, this.#all);
    if (findings.failures === 0 && findings.corruptions === 0) markClean(device, this.#subject.header);
    device.flush();
    return this.#report(counted);
  }

  #report({ survey: { tally }, highest }: Counted): RepairReport {
    const { corruptionsFixed, leaksFixed } = this.findings;
    return { found: reportOf(this.#subject.header, this.findings, tally, highest), corruptionsFixed, leaksFixed };
  }

  #refused(): RepairReport {
    const hit = this.findings.failures > 0;
    const none = { allocated: 0, fragmented: 0, compressed: 0 };
    return {
      found: reportOf(this.#subject.header, this.findings, none, -1),
      corruptionsFixed: 0,
      leaksFixed: 0,
      refused: hit ? 'tables lie on top of each other' : 'counts have to go up from 0, which only a full repair does',
    };
  }

  *#counts(): Repair<Counted | undefined> {
    const device = this.#device;
    const { findings } = this;
    const { header } = this.#subject;
    const places = () => metadataPlaces(device, this.#subject);
    const zeroEntry = this.#all ? { zeroEntry: entryZeroer(device, header, findings, places) } : {};
    const surveyed = yield* survey(device, this.#subject, findings, { copied: false, ...zeroEntry });
    // A table on top of another: whatever is written next may hit what it should not.
    if (findings.failures > 0) return undefined;
    const before = findings.verdict;
    const { highest, lost } = yield* compareRefcounts(device, header, surveyed, findings);
    const missing = surveyed.fileLength - device.size;
    if (surveyed.broken || lost || missing > MOST_GROWTH) {
      if (!this.#all) return undefined;
      // Counts that could not be read are replaced.
      findings.failures = 0;
      return yield* this.#rebuild(surveyed);
    }
    if (findings.corruptions === 0 && findings.leaks === 0) return { survey: surveyed, highest };
    // A block behind the end that counts itself, and is needed: its counts are zeros.
    if (missing > 0) device.resize(surveyed.fileLength);
    // Entries that were dropped are gone from the medium before anything counts less.
    device.flush();
    findings.resume(before);
    const correct = { device, leaks: true, errors: this.#all, places };
    return { survey: surveyed, ...(yield* compareRefcounts(device, header, surveyed, findings, correct)) };
  }

  /** New refcounts; then the old ones are leaks, and everything is counted again. */
  *#rebuild(surveyed: Survey): Repair<Counted> {
    const device = this.#device;
    const { findings } = this;
    const old = findings.verdict;
    findings.note('Rebuilding refcount structure');
    device.flush();
    yield* rebuildRefcounts(device, this.#subject.header, surveyed, () => this.#countAgain());
    this.#subject = this.#open();
    findings.resume({ corruptions: 0, leaks: 0 });
    const counted = yield* this.#freeLeaks(findings);
    findings.corruptionsFixed += Math.max(0, old.corruptions - findings.corruptions);
    findings.leaksFixed += Math.max(0, old.leaks - findings.leaks);
    return counted;
  }

  /** Counts once more, where the file has become longer: what is wrong has been told. */
  *#countAgain(): Repair<Survey> {
    return yield* survey(this.#device, this.#subject, new Findings(), { copied: false });
  }

  /** Counts anew and gives back what the switch has left behind; those differences were never in the image. */
  *#freeLeaks(findings: Findings): Repair<Counted> {
    const device = this.#device;
    const { header } = this.#subject;
    const again = yield* survey(device, this.#subject, findings, { copied: false });
    const { verdict, leaksFixed, corruptionsFixed } = findings;
    const correct = { device, leaks: true, errors: true, places: () => metadataPlaces(device, this.#subject) };
    const { highest, lost } = yield* compareRefcounts(device, header, again, findings, correct);
    findings.resume(verdict);
    findings.leaksFixed = leaksFixed;
    findings.corruptionsFixed = corruptionsFixed;
    if (again.broken || lost) findings.failure('the new refcount structure is broken as well');
    return { survey: again, highest };
  }

  /** The table moves together with the refcounts, by one write: a cut leaves the old ones or the new ones. */
  *#rewriteSnapshots(surveyed: Survey): Repair {
    const { header, snapshots } = this.#subject;
    const bytes = encodeCheckedTable(snapshots, header);
    this.#device.flush();
    const table = { bytes, count: snapshots.snapshots.length };
    yield* rebuildRefcounts(this.#device, header, surveyed, () => this.#countAgain(), table);
    this.#subject = this.#open();
    yield* this.#freeLeaks(new Findings());
  }
}

/** One pass, without the check that follows. */
export function* repairOnce(device: WritableDevice, mode: RepairMode): Repair<RepairReport> {
  return yield* new ImageRepair(device, mode).run();
}

/** Repairs, and checks again when something was repaired. Throws where the image cannot be opened or written. */
export function* repairImage(device: WritableDevice, mode: RepairMode): Repair<RepairReport> {
  const report = yield* repairOnce(device, mode);
  if (report.corruptionsFixed + report.leaksFixed === 0 || report.found.failures > 0) return report;
  return { ...report, again: yield* checkImage(device) };
}

/**
 * What a writable open does with an image that was not closed cleanly: a full repair. Damage that no repair mends
 * stays, as does the dirty bit then. The header has to be read again afterwards. Throws `corrupt` where the repair
 * could not be carried out.
 */
export function repairDirty(device: WritableDevice): RepairReport {
  const steps = repairOnce(device, 'all');
  for (;;) {
    const step = steps.next();
    if (!step.done) continue;
    const failure = step.value.found.findings.find(({ severity }) => severity === 'failure');
    if (step.value.found.failures === 0) return step.value;
    throw new DiskwrightError(
      'corrupt',
      `qcow2: the image was not closed cleanly and cannot be repaired: ${failure?.text ?? 'its tables contradict'}.`,
    );
  }
}
