/**
 * Keys that take long to derive. The engine says what it needs, the shell answers: WebCrypto in the page, node:crypto
 * in Node, @noble/hashes where they lack a hash. So the engine has neither a clock nor anything to wait for.
 */
import { assert } from '../errors.ts';

/** The hashes that a LUKS header may name, by QEMU's names. */
export const LUKS_HASHES = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'ripemd160'] as const;
export type HashName = (typeof LUKS_HASHES)[number];

/** PBKDF2 with HMAC of `hash`. The answer is `length` bytes, which whoever asked clears. */
export interface Derivation {
  readonly kind: 'derive';
  readonly hash: HashName;
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Bytes. */
  readonly length: number;
}

/** How many iterations of such a derivation one second takes here. */
export interface Pace extends Omit<Derivation, 'kind' | 'iterations'> {
  readonly kind: 'pace';
}

export type Question = Derivation | Pace;
export type Answer = Uint8Array | number;

/** Work that asks for keys on its way. */
export type Deriving<T> = Generator<Question, T, Answer>;

export function* derived(question: Omit<Derivation, 'kind'>): Deriving<Uint8Array> {
  const key = yield { kind: 'derive', ...question };
  assert(typeof key !== 'number' && key.length === question.length, 'a derivation is answered with a key');
  return key;
}

export function* iterationsPerSecond(question: Omit<Pace, 'kind'>): Deriving<number> {
  const pace = yield { kind: 'pace', ...question };
  assert(typeof pace === 'number' && pace > 0, 'a pace is answered with a count');
  return pace;
}
