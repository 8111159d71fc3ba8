/**
 * The same changes made to the same image by qemu-io and qemu-img, and by our engine; then the two files are one, byte
 * for byte. Each group of operations is one process there and one opening here.
 *
 * Host holes are no difference: what QEMU punches reads as zeros.
 */
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SectorCipher } from '../../engine/crypto/sector-cipher.ts';
import { type MemoryDevice, memoryDeviceOf } from '../../engine/device/memory.ts';
import { qcow2Driver } from '../../engine/formats/qcow2/driver.ts';
import { qcow2Editor } from '../../engine/formats/qcow2/editor.ts';
import { rawDriver } from '../../engine/formats/raw/driver.ts';
import type { Chain } from '../../engine/image/access.ts';
import type { OpenImage } from '../../engine/image/image.ts';
import type { Preallocation, Steps, WritableImage } from '../../engine/image/writable.ts';
import type { Random } from '../random.ts';
import { applyToImage, type DiskOperation, drawOperation, qemuIoCommand } from '../writable/operations.ts';
import { fileDifference } from '../writable/qcow2-owner.ts';
import { qemuImg, qemuIo } from './qemu-tools.ts';

export type ReplayStep =
  | { readonly kind: 'io'; readonly operations: readonly DiskOperation[] }
  | { readonly kind: 'resize'; readonly size: number; readonly preallocation: Preallocation; readonly shrink: boolean }
  | { readonly kind: 'snapshot'; readonly action: 'create' | 'apply' | 'delete'; readonly name: string }
  | { readonly kind: 'amend'; readonly texts: Readonly<Record<string, string>> }
  | {
      readonly kind: 'bitmap';
      readonly action: 'add' | 'remove' | 'clear' | 'enable' | 'disable';
      readonly name: string;
    };

export const stepText = (step: ReplayStep): string => {
  if (step.kind === 'io') return `qemu-io ${step.operations.map((one) => `-c '${qemuIoCommand(one)}'`).join(' ')}`;
  return `qemu-img ${argumentsOf(step, 'image').join(' ')}`;
};

/** How both open an encrypted image. */
export interface ReplayLock {
  readonly passphrase: string;
  readonly cipher: SectorCipher;
}

/** How the image is named on a line, with what has to stand before it. */
function namedImage(file: string, lock: ReplayLock | undefined): { flags: string[]; name: string } {
  if (!lock) return { flags: ['-f', 'qcow2'], name: file };
  const flags = ['--object', `secret,id=sec0,data=${lock.passphrase}`, '--image-opts'];
  return { flags, name: `driver=qcow2,file.filename=${file},encrypt.key-secret=sec0` };
}

function argumentsOf(step: Exclude<ReplayStep, { kind: 'io' }>, path: string, lock?: ReplayLock): string[] {
  const { flags, name: file } = namedImage(path, lock);
  switch (step.kind) {
    case 'resize':
      return [
        'resize',
        '-q',
        ...flags,
        ...(step.shrink ? ['--shrink'] : []),
        `--preallocation=${step.preallocation}`,
        file,
        `${step.size}`,
      ];
    case 'snapshot':
      return [
        'snapshot',
        '-q',
        ...(lock ? flags : []),
        { create: '-c', apply: '-a', delete: '-d' }[step.action],
        step.name,
        file,
      ];
    case 'amend':
      return [
        'amend',
        '-q',
        ...flags,
        '-o',
        Object.entries(step.texts)
          .map((pair) => pair.join('='))
          .join(','),
        file,
      ];
    case 'bitmap':
      return ['bitmap', ...flags, `--${step.action}`, file, step.name];
  }
}

/** What the oracle did: whether it accepted, and for a snapshot when it was made. */
interface Outcome {
  readonly accepted: boolean;
  readonly text: string;
}

function byQemu(step: ReplayStep, file: string, lock: ReplayLock | undefined): Outcome {
  if (step.kind === 'io') {
    const commands = step.operations.flatMap((one) => ['-c', qemuIoCommand(one)]);
    const { flags, name } = namedImage(file, lock);
    const { code, stdout, stderr } = qemuIo([...flags, ...commands, name], { cwd: dirname(file) });
    return { accepted: code === 0 && !/failed/.test(stdout + stderr), text: stdout + stderr };
  }
  const { code, stderr } = qemuImg(argumentsOf(step, file, lock), { cwd: dirname(file) });
  return { accepted: code === 0, text: stderr };
}

export function finish(steps: Steps | undefined): void {
  if (!steps) throw new Error('the image cannot do that');
  while (!steps.next().done);
}

function byUs(step: ReplayStep, image: WritableImage, file: string): void {
  switch (step.kind) {
    case 'io':
      for (const operation of step.operations) applyToImage(image, operation);
      return;
    case 'resize':
      finish(image.resize?.({ size: step.size, preallocation: step.preallocation }));
      return;
    case 'amend':
      finish(image.amend?.(step.texts));
      return;
    case 'snapshot': {
      const { snapshots } = image;
      if (step.action === 'create') finish(snapshots?.create(step.name, latestDate(file)));
      else finish(snapshots?.[step.action](step.name));
      return;
    }
    case 'bitmap':
      if (!image.bitmaps) throw new Error('the image has no bitmaps');
      if (step.action === 'add') image.bitmaps.add(step.name, {});
      else image.bitmaps[step.action](step.name);
  }
}

/** When the last snapshot in the oracle's file was made. */
function latestDate(file: string): { seconds: number; nanoseconds: number } {
  const facts = qcow2Driver.describe?.(memoryDeviceOf(readFileSync(file))).snapshots?.at(-1);
  return { seconds: facts?.seconds ?? 0, nanoseconds: facts?.nanoseconds ?? 0 };
}

/** Images below, opened by their names from the image's folder. */
function backingChain(file: string): Chain | undefined {
  const below = qcow2Driver.backing?.(memoryDeviceOf(readFileSync(file)));
  if (!below || below.name === '') return undefined;
  const path = resolve(dirname(file), below.name);
  const device = memoryDeviceOf(readFileSync(path));
  const open = below.format === 'qcow2' ? qcow2Driver.open : rawDriver.open;
  const image = open?.({ image: device }) as OpenImage;
  return below.format === 'qcow2' ? [image, ...(backingChain(path) ?? [])] : [image];
}

function bytesOf(device: MemoryDevice): Buffer {
  const bytes = Buffer.alloc(device.size);
  const piece = 1 << 20;
  for (let at = 0; at < bytes.length; at += piece) device.read(at, bytes.subarray(at, at + piece));
  return bytes;
}

const SECTOR = 512;

/**
 * Growing with preallocation may take clusters that held something else before: QEMU shows those bytes on the disk, we
 * clear them. In the oracle's file they are cleared as well, so that what follows can be compared.
 */
function clearReused(
  file: string,
  image: MemoryDevice,
  before: { readonly disk: number; readonly file: number },
): void {
  const opened = qcow2Driver.open?.({ image });
  if (!opened) return;
  const fd = openSync(file, 'r+');
  try {
    const sector = Buffer.alloc(SECTOR);
    for (let at = before.disk; at < opened.virtualSize; ) {
      const {
        length,
        host = before.file,
        ...extent
      } = { host: undefined, ...opened.locate(at, opened.virtualSize - at) };
      at += length;
      if (extent.kind === 'data' && extent.device !== image) continue;
      for (let place = host; place < Math.min(host + length, before.file); place += SECTOR) {
        image.read(place, sector);
        if (sector.every((byte) => byte === 0)) writeSync(fd, sector, 0, SECTOR, place);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Larger files are no test of bytes any more, but of patience. */
const MAX_FILE = 192 * 1024 * 1024;

/**
 * Replays `steps` on a copy of `start` (the oracle's) and in memory; says the first difference. `data`: the image's
 * data file. A step that the oracle refuses must be refused here as well, and ends the replay.
 */
export function replay(
  start: string,
  steps: readonly ReplayStep[],
  data?: string,
  lock?: ReplayLock,
): string | undefined {
  const file = `${start}.qemu`;
  copyFileSync(start, file);
  if (data !== undefined) {
    // The image names its data file, so the oracle changes that very file: each replay begins with it as it was.
    if (!existsSync(`${data}.start`)) copyFileSync(data, `${data}.start`);
    copyFileSync(`${data}.start`, data);
  }
  const image = memoryDeviceOf(readFileSync(start));
  const dataDevice = data === undefined ? undefined : memoryDeviceOf(readFileSync(data));
  const backing = backingChain(start);
  for (const [i, step] of steps.entries()) {
    const there = byQemu(step, file, lock);
    let refusal: unknown;
    const before = { disk: 0, file: image.size };
    try {
      const opened = qcow2Editor.openWritable(
        { image, ...(dataDevice ? { data: dataDevice } : {}), ...(backing ? { backing } : {}) },
        { unmap: step.kind === 'io', cipher: lock?.cipher },
      );
      before.disk = opened.virtualSize;
      try {
        byUs(step, opened, file);
      } catch (thrown) {
        refusal = thrown;
      }
      opened.close();
    } catch (thrown) {
      refusal ??= thrown;
    }
    const place = `step ${i + 1} of ${steps.length}, ${stepText(step)}`;
    const words = refusal instanceof Error ? (refusal.stack ?? refusal.message) : `${refusal}`;
    if (there.accepted !== (refusal === undefined)) {
      return `${place}: ${there.accepted ? `refused here only: ${words}` : `refused by qemu only: ${there.text}`}`;
    }
    // Of what is refused QEMU may leave a part behind, leaks for one.
    if (!there.accepted) return undefined;
    if (statSync(file).size > MAX_FILE) return undefined;
    const preallocates = step.kind === 'resize' && step.preallocation !== 'off';
    if (preallocates && data === undefined) clearReused(file, image, before);
    const difference = fileDifference(bytesOf(image), readFileSync(file));
    // The one deliberate difference of bytes: QEMU shows what a cluster of the new part held before.
    const grown = step.kind === 'resize' && step.preallocation === 'metadata';
    if (grown && difference !== undefined && /: ours 0{16} in data of/.test(difference)) return undefined;
    if (difference !== undefined) return `${place}: ${difference}`;
    if (data !== undefined && dataDevice && existsSync(data)) {
      const theirs = readFileSync(data);
      const ours = bytesOf(dataDevice);
      if (!ours.equals(theirs)) return `${place}: the data files differ`;
    }
  }
  return undefined;
}

/** Draws steps for an image: groups of changes to its disk, and what qemu-img does to it. */
export interface StepOptions {
  readonly size: number;
  readonly clusterSize: number;
  readonly edges: readonly number[];
  /** Kinds of steps with how often each. */
  readonly weights: Readonly<Partial<Record<ReplayStep['kind'], number>>>;
  readonly most?: number;
  /** Options that amending may set. */
  readonly amendments?: readonly Readonly<Record<string, string>>[];
}

export function drawSteps(random: Random, count: number, options: StepOptions): ReplayStep[] {
  const kinds = Object.entries(options.weights).flatMap(([kind, weight]) => Array<string>(weight).fill(kind));
  const steps: ReplayStep[] = [];
  let { size } = options;
  let names = 0;
  while (steps.length < count) {
    const kind = random.pick(kinds) as ReplayStep['kind'];
    if (kind === 'io') {
      const { clusterSize, edges, most } = options;
      const weights = { write: 5, zero: 3, discard: 2 };
      if (size === 0) continue;
      const draw = { size, clusterSize, edges, weights, ...(most === undefined ? {} : { most }) };
      const operations = Array.from({ length: random.between(1, 8) }, () => drawOperation(random, draw));
      steps.push({ kind, operations });
    } else if (kind === 'resize') {
      const by = 512 * random.pick([1, random.between(1, 200), random.between(1, (20 * options.clusterSize) / 512)]);
      const shrink = random.once(3) && by < size;
      size += shrink ? -by : by;
      const preallocation = shrink ? 'off' : random.pick(['off', 'off', 'metadata', 'falloc', 'full'] as const);
      steps.push({ kind, size, preallocation, shrink });
    } else if (kind === 'snapshot') {
      const known = names > 0 && !random.once(2);
      const action = known ? random.pick(['apply', 'delete'] as const) : 'create';
      steps.push({ kind, action, name: `s${known ? random.below(names) : names++}` });
      // Applying brings back another size; what comes after stays inside the smallest.
      if (action === 'apply') size = Math.min(size, options.size);
    } else if (kind === 'amend') steps.push({ kind, texts: random.pick(options.amendments ?? []) });
    else {
      const action = random.pick(['add', 'add', 'remove', 'clear', 'enable', 'disable'] as const);
      steps.push({ kind, action, name: `b${random.below(3)}` });
    }
  }
  return steps;
}

/** Leaves out what a failure does not need: whole steps first, then single operations. */
export function minimised(
  steps: readonly ReplayStep[],
  fails: (steps: readonly ReplayStep[]) => boolean,
): readonly ReplayStep[] {
  let least = steps;
  let tries = 150;
  const attempt = (fewer: readonly ReplayStep[]): boolean => {
    if (tries-- <= 0 || !fails(fewer)) return false;
    least = fewer;
    return true;
  };
  for (let i = least.length - 1; i >= 0; i--) attempt(least.filter((_, k) => k !== i));
  for (let i = least.length - 1; i >= 0; i--) {
    const step = least[i];
    if (step?.kind !== 'io') continue;
    for (let k = step.operations.length - 1; k >= 0; k--) {
      const current = least[i];
      if (current?.kind !== 'io') break;
      const operations = current.operations.filter((_, n) => n !== k);
      attempt(least.map((one, n) => (n === i ? { ...current, operations } : one)));
    }
  }
  return least;
}
