/** Answers questions for keys without waiting, for tests: keys from node:crypto, the pace whatever one wants. */
import { createHash, pbkdf2Sync } from 'node:crypto';
import type { Derivation, Deriving } from '../engine/crypto/derivation.ts';

type Derive = (derivation: Derivation) => Uint8Array;

const properly: Derive = ({ hash, password, salt, iterations, length }) =>
  new Uint8Array(pbkdf2Sync(password, salt, iterations, length, hash));

/** Keys that depend on all that is asked but cost the same whatever the number of iterations. */
export const atNoCost: Derive = ({ hash, password, salt, iterations, length }) =>
  new Uint8Array(
    createHash('shake256', { outputLength: length })
      .update(`${hash} ${iterations} ${password.length} `)
      .update(password)
      .update(salt)
      .digest(),
  );

/** `pace`: iterations that one second takes. */
export function answeredAtOnce<T>(work: Deriving<T>, derive: Derive = properly, pace = 1): T {
  for (let step = work.next(0); ; ) {
    if (step.done) return step.value;
    step = work.next(step.value.kind === 'pace' ? pace : derive(step.value));
  }
}
