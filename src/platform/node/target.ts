/**
 * Where a new image goes. Everything that can be refused is refused by `planTarget`, which opens nothing.
 *
 * A new or ordinary file is written beside its place as `.<name>.part` and renamed at the end, so that a
 * failure costs nothing. What a rename would replace (a symbolic link, a device, one of several hard links,
 * a file whose owner could not be kept) is written in place; `inPlace` says why.
 */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { DiskwrightError } from '../../engine/errors.ts';
import { NodeFileDevice } from './file-device.ts';
import { hostCode, hostError, onHost } from './host-error.ts';
import { refuseIfInUse } from './image-lock.ts';
import { locate, plainPath } from './image-name.ts';

const NEW_MODE = 0o644;

export interface TargetPlan {
  /** Name as typed. */
  readonly name: string;
  readonly path: string;
  /** Why it is not replaced by a rename; undefined: it is. */
  readonly inPlace: string | undefined;
  /** What stands there now, symbolic links followed. */
  readonly existing: Stats | undefined;
}

export interface Target {
  readonly device: NodeFileDevice;
  /** Brings the finished file, already flushed, to its name. */
  commit(): void;
  /** Takes everything back that can be taken back; returns what cannot, in words. Never throws. */
  discard(): string | undefined;
}

function statIfThere(name: string, call: () => Stats): Stats | undefined {
  try {
    return call();
  } catch (thrown) {
    if (hostCode(thrown) === 'ENOENT') return undefined;
    throw hostError(name, 'look at it', thrown);
  }
}

const writable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

function kindOf(stat: Stats): string | undefined {
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a pipe';
  if (stat.isSocket()) return 'a socket';
  if (stat.isCharacterDevice()) return 'a character device';
  return undefined;
}

/** Whether a new file could be given the owner and group of the one it replaces. */
function keepsOwner(existing: Stats): boolean {
  const user = process.geteuid?.();
  if (user === undefined || user === 0) return true;
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return existing.uid === user && groups.includes(existing.gid);
}

function whyInPlace(link: Stats, existing: Stats | undefined, folder: string): string | undefined {
  if (link.isSymbolicLink()) return 'it is a symbolic link';
  if (!existing) return undefined;
  if (existing.isBlockDevice()) return 'it is a block device';
  if (existing.nlink > 1) return `it is one of ${existing.nlink} hard links`;
  if (!keepsOwner(existing)) return 'its owner could not be kept';
  if (existing.dev !== statSync(folder).dev) return 'it is mounted there';
  if (!writable(folder)) return 'its folder cannot be written';
  return undefined;
}

/** Refuses what cannot be a target; touches nothing. */
export function planTarget(name: string, cwd: string): TargetPlan {
  const typed = plainPath(name);
  if (typed === '') throw new DiskwrightError('io', `"${name}": the name of a file is empty`);
  const path = locate(cwd, typed);
  const folder = dirname(path);
  const link = statIfThere(name, () => lstatSync(path));
  const existing = statIfThere(name, () => statSync(path));
  const kind = existing && kindOf(existing);
  if (kind !== undefined) throw new DiskwrightError('io', `${name}: cannot be written: this is ${kind}`);
  if (/[/\\]$/.test(typed)) throw new DiskwrightError('io', `${name}: cannot be written: this names a folder`);
  const inPlace = link && whyInPlace(link, existing, folder);
  if (existing) refuseIfInUse(name, existing);
  if (existing && !writable(path)) throw new DiskwrightError('io', `${name}: cannot be written: permission is missing`);
  if (!existing) {
    const home = link ? dirname(onHost(name, 'follow the link', () => linkEnd(path))) : folder;
    const stat = onHost(name, 'look at its folder', () => statSync(home));
    if (!stat.isDirectory()) throw new DiskwrightError('io', `${name}: cannot be made: ${home} is not a folder`);
    if (!writable(home)) throw new DiskwrightError('io', `${name}: cannot be made: its folder cannot be written`);
  }
  return { name, path, inPlace, existing };
}

/** Where a dangling symbolic link leads: the folder of the end must exist, the end itself need not. */
function linkEnd(path: string): string {
  let end = path;
  for (let hops = 0; hops < 40; hops++) {
    const stat = statIfThere(path, () => lstatSync(end));
    if (!stat?.isSymbolicLink()) return end;
    end = locate(realpathSync(dirname(end)), readlinkSync(end));
  }
  throw new DiskwrightError('io', `${path}: its symbolic links lead in a circle`);
}

export function openTarget(plan: TargetPlan): Target {
  return plan.inPlace === undefined ? openBeside(plan) : openInPlace(plan);
}

/** `.<name>.part`, then `.<name>.2.part` …: another run may be writing the same name. */
function openPart(plan: TargetPlan): { fd: number; part: string } {
  const folder = dirname(plan.path);
  const stem = Buffer.byteLength(basename(plan.path)) > 240 ? `diskwright-${process.pid}` : basename(plan.path);
  for (let count = 1; ; count++) {
    // Not joined by `join`, which would take `..` away.
    const part = `${folder}/${count === 1 ? `.${stem}.part` : `.${stem}.${count}.part`}`;
    try {
      return { fd: openSync(part, 'wx+', NEW_MODE), part };
    } catch (thrown) {
      if (hostCode(thrown) !== 'EEXIST' || count >= 1000) throw hostError(plan.name, 'make it', thrown);
    }
  }
}

/** qemu-img would write over the old file, so the new one keeps its mode and owner. */
function keepIdentity(fd: number, existing: Stats): void {
  const made = fstatSync(fd);
  if (made.uid !== existing.uid || made.gid !== existing.gid) fchownSync(fd, existing.uid, existing.gid);
  fchmodSync(fd, existing.mode & 0o7777);
}

function openBeside(plan: TargetPlan): Target {
  const { fd, part } = openPart(plan);
  let device: NodeFileDevice;
  let renamed = false;
  const discard = (): string | undefined => {
    quietly(() => device.close());
    // A file that was replaced cannot come back; one that was made goes even after its rename.
    if (!renamed) quietly(() => unlinkSync(part));
    else if (plan.existing) return `${plan.name}: the old file is replaced already`;
    else quietly(() => unlinkSync(plan.path));
    return undefined;
  };
  try {
    device = new NodeFileDevice(fd, plan.name);
    if (plan.existing) {
      const { existing } = plan;
      onHost(plan.name, 'keep its owner and mode', () => keepIdentity(fd, existing));
    }
  } catch (thrown) {
    quietly(() => closeSync(fd));
    quietly(() => unlinkSync(part));
    throw thrown;
  }
  const commit = (): void => {
    device.close();
    onHost(plan.name, 'give the finished file its name', () => renameSync(part, plan.path));
    renamed = true;
  };
  return { device, commit, discard };
}

function openInPlace(plan: TargetPlan): Target {
  const flags = constants.O_RDWR | (plan.existing ? 0 : constants.O_CREAT);
  const fd = onHost(plan.name, 'open it', () => openSync(plan.path, flags, NEW_MODE));
  const device = new NodeFileDevice(fd, plan.name);
  const oldLength = device.size;
  const discard = (): string | undefined => {
    if (!plan.existing) quietly(() => unlinkSync(realpathSync(plan.path)));
    else if (!device.fixed) quietly(() => device.resize(oldLength));
    quietly(() => device.close());
    if (!plan.existing || oldLength === 0) return undefined;
    return `${plan.name}: it was written in place, so what it held is lost`;
  };
  try {
    // A block device keeps its bytes, as with qemu-img; only what looks like an old image's header goes.
    if (device.fixed) device.zero(0, Math.min(512, device.size));
    else device.resize(0);
  } catch (thrown) {
    discard();
    throw thrown;
  }
  const commit = (): void => {
    device.close();
  };
  return { device, commit, discard };
}

/** Taking back must go on after one step of it failed: the first failure is the one to tell. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // The error that led here is already on its way to the person.
  }
}
