/**
 * Drives work of the engine that asks for keys: the platform derives them, a clock tells how fast. The measure is
 * QEMU's: ever longer derivations until one takes half a second.
 */
import type { Answer, Derivation, Deriving, Question } from '../engine/crypto/derivation.ts';
import { DiskwrightError } from '../engine/errors.ts';

export interface KeyDeriver {
  derive(derivation: Derivation): Promise<Uint8Array>;
  /** Milliseconds so far, from anywhere: what a derivation takes is the difference. */
  now(): number;
}

export interface AnswerOptions {
  /** Cancels between two derivations; one that runs cannot be stopped, but is not waited for. */
  readonly signal?: AbortSignal | undefined;
}

const FIRST_TRY = 2 ** 15;
/** What takes less tells little. */
const SHORT_MS = 100;
const ENOUGH_MS = 500;
/** No host does so many in half a second. */
const BEYOND_ANY_HOST = 2 ** 34;

async function measurePace(deriver: KeyDeriver, question: Question & { readonly kind: 'pace' }): Promise<number> {
  for (let iterations = FIRST_TRY; ; ) {
    const start = deriver.now();
    (await deriver.derive({ ...question, kind: 'derive', iterations })).fill(0);
    const took = deriver.now() - start;
    if (took > ENOUGH_MS) return Math.max(1, Math.floor((iterations * 1000) / took));
    if (iterations > BEYOND_ANY_HOST) throw new Error('internal error: the clock stands still');
    iterations = took < SHORT_MS ? iterations * 10 : Math.max(iterations + 1, Math.floor((iterations * 1000) / took));
  }
}

const cancelled = (): DiskwrightError => new DiskwrightError('cancelled', 'cancelled while a key was derived');

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  if (signal.aborted) throw cancelled();
  return await new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(cancelled());
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

export async function answerQuestions<T>(
  work: Deriving<T>,
  deriver: KeyDeriver,
  { signal }: AnswerOptions = {},
): Promise<T> {
  let finished = false;
  try {
    if (signal?.aborted) throw cancelled();
    for (let step = work.next(0); ; ) {
      if (step.done) {
        finished = true;
        return step.value;
      }
      const question = step.value;
      const answer: Promise<Answer> =
        question.kind === 'derive' ? deriver.derive(question) : measurePace(deriver, question);
      step = work.next(await unlessAborted(answer, signal));
    }
  } finally {
    // Work that threw has ended already, and this does nothing; else its `finally` clears what it holds.
    if (!finished) work.return(undefined as T);
  }
}
