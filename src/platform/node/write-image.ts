/**
 * Layout → finished files on this host. Nothing that was there is touched before every refusal has had its
 * chance, and a failure or a cancel takes back what was made.
 */

import { realpathSync } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';
import type { FileLayout, ImageLayout } from '../../engine/image/layout.ts';
import { emitLayout } from '../../jobs/create.ts';
import { identityOf } from './backing-chain.ts';
import { layoutForDevice } from './block-device.ts';
import type { NodeFileDevice } from './file-device.ts';
import { type PumpOptions, pump, throwIfCancelled, unlessCancelled } from './pump.ts';
import { openTarget, planTarget, type Target, type TargetPlan } from './target.ts';

export interface WriteOptions extends PumpOptions {
  readonly cwd: string;
  /** Files that must stay as they are, by identity: what they are (`the backing image base.qcow2`). */
  readonly inUse?: ReadonlyMap<string, string>;
  /** A line that the person should see. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** Something will be lost or is not as it looks. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Files get their names before they are on the medium: a power cut may leave a file that only looks whole. */
  readonly unflushed?: boolean | undefined;
  /** Puts the guest's data into what was laid out, before the files get their names. */
  readonly fill?: ((files: LaidOut) => Promise<void>) | undefined;
}

/** The new files, not yet under their names. */
export interface LaidOut {
  readonly image: NodeFileDevice;
  readonly data: NodeFileDevice | undefined;
}

interface Job {
  readonly plan: TargetPlan;
  readonly layout: FileLayout;
}

function refuseSameFile(image: TargetPlan, data: TargetPlan): void {
  const same =
    image.existing && data.existing
      ? identityOf(image.existing) === identityOf(data.existing)
      : endOf(image.path) === endOf(data.path);
  if (!same) return;
  throw new DiskwrightError('invalid-option', `${data.name}: the data file is the image itself`, {
    option: 'data_file',
    fix: 'Name another file.',
  });
}

/** The same file may be named through another folder. */
function endOf(path: string): string {
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  try {
    return realpathSync(path.slice(0, slash + 1)) + path.slice(slash);
  } catch {
    return path;
  }
}

function refuseInUse({ plan }: Job, inUse: ReadonlyMap<string, string> | undefined): void {
  const used = plan.existing && inUse?.get(identityOf(plan.existing));
  if (used === undefined) return;
  throw new DiskwrightError('invalid-option', `${plan.name}: writing it would destroy ${used}`);
}

function planJobs(name: string, layout: ImageLayout, options: WriteOptions): Job[] {
  const image = { plan: planTarget(name, options.cwd), layout: layout.image };
  const jobs: Job[] = [image];
  if (layout.dataFile) {
    const data = { plan: planTarget(layout.dataFile.name, options.cwd), layout: layout.dataFile.layout };
    refuseSameFile(image.plan, data.plan);
    jobs.push(data);
  }
  for (const job of jobs) refuseInUse(job, options.inUse);
  return jobs.map(({ plan, layout: wanted }, i) => ({
    plan,
    layout: plan.existing?.isBlockDevice() ? layoutForDevice(plan, wanted, i === 0 ? 'image' : 'data file') : wanted,
  }));
}

function announce(jobs: readonly Job[], { onNote, onWarning }: WriteOptions): void {
  for (const [i, { plan }] of jobs.entries()) {
    if (i > 0 && plan.existing && plan.existing.size > 0) {
      onWarning?.(`${plan.name}: the data file exists, its ${plan.existing.size} bytes are overwritten`);
    }
    if (plan.inPlace !== undefined) onNote?.(`${plan.name}: written in place, because ${plan.inPlace}`);
  }
}

async function write({ layout }: Job, target: Target, options: WriteOptions): Promise<void> {
  const { device } = target;
  await pump(emitLayout(layout), device, options);
  if (device.size !== layout.length) device.resize(layout.length);
}

/** Writes the image, and its data file if it has one. */
export async function writeImage(name: string, layout: ImageLayout, options: WriteOptions): Promise<void> {
  const jobs = planJobs(name, layout, options);
  throwIfCancelled(options.signal);
  announce(jobs, options);
  const targets: Target[] = [];
  try {
    for (const { plan } of jobs) targets.push(openTarget(plan));
    for (const [i, job] of jobs.entries()) {
      const target = targets[i];
      if (target) await write(job, target, options);
    }
    const [image, data] = targets;
    if (image) await options.fill?.({ image: image.device, data: data?.device });
    const toFlush = options.unflushed ? [] : targets;
    for (const { device } of toFlush) await unlessCancelled(device.flushed(), options.signal);
    // The data file first: an image without its data file would not open.
    for (const target of targets.toReversed()) target.commit();
  } catch (thrown) {
    for (const target of targets) {
      const lost = target.discard();
      if (lost !== undefined) options.onWarning?.(lost);
    }
    throw thrown;
  }
}
