/** Steps of the engine as the pump takes them. */
import type { CheckProgress } from '../engine/image/report.ts';
import type { Operation } from '../jobs/step.ts';

/** A step without a count only lets messages have their turn. */
export function* asOperation<Result>(steps: Generator<CheckProgress | undefined, Result>): Operation<Result> {
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      yield { kind: 'progress', done: step.value?.done ?? 0, total: step.value?.total ?? 0 };
    }
  } finally {
    // What it would return is of no interest: `return` is for its `finally` blocks.
    steps.return(undefined as Result);
  }
}
