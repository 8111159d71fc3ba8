/** Keys and chance from WebCrypto; what it lacks (old hashes, pages without a secure context) in plain JavaScript. */
import type { Derivation, Deriving, HashName } from '../../engine/crypto/derivation.ts';
import { type AnswerOptions, answerQuestions } from '../../jobs/answer-questions.ts';
import { derivePlainly } from '../../jobs/derive-plainly.ts';

const WEB_NAMES: Readonly<Partial<Record<HashName, string>>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

async function derive(derivation: Derivation): Promise<Uint8Array> {
  const { hash, password, salt, iterations, length } = derivation;
  const name = WEB_NAMES[hash];
  const subtle = globalThis.crypto.subtle as typeof globalThis.crypto.subtle | undefined;
  if (name === undefined || !subtle) return derivePlainly(derivation);
  // HMAC fills a key up with zeros, so that one zero byte is the same as nothing, which not every browser takes.
  const raw = password.length === 0 ? new Uint8Array(1) : Uint8Array.from(password);
  const key = await subtle.importKey('raw', raw, 'PBKDF2', false, ['deriveBits']);
  raw.fill(0);
  const parameters = { name: 'PBKDF2', hash: name, salt: Uint8Array.from(salt), iterations };
  return new Uint8Array(await subtle.deriveBits(parameters, key, length * 8));
}

/** The most that one call of the browser gives. */
const AT_ONCE = 65536;

export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += AT_ONCE) globalThis.crypto.getRandomValues(bytes.subarray(at, at + AT_ONCE));
  return bytes;
}

/** Runs work that asks for keys. Rejects with what it throws, or `cancelled`. */
export const answered = <T>(work: Deriving<T>, options: AnswerOptions = {}): Promise<T> =>
  answerQuestions(work, { derive, now: () => performance.now() }, options);
