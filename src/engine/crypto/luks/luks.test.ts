/** LUKS headers made, opened, changed and damaged here; other people's are judged in formats/luks. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answeredAtOnce, atNoCost } from '../../../testing/answered-at-once.ts';
import { runs } from '../../../testing/seed.ts';
import { secret, seededBytes, smallLuksHeader } from '../../../testing/small-luks.ts';
import { DiskwrightError } from '../../errors.ts';
import { type Deriving, type HashName, LUKS_HASHES } from '../derivation.ts';
import { amendLuks, type KeySlotChange } from './amend.ts';
import { mergeKey, splitKey } from './anti-forensic.ts';
import { createLuks } from './create.ts';
import { keyOffsetOf, LUKS_HEADER_BYTES, MAX_ITERATIONS, readLuksHeader } from './header.ts';
import { type Unlocked, unlockLuks } from './unlock.ts';

const volume = (bytes: Uint8Array) => ({
  read(at: number, into: Uint8Array) {
    into.fill(0);
    into.set(bytes.subarray(at, at + into.length));
  },
});

const opened = (bytes: Uint8Array, passphrase: string): Unlocked =>
  answeredAtOnce(unlockLuks(volume(bytes), secret(passphrase)));

function amended(bytes: Uint8Array, change: KeySlotChange): Uint8Array {
  const copy = bytes.slice();
  for (const { at, bytes: patch } of answeredAtOnce(amendLuks(volume(bytes), change, seededBytes(9)))) {
    copy.set(patch, at);
  }
  return copy;
}

function kindOf(body: () => unknown): string {
  try {
    body();
  } catch (thrown) {
    if (thrown instanceof DiskwrightError) return thrown.kind;
    throw thrown;
  }
  return 'nothing thrown';
}

/** States of the eight slots, `#` for those in use. */
const slots = (bytes: Uint8Array): string =>
  readLuksHeader(bytes)
    .slots.map(({ active }) => (active ? '#' : '.'))
    .join('');

test.each(LUKS_HASHES.flatMap((hash) => [16, 24, 32, 64].map((bytes): [HashName, number] => [hash, bytes])))(
  'a key split with %s comes together again, %i bytes',
  (hash, bytes) => {
    const key = seededBytes(3)(bytes);
    const stripes = seededBytes(4)(bytes * 50);
    splitKey(hash, key, stripes);
    expect(mergeKey(hash, stripes, bytes)).toEqual(key);
    stripes[7] = (stripes[7] ?? 0) ^ 1;
    expect(mergeKey(hash, stripes, bytes)).not.toEqual(key);
  },
);

const header = smallLuksHeader('one');

test('a header is as long as the contract says, its parts where it says', () => {
  expect(header.length).toBe(0x1f9000);
  const { keyBytes, payloadOffset, uuid, digestIterations, slots: all } = readLuksHeader(header);
  expect([keyBytes, payloadOffset, digestIterations, all[0]?.iterations]).toEqual([64, 2068480, 1000, 1000]);
  expect(all.map(({ keyOffset }) => keyOffset).slice(0, 3)).toEqual([4096, 262144, 520192]);
  expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(slots(header)).toBe('#.......');
  // Behind the first key's material is nothing.
  expect(header.subarray(4096 + 256000).every((byte) => byte === 0)).toBe(true);
});

test('iterations follow the pace: an eighth of the time for the digest, a thousand at least', () => {
  const request = {
    cipher: { algorithm: 'aes-128', mode: 'xts', ivgen: 'plain64' },
    hash: 'sha256',
    iterTime: 500,
  } as const;
  const counts = (pace: number, iterTime: number) => {
    const work = createLuks({ ...request, iterTime }, secret('x'), seededBytes(1));
    const { digestIterations, slots: all } = readLuksHeader(answeredAtOnce(work, atNoCost, pace));
    return [digestIterations, all[0]?.iterations];
  };
  expect(counts(1_000_001, 500)).toEqual([62500, 500000]);
  expect(counts(3, 2000)).toEqual([1000, 1000]);
  expect(counts(1e9, 0)).toEqual([1000, 1000]);
  expect(kindOf(() => counts(1e9, 2000))).toBe('invalid-option');
});

test('the right passphrase opens it, any other is told plainly', () => {
  const { slot, masterKey, cipher } = opened(header, 'one');
  expect([slot, masterKey.length]).toEqual([0, 64]);
  const sector = new Uint8Array(512);
  cipher.encrypt(sector, 5);
  cipher.decrypt(sector, 5);
  expect(sector.every((byte) => byte === 0)).toBe(true);
  for (const wrong of ['', 'One', 'one\0', 'one ']) {
    // A password's zeros at the end are nothing to HMAC: whoever gives secrets refuses them.
    const kind = wrong === 'one\0' ? 'nothing thrown' : 'passphrase';
    expect(kindOf(() => opened(header, wrong))).toBe(kind);
  }
});

describe('key slots', () => {
  // The shortest key: its material is merged soonest.
  const header = smallLuksHeader('one', { 'cipher-alg': 'aes-128', 'cipher-mode': 'cbc' });
  const two = amended(header, { state: 'active', passphrase: secret('one'), newPassphrase: secret('two') });

  test('a passphrase is added to the first free slot, or to the one that is named', () => {
    expect(slots(two)).toBe('##......');
    expect(opened(two, 'two').masterKey).toEqual(opened(header, 'one').masterKey);
    expect(opened(two, 'one').slot).toBe(0);
    const seventh = amended(two, {
      state: 'active',
      passphrase: secret('two'),
      newPassphrase: secret('3'),
      keyslot: 6,
    });
    expect([slots(seventh), opened(seventh, '3').slot]).toEqual(['##....#.', 6]);
  });

  test('what is erased opens nothing, its material is noise, the others are as they were', () => {
    const left = amended(two, { state: 'inactive', keyslot: 0 });
    expect(slots(left)).toBe('.#......');
    expect(kindOf(() => opened(left, 'one'))).toBe('passphrase');
    expect(opened(left, 'two').slot).toBe(1);
    const material = (bytes: Uint8Array) => bytes.subarray(keyOffsetOf(0, 16), keyOffsetOf(0, 16) + 64000);
    const same = material(left).filter((byte, i) => byte === material(two)[i]).length;
    expect(same).toBeLessThan(64000 / 100);
    expect(left.subarray(208 + 8, 208 + 40).every((byte) => byte === 0)).toBe(true);
    const byPassphrase = amended(two, { state: 'inactive', oldPassphrase: secret('two') });
    expect(slots(byPassphrase)).toBe('#.......');
  });

  test('what is erased is overwritten three times behind the slot that says so', () => {
    const patches = answeredAtOnce(amendLuks(volume(two), { state: 'inactive', keyslot: 1 }, seededBytes(9)));
    const material = keyOffsetOf(1, 16);
    expect(patches.map(({ at, bytes }) => [at, bytes.length])).toEqual([
      [208 + 48, 48],
      [material, 64000],
      [material, 64000],
      [material, 64000],
    ]);
  });

  test('erased by its passphrase goes every slot that it opens', () => {
    const thrice = [3, 5].reduce(
      (bytes, keyslot) =>
        amended(bytes, { state: 'active', passphrase: secret('one'), newPassphrase: secret('two'), keyslot }),
      header,
    );
    expect(slots(thrice)).toBe('#..#.#..');
    expect(slots(amended(thrice, { state: 'inactive', oldPassphrase: secret('two') }))).toBe('#.......');
  });

  const refusals: readonly [string, Uint8Array, KeySlotChange, string][] = [
    ['the last one', header, { state: 'inactive', keyslot: 0 }, 'invalid-option'],
    ['the last one by its passphrase', header, { state: 'inactive', oldPassphrase: secret('one') }, 'invalid-option'],
    ['one that is not in use', header, { state: 'inactive', keyslot: 3 }, 'invalid-option'],
    ['one that there is not', two, { state: 'inactive', keyslot: 8 }, 'invalid-option'],
    ['nothing said', two, { state: 'inactive' }, 'invalid-option'],
    ['with another old passphrase', two, { state: 'inactive', keyslot: 0, oldPassphrase: secret('two') }, 'passphrase'],
    ['by a passphrase that opens nothing', two, { state: 'inactive', oldPassphrase: secret('x') }, 'passphrase'],
    [
      'into one in use',
      two,
      { state: 'active', passphrase: secret('one'), newPassphrase: secret('3'), keyslot: 1 },
      'invalid-option',
    ],
    [
      'by a passphrase that is wrong',
      two,
      { state: 'active', passphrase: secret('x'), newPassphrase: secret('3') },
      'passphrase',
    ],
    [
      'a slot beyond the last',
      two,
      { state: 'active', passphrase: secret('one'), newPassphrase: secret('3'), keyslot: 8 },
      'invalid-option',
    ],
  ];
  test.each(refusals)('refused: %s', (_name, bytes, change, kind) => {
    expect(kindOf(() => amended(bytes, change))).toBe(kind);
  });

  test('by force even the last one goes, and one in use is overwritten', () => {
    const none = amended(header, { state: 'inactive', keyslot: 0, force: true });
    expect(slots(none)).toBe('........');
    expect(kindOf(() => opened(none, 'one'))).toBe('corrupt');
    const other = amended(two, {
      state: 'active',
      passphrase: secret('one'),
      newPassphrase: secret('new'),
      keyslot: 1,
      force: true,
    });
    expect(opened(other, 'new').slot).toBe(1);
    expect(kindOf(() => opened(other, 'two'))).toBe('passphrase');
  });

  test('there is room for eight', () => {
    let bytes = header;
    for (const name of '2345678') {
      bytes = amended(bytes, { state: 'active', passphrase: secret('one'), newPassphrase: secret(name), iterTime: 0 });
    }
    expect([slots(bytes), opened(bytes, '8').slot]).toEqual(['########', 7]);
    const ninth = { state: 'active', passphrase: secret('one'), newPassphrase: secret('9') } as const;
    expect(kindOf(() => amended(bytes, ninth))).toBe('invalid-option');
  });

  test('between any two patches one of the passphrases opens the disk', () => {
    const changes: readonly (readonly [KeySlotChange, readonly string[]])[] = [
      [{ state: 'active', passphrase: secret('one'), newPassphrase: secret('3') }, ['one', 'two']],
      [{ state: 'inactive', keyslot: 1 }, ['one']],
    ];
    for (const [change, sure] of changes) {
      const bytes = two.slice();
      for (const { at, bytes: patch } of answeredAtOnce(amendLuks(volume(two), change, seededBytes(9)))) {
        bytes.set(patch, at);
        for (const passphrase of sure) expect(opened(bytes, passphrase).masterKey.length).toBe(16);
      }
    }
  });

  test('the only slot is overwritten by way of another one', () => {
    const change = {
      state: 'active',
      passphrase: secret('one'),
      newPassphrase: secret('new'),
      keyslot: 0,
      force: true,
      iterTime: 0,
    } as const;
    const bytes = header.slice();
    const opens = (passphrase: string): boolean => {
      try {
        return opened(bytes, passphrase).masterKey.length === 16;
      } catch {
        return false;
      }
    };
    for (const { at, bytes: patch } of answeredAtOnce(amendLuks(volume(header), change, seededBytes(9)))) {
      bytes.set(patch, at);
      expect(opens('one') || opens('new')).toBe(true);
    }
    expect([slots(bytes), opens('one'), opens('new')]).toEqual(['#.......', false, true]);
  });

  test('a slot that would take for ever does not shut the others', () => {
    const bytes = two.slice();
    // Iterations of slot 0.
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(208 + 4, 0xffff_ffff);
    expect(opened(bytes, 'two').slot).toBe(1);
    expect(kindOf(() => opened(bytes, 'one'))).toBe('unsupported');
    expect(kindOf(() => amended(bytes, { state: 'inactive', oldPassphrase: secret('two') }))).toBe('nothing thrown');
  });
});

test('keys are cleared: what the work asked for and made is zeros once it has ended', () => {
  const answers: Uint8Array[] = [];
  const candidates: Uint8Array[] = [];
  const stripes: Uint8Array[] = [];
  const kept = <T>(work: Deriving<T>): T =>
    answeredAtOnce(work, (derivation) => {
      const key = atNoCost(derivation);
      if (derivation.length === 64) answers.push(key);
      // A master key, or what another passphrase makes of the stripes, is asked for its digest.
      else candidates.push(derivation.password);
      return key;
    });
  const randoms: Uint8Array[] = [];
  const random = (length: number): Uint8Array => {
    const bytes = seededBytes(length)(length);
    if (length === 64) randoms.push(bytes);
    return bytes;
  };
  const cipher = { algorithm: 'aes-256', mode: 'xts', ivgen: 'plain64' } as const;
  const bytes = kept(createLuks({ cipher, hash: 'sha256', iterTime: 0 }, secret('x'), random));
  const watched = {
    read(at: number, into: Uint8Array) {
      volume(bytes).read(at, into);
      if (into.length === 256000) stripes.push(into);
    },
  };
  expect(kindOf(() => kept(unlockLuks(watched, secret('wrong'))))).toBe('passphrase');
  expect([answers, randoms, candidates, stripes].map(({ length }) => length)).toEqual([2, 1, 2, 1]);
  for (const key of [...answers, ...randoms, ...candidates, ...stripes]) {
    expect(key.every((byte) => byte === 0)).toBe(true);
  }
});

describe('damaged headers', () => {
  const make = createLuks(
    { cipher: { algorithm: 'aes-128', mode: 'cbc', ivgen: 'plain64' }, hash: 'sha256', iterTime: 0 },
    secret('x'),
    seededBytes(2),
  );
  const sound = answeredAtOnce(make, atNoCost);
  const value = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
  // Numbers and names weigh more than salts.
  const telling = [...Array(112).keys(), ...Array.from({ length: 12 }, (_, i) => 160 + i)].concat(
    Array.from({ length: 8 }, (_, i) =>
      [0, 1, 2, 3, 4, 5, 6, 7, 40, 41, 42, 43, 44, 45, 46, 47].map((at) => 208 + i * 48 + at),
    ).flat(),
  );
  const place = fc.oneof(fc.constantFrom(...telling), fc.nat(LUKS_HEADER_BYTES - 1));

  test('are opened, refused in words, or open with no passphrase: nothing else, and never for long', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(fc.record({ at: place, value }), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = sound.slice();
        for (const change of changes) bytes[change.at] = change.value;
        let asked = 0;
        const kind = kindOf(() =>
          answeredAtOnce(unlockLuks(volume(bytes), secret('x')), (derivation) => {
            asked++;
            expect(derivation.iterations).toBeLessThanOrEqual(MAX_ITERATIONS);
            expect(derivation.length).toBeLessThanOrEqual(64);
            return atNoCost(derivation);
          }),
        );
        if (kind !== 'nothing thrown') refused++;
        expect(['nothing thrown', 'corrupt', 'unsupported', 'passphrase']).toContain(kind);
        expect(asked).toBeLessThanOrEqual(16);
      }),
      { numRuns: runs(400) },
    );
    expect(refused).toBeGreaterThan(100);
  });

  test('a header cut anywhere is refused', () => {
    for (let length = 0; length < LUKS_HEADER_BYTES; length += 37) {
      const bytes = sound.slice();
      bytes.fill(0, length);
      expect(['corrupt', 'unsupported']).toContain(
        kindOf(() => answeredAtOnce(unlockLuks(volume(bytes), secret('x')), atNoCost)),
      );
    }
  });

  test('more iterations than anyone waits for are refused before a key is derived', () => {
    const bytes = sound.slice();
    new DataView(bytes.buffer).setUint32(212, 0xffff_ffff);
    const never = () => {
      throw new Error('a key was derived');
    };
    expect(kindOf(() => answeredAtOnce(unlockLuks(volume(bytes), secret('x')), never))).toBe('unsupported');
  });

  test('a cipher beyond AES is named', () => {
    const bytes = sound.slice();
    bytes.set(secret('serpent\0'), 8);
    expect(() => answeredAtOnce(unlockLuks(volume(bytes), secret('x')), atNoCost)).toThrow(
      'encrypted with serpent-128',
    );
  });
});
