/**
 * The one error class of the engine, with a closed set of kinds.
 *
 * `passphrase`: the disk is encrypted, and no passphrase was given or not one that opens it.
 * Texts follow the order: thing, place, fact, expected and got. Broken invariants are assertions
 * (`assert`), never a DiskwrightError; what `check` finds is data, never thrown.
 */
export type ErrorKind =
  | 'not-this-format'
  | 'unsupported'
  | 'corrupt'
  | 'invalid-option'
  | 'out-of-range'
  | 'locked'
  | 'passphrase'
  | 'no-space'
  | 'io'
  | 'cancelled';

/** What an error may carry beside its message. */
export interface ErrorDetail {
  /** qemu-img name of the option at fault, for a form that wants to point at it. */
  readonly option?: string;
  /** What to do about it, one sentence. */
  readonly fix?: string;
  readonly cause?: unknown;
}

/** The one error class: a kind to branch on, and a message that names thing, place and fact. */
export class DiskwrightError extends Error {
  override readonly name = 'DiskwrightError';
  readonly kind: ErrorKind;
  readonly option: string | undefined;
  readonly fix: string | undefined;

  constructor(kind: ErrorKind, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.kind = kind;
    this.option = detail.option;
    this.fix = detail.fix;
  }
}

/** Throws when an invariant of our own is broken: always a defect here, never the user's fault. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${invariant}`);
}
