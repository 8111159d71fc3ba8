/** Keys derived by the hosts against official vectors, the measure of the pace by a clock of its own, cancelling. */
import { describe, expect, test } from 'vitest';
import { type Deriving, derived, iterationsPerSecond, LUKS_HASHES } from '../engine/crypto/derivation.ts';
import { answered as answeredInBrowser, randomBytes as browserBytes } from '../platform/browser/derive-keys.ts';
import { answered as answeredInNode, randomBytes as nodeBytes } from '../platform/node/derive-keys.ts';
import { secret } from '../testing/small-luks.ts';
import { answerQuestions, type KeyDeriver } from './answer-questions.ts';
import { derivePlainly } from './derive-plainly.ts';

const asHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const plain: KeyDeriver = { derive: (derivation) => Promise.resolve(derivePlainly(derivation)), now: () => 0 };
const hosts: readonly [string, <T>(work: Deriving<T>) => Promise<T>][] = [
  ['node:crypto', answeredInNode],
  ['WebCrypto', answeredInBrowser],
  ['@noble/hashes', (work) => answerQuestions(work, plain)],
];

/** RFC 6070 (SHA-1) and RFC 7914 chapter 11 (SHA-256). */
const vectors = [
  ['sha1', 'password', 'salt', 1, '0c60c80f961f0e71f3a9b524af6012062fe037a6'],
  ['sha1', 'password', 'salt', 4096, '4b007901b765489abead49d926f721d065a429c1'],
  [
    'sha1',
    'passwordPASSWORDpassword',
    'saltSALTsaltSALTsaltSALTsaltSALTsalt',
    4096,
    '3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038',
  ],
  ['sha1', 'pass\0word', 'sa\0lt', 4096, '56fa6aa75548099dcc37d7f03425e0c3'],
  [
    'sha256',
    'passwd',
    'salt',
    1,
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  ],
  [
    'sha256',
    'Password',
    'NaCl',
    80000,
    '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
  ],
] as const;

describe.each(hosts)('%s', (_name, answered) => {
  test.each(vectors)('PBKDF2 with %s: %j, %j, %i times', async (hash, password, salt, iterations, expected) => {
    const question = { hash, password: secret(password), salt: secret(salt), iterations, length: expected.length / 2 };
    expect(asHex(await answered(derived(question)))).toBe(expected);
  });

  test.each(LUKS_HASHES)('%s is there, and means the same everywhere', async (hash) => {
    for (const password of ['', 'p', 'ä'.repeat(100)]) {
      const question = { hash, password: secret(password), salt: secret('s'), iterations: 7, length: 50 };
      const expected = derivePlainly({ kind: 'derive', ...question });
      expect(asHex(await answered(derived(question)))).toBe(asHex(expected));
    }
  });
});

test.each([
  ['Node', nodeBytes],
  ['the browser', browserBytes],
])('chance from %s: as much as is asked for', (_name, randomBytes) => {
  const bytes = randomBytes(200_000);
  expect(bytes.length).toBe(200_000);
  // The end has been reached, too, and no value is rare.
  const counts = new Uint32Array(256);
  for (const byte of bytes.subarray(-100_000)) counts[byte] = (counts[byte] ?? 0) + 1;
  expect(Math.min(...counts)).toBeGreaterThan(200);
});

describe('the pace', () => {
  const question = { hash: 'sha256', password: secret('p'), salt: secret('s'), length: 32 } as const;

  /** A host of so many iterations a second, and what it was asked for. */
  function hostOf(perSecond: number): { deriver: KeyDeriver; asked: number[] } {
    let clock = 1000;
    const asked: number[] = [];
    const derive = async ({ iterations, length }: { readonly iterations: number; readonly length: number }) => {
      asked.push(iterations);
      clock += (iterations / perSecond) * 1000;
      return new Uint8Array(length);
    };
    return { deriver: { derive, now: () => clock }, asked };
  }

  test.each([1000, 65536, 100_000, 400_000, 3_000_000, 1e9])('%i iterations a second are found', async (perSecond) => {
    const { deriver, asked } = hostOf(perSecond);
    const pace = await answerQuestions(iterationsPerSecond(question), deriver);
    expect(Math.abs(pace / perSecond - 1)).toBeLessThan(0.001);
    // It began small, ended as soon as half a second was seen, and no try was needlessly long.
    expect(asked[0]).toBe(32768);
    expect(asked.slice(0, -1).every((iterations) => iterations / perSecond <= 0.5)).toBe(true);
    expect(Math.max(0, ...asked.slice(1).map((iterations) => iterations / perSecond))).toBeLessThan(1.01);
  });

  test('a clock that stands still does not keep it for ever', async () => {
    const asked: number[] = [];
    const derive = async ({ iterations }: { readonly iterations: number }) => {
      asked.push(iterations);
      return new Uint8Array(32);
    };
    await expect(answerQuestions(iterationsPerSecond(question), { derive, now: () => 0 })).rejects.toThrow('clock');
    expect(asked.length).toBeLessThan(20);
  });
});

describe('cancelled', () => {
  function* endless(ended: { value: boolean }): Deriving<void> {
    try {
      for (;;) {
        yield { kind: 'derive', hash: 'sha1', password: secret('p'), salt: secret('s'), iterations: 1, length: 20 };
      }
    } finally {
      ended.value = true;
    }
  }

  test('between two keys, and while one is derived', async () => {
    for (const slow of [false, true]) {
      const ended = { value: false };
      const abort = new AbortController();
      let derivations = 0;
      const derive = async () => {
        if (++derivations === 3) abort.abort();
        if (slow && derivations === 3) await new Promise(() => {});
        return new Uint8Array(20);
      };
      const work = answerQuestions(endless(ended), { derive, now: () => 0 }, { signal: abort.signal });
      await expect(work).rejects.toMatchObject({ kind: 'cancelled' });
      expect(ended.value).toBe(true);
    }
  });

  test('before it began', async () => {
    const ended = { value: false };
    const signal = AbortSignal.abort();
    const derive = () => Promise.reject(new Error('asked'));
    const work = answerQuestions(endless(ended), { derive, now: () => 0 }, { signal });
    await expect(work).rejects.toMatchObject({ kind: 'cancelled' });
  });
});
