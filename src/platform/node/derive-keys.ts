/** Keys and chance from node:crypto. Derivations run beside the event loop. */
import { getHashes, randomBytes as nodeRandomBytes, pbkdf2 } from 'node:crypto';
import process from 'node:process';
import { promisify } from 'node:util';
import type { Derivation, Deriving } from '../../engine/crypto/derivation.ts';
import { type AnswerOptions, answerQuestions } from '../../jobs/answer-questions.ts';
import { derivePlainly } from '../../jobs/derive-plainly.ts';

const deriveInThread = promisify(pbkdf2);
/** Builds of OpenSSL differ in what old hashes they still have. */
const KNOWN = new Set(getHashes().map((name) => name.toLowerCase()));

/** What is cleared later must be all there is of it. */
function ownBytes(buffer: Buffer): Uint8Array {
  const bytes = new Uint8Array(buffer);
  buffer.fill(0);
  return bytes;
}

async function derive(derivation: Derivation): Promise<Uint8Array> {
  const { hash, password, salt, iterations, length } = derivation;
  if (!KNOWN.has(hash)) return derivePlainly(derivation);
  return ownBytes(await deriveInThread(password, salt, iterations, length, hash));
}

export const randomBytes = (length: number): Uint8Array => ownBytes(nodeRandomBytes(length));

/** Like QEMU, time of the processor counts: a busy machine must not make keys cheap. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs work that asks for keys. Rejects with what it throws, or `cancelled`. */
export const answered = <T>(work: Deriving<T>, options: AnswerOptions = {}): Promise<T> =>
  answerQuestions(work, { derive, now: spent }, options);
