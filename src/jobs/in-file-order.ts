/**
 * Turns the steps of `emitLayout` into the whole file in order: what was skipped as a hole comes as
 * zeros, and progress counts the file's length. For sinks that cannot seek, and for hashing.
 */
import type { Operation } from './step.ts';

/** Zeros in one step. */
const STRETCH = 8 * 1024 * 1024;

export function* inFileOrder(operation: Operation<number>, length: number): Operation<number> {
  let at = 0;

  function* zerosUpTo(end: number): Operation<void> {
    while (at < end) {
      const stretch = Math.min(STRETCH, end - at);
      yield { kind: 'zeros', at, length: stretch };
      at += stretch;
      yield { kind: 'progress', done: at, total: length };
    }
  }

  try {
    for (;;) {
      const { done, value } = operation.next();
      if (done) break;
      if (value.kind === 'progress') continue;
      yield* zerosUpTo(value.at);
      if (value.kind === 'zeros') yield* zerosUpTo(value.at + value.length);
      else {
        yield value;
        at += value.bytes.length;
        yield { kind: 'progress', done: at, total: length };
      }
    }
    yield* zerosUpTo(length);
    return at;
  } finally {
    operation.return(0);
  }
}
