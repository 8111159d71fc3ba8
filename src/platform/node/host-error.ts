/** Errors of the operating system → ours: a closed set of kinds, our words, and the path as it was typed. */
import { DiskwrightError, type ErrorKind } from '../../engine/errors.ts';

const MEANING: Readonly<Record<string, readonly [ErrorKind, string]>> = {
  ENOSPC: ['no-space', 'the disk is full'],
  EDQUOT: ['no-space', 'your quota on this disk is used up'],
  EFBIG: ['out-of-range', 'the file would be longer than this file system or its limit allows'],
  ENOENT: ['io', 'there is no such file or folder'],
  ENOTDIR: ['io', 'a part of the path is not a folder'],
  EISDIR: ['io', 'this is a folder'],
  EACCES: ['io', 'permission is missing'],
  EPERM: ['io', 'the system does not allow it'],
  EROFS: ['io', 'the file system is read-only'],
  EBUSY: ['io', 'it is in use'],
  ELOOP: ['io', 'its symbolic links lead in a circle'],
  ENAMETOOLONG: ['io', 'the name is too long'],
  EMFILE: ['io', 'too many files are open'],
  EIO: ['io', 'the medium failed'],
};

/** The system's code of a thrown value: `ENOENT`, or undefined. */
export function hostCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** `disk.qcow2: cannot write: the disk is full`. */
export function hostError(path: string, doing: string, thrown: unknown): DiskwrightError {
  if (thrown instanceof DiskwrightError) return thrown;
  const code = hostCode(thrown);
  const [kind, why] = (code === undefined ? undefined : MEANING[code]) ?? ['io', code ?? String(thrown)];
  return new DiskwrightError(kind, `${path}: cannot ${doing}: ${why}`, { cause: thrown });
}

/** Runs one call into the system and words its failure. */
export function onHost<T>(path: string, doing: string, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw hostError(path, doing, thrown);
  }
}
