/** What a command of `io` is, and how the failure of a request is told. */
import { DiskwrightError, type ErrorKind } from '../../engine/errors.ts';
import { say } from '../io.ts';
import type { IoLine } from './line.ts';
import type { Session } from './session.ts';

export interface IoCommand {
  readonly name: string;
  readonly short?: string;
  /** Letters of its flags, a colon behind those with a value. */
  readonly letters: string;
  /** How its arguments are written, for the help. */
  readonly usage: string;
  readonly about: string;
  /** What each flag does. */
  readonly notes?: readonly string[];
  /** How many words it takes. */
  readonly least: number;
  readonly most: number;
  /** Returns false where it failed and said so. Throws IoMistake for what cannot be run. */
  run(line: IoLine, session: Session): boolean | Promise<boolean>;
}

/** The system's words for a failed request: scripts look for them. */
const WORDS: Readonly<Partial<Record<ErrorKind, string>>> = {
  'no-space': 'No space left on device',
  'invalid-option': 'Invalid argument',
  unsupported: 'Operation not supported',
  locked: 'Operation not permitted',
};

/** Prints `write failed: …` as qemu-io does, and the reason beside it. */
export function sayFailed(session: Session, what: string, thrown: unknown): false {
  if (!(thrown instanceof DiskwrightError) || thrown.kind === 'cancelled') throw thrown;
  session.io.stdout(`${what} failed: ${WORDS[thrown.kind] ?? 'Input/output error'}\n`);
  say(session.io, thrown.message);
  return false;
}

/** Refuses a request that is not all on the disk, before any of it is done. */
export function assertOnDisk(session: Session, at: number, length: number): void {
  if (at + length <= session.size) return;
  throw new DiskwrightError('out-of-range', `bytes ${at} to ${at + length} are not all on the disk of ${session.size}`);
}
