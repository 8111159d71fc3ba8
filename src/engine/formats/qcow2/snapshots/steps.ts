/** Putting work in steps together: parts of one whole, and work that must not be left in the middle. */
import type { Steps } from '../../../image/writable.ts';

/** Runs `steps` as part `index` of `count` equal ones. */
export function* partOf<Result>(index: number, count: number, steps: Steps<Result>): Steps<Result> {
  let finished = false;
  try {
    for (;;) {
      const next = steps.next();
      if (next.done) {
        finished = true;
        return next.value;
      }
      const { done, total } = next.value;
      yield { done: index * total + done, total: count * total };
    }
  } finally {
    if (!finished) steps.return(undefined as Result);
  }
}

/** Runs `steps` at once, without telling of progress. */
export function allOf<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const next = steps.next();
    if (next.done) return next.value;
  }
}

/** Past the point of no return: who leaves this work has it finished at once. */
export function* toTheEnd<Result>(steps: Steps<Result>): Steps<Result> {
  let running = true;
  try {
    for (;;) {
      running = false;
      const next = steps.next();
      running = true;
      if (next.done) {
        running = false;
        return next.value;
      }
      yield next.value;
    }
  } finally {
    if (running) allOf(steps);
  }
}
