/**
 * Names of images as qemu-img reads them: `file:` is a plain file, any other word before a colon (and
 * before any slash) is a protocol, and a name inside an image is relative to that image's folder.
 */
import { isAbsolute, resolve } from 'node:path';
import { DiskwrightError } from '../../engine/errors.ts';

/** `nbd` of `nbd:host`, undefined for a plain name such as `./a:b`. */
export function protocolOf(name: string): string | undefined {
  return /^([^:/]*):/.exec(name)?.[1];
}

/** The path of a name on this host, as typed; a protocol other than `file` is refused by name. */
export function plainPath(name: string): string {
  const protocol = protocolOf(name);
  if (protocol === undefined) return name;
  if (protocol === 'file') return name.slice('file:'.length);
  throw new DiskwrightError(
    'unsupported',
    `${name}: "${protocol}:" names a protocol, and only files and block devices can be used here`,
    { fix: `If it is a file, write ./${name}.` },
  );
}

/**
 * Where a plain path is, seen from `cwd`. `..` stays in it: behind a symbolic link to a folder it means that
 * folder's parent, which only the system can tell. (Windows takes `..` away as text itself.)
 */
export function locate(cwd: string, path: string): string {
  if (process.platform === 'win32') return resolve(cwd, path);
  return isAbsolute(path) ? path : `${cwd}/${path}`;
}

/** A backing name as seen from the current folder: qemu-img joins it, as text, to the image's folder. */
export function relativeToImage(image: string, name: string): string {
  if (protocolOf(name) !== undefined || isAbsolute(name)) return name;
  const folder = image.slice(0, Math.max(image.lastIndexOf('/'), protocolOf(image)?.length ?? -1) + 1);
  return folder + name;
}
