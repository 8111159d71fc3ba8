/** Sector ciphers against official vectors, and against their obvious twin: the modes spelled out over @noble/ciphers. */
import { cbc, ctr, ecb } from '@noble/ciphers/aes.js';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../testing/seed.ts';
import { ALGORITHMS, type CipherSpec, IV_GENERATORS, keyBytesOf, MODES } from './cipher-spec.ts';
import { legacyAesCipher } from './legacy-aes.ts';
import { sectorCipher } from './sector-cipher.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const asHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const counting = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff);
const noPadding = { disablePadding: true };

/** The IV as the books have it. */
function twinIv({ ivgen }: CipherSpec, key: Uint8Array, sector: number): Uint8Array {
  const iv = new Uint8Array(16);
  new DataView(iv.buffer).setBigUint64(0, ivgen === 'plain' ? BigInt(sector) & 0xffff_ffffn : BigInt(sector), true);
  return ivgen === 'essiv' ? ecb(sha256(key), noPadding).encrypt(iv) : iv;
}

/** XTS with numbers as wide as they are (IEEE 1619). */
function twinXts(key: Uint8Array, iv: Uint8Array, bytes: Uint8Array, encrypt: boolean): Uint8Array {
  const half = key.length / 2;
  // One of its ciphers encrypts once.
  const aes = () => ecb(key.subarray(0, half), noPadding);
  const little = (from: Uint8Array): bigint => BigInt(`0x${asHex(from.slice().reverse())}`);
  let tweak = little(ecb(key.subarray(half), noPadding).encrypt(iv));
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 16) {
    const mask = hex(tweak.toString(16).padStart(32, '0')).reverse();
    const block = bytes.slice(at, at + 16).map((byte, i) => byte ^ (mask[i] ?? 0));
    const crypted = encrypt ? aes().encrypt(block) : aes().decrypt(block);
    out.set(
      crypted.map((byte, i) => byte ^ (mask[i] ?? 0)),
      at,
    );
    tweak <<= 1n;
    if (tweak >> 128n) tweak ^= (1n << 128n) | 0x87n;
  }
  return out;
}

function twin(spec: CipherSpec, key: Uint8Array, bytes: Uint8Array, first: number, encrypt: boolean): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let at = 0, sector = first; at < bytes.length; at += 512, sector++) {
    const iv = twinIv(spec, key, sector);
    const part = bytes.slice(at, at + 512);
    if (spec.mode === 'xts') out.set(twinXts(key, iv, part, encrypt), at);
    else {
      const aes =
        spec.mode === 'cbc' ? cbc(key, iv, noPadding) : spec.mode === 'ctr' ? ctr(key, iv) : ecb(key, noPadding);
      out.set(encrypt ? aes.encrypt(part) : aes.decrypt(part), at);
    }
  }
  return out;
}

const arbitrarySpec = fc.record({
  algorithm: fc.constantFrom(...ALGORITHMS),
  mode: fc.constantFrom(...MODES),
  ivgen: fc.constantFrom(...IV_GENERATORS),
  ivgenHash: fc.constant('sha256' as const),
});
const arbitraryCase = arbitrarySpec.chain((spec) =>
  fc.record({
    spec: fc.constant(spec),
    key: fc.uint8Array({ minLength: keyBytesOf(spec), maxLength: keyBytesOf(spec) }),
    sector: fc.oneof(
      fc.nat(),
      fc.integer({ min: 2 ** 32 - 3, max: 2 ** 32 + 3 }),
      fc.integer({ min: 0, max: 2 ** 44 }),
    ),
    blocks: fc.integer({ min: 0, max: 130 }),
    // The bytes may begin anywhere in their buffer.
    skipped: fc.nat(7),
    seed: fc.nat(),
  }),
);

test('agrees with its twin: every algorithm, mode and IV generator, any sector, any length', () => {
  fc.assert(
    fc.property(arbitraryCase, ({ spec, key, sector, blocks, skipped, seed }) => {
      const plain = Uint8Array.from({ length: blocks * 16 }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 13) & 0xff);
      const bytes = new Uint8Array(blocks * 16 + skipped).subarray(skipped);
      bytes.set(plain);
      const cipher = sectorCipher(spec, key.slice());
      cipher.encrypt(bytes, sector);
      expect(asHex(bytes)).toBe(asHex(twin(spec, key, plain, sector, true)));
      cipher.decrypt(bytes, sector);
      expect(asHex(bytes)).toBe(asHex(plain));
      // Bytes that nobody encrypted, too.
      cipher.decrypt(bytes, sector);
      expect(asHex(bytes)).toBe(asHex(twin(spec, key, plain, sector, false)));
    }),
    { numRuns: runs(300) },
  );
});

interface Vector {
  readonly name: string;
  readonly spec: CipherSpec;
  readonly key: string;
  readonly sector: number;
  readonly plain: Uint8Array;
  readonly crypted: string;
}

const xts128 = { algorithm: 'aes-128', mode: 'xts', ivgen: 'plain64' } as const;
const xts256 = { algorithm: 'aes-256', mode: 'xts', ivgen: 'plain64' } as const;
const nistPlain = hex(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
);

const vectors: readonly Vector[] = [
  {
    name: 'IEEE 1619 vector 1',
    spec: xts128,
    key: '00'.repeat(32),
    sector: 0,
    plain: filled(32, 0),
    crypted: '917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e',
  },
  {
    name: 'IEEE 1619 vector 2',
    spec: xts128,
    key: '11'.repeat(16) + '22'.repeat(16),
    sector: 0x3333333333,
    plain: filled(32, 0x44),
    crypted: 'c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0',
  },
  {
    name: 'IEEE 1619 vector 3',
    spec: xts128,
    key: `fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0${'22'.repeat(16)}`,
    sector: 0x3333333333,
    plain: filled(32, 0x44),
    crypted: 'af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89',
  },
  {
    name: 'IEEE 1619 vector 4',
    spec: xts128,
    key: '2718281828459045235360287471352631415926535897932384626433832795',
    sector: 0,
    plain: counting,
    crypted: `27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89cc78cf7f5e543445f8333d8fa7f560000
      05279fa5d8b5e4ad40e736ddb4d35412328063fd2aab53e5ea1e0a9f332500a5df9487d07a5c92cc512c8866c7e860ce
      93fdf166a24912b422976146ae20ce846bb7dc9ba94a767aaef20c0d61ad02655ea92dc4c4e41a8952c651d33174be51
      a10c421110e6d81588ede82103a252d8a750e8768defffed9122810aaeb99f9172af82b604dc4b8e51bcb08235a6f434
      1332e4ca60482a4ba1a03b3e65008fc5da76b70bf1690db4eae29c5f1badd03c5ccf2a55d705ddcd86d449511ceb7ec3
      0bf12b1fa35b913f9f747a8afd1b130e94bff94effd01a91735ca1726acd0b197c4e5b03393697e126826fb6bbde8ecc
      1e08298516e2c9ed03ff3c1b7860f6de76d4cecd94c8119855ef5297ca67e9f3e7ff72b1e99785ca0a7e7720c5b36dc6
      d72cac9574c8cbbc2f801e23e56fd344b07f22154beba0f08ce8891e643ed995c94d9a69c9f1b5f499027a78572aeebd
      74d20cc39881c213ee770b1010e4bea718846977ae119f7a023ab58cca0ad752afe656bb3c17256a9f6e9bf19fdd5a38
      fc82bbe872c5539edb609ef4f79c203ebb140f2e583cb2ad15b4aa5b655016a8449277dbd477ef2c8d6c017db738b18d
      eb4a427d1923ce3ff262735779a418f20a282df920147beabe421ee5319d0568`,
  },
  {
    name: 'IEEE 1619 vector 10',
    spec: xts256,
    key: '27182818284590452353602874713526624977572470936999595749669676273141592653589793238462643383279502884197169399375105820974944592',
    sector: 0xff,
    plain: counting,
    crypted: `1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d66b317f9ac683f44
      680a86ac35adfc3345befecb4bb188fd5776926c49a3095eb108fd1098baec70aaa66999a72a82f27d848b21d4a741b0
      c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf1000020887891429ca2a3e7a7d7df7b10355165c8b9a6d0a7d
      e8b062c4500dc4cd120c0f7418dae3d0b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f
      93ec05c52e0493ef31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec583e9645e07b8d9670655ba5bbcfecc6
      dc3966380ad8fecb17b6ba02469a020a84e18e8f84252070c13e9f1f289be54fbc481457778f616015e1327a02b140f1
      505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae9be69a2ffeceb1bec9de244fbe15992b
      11b77c040f12bd8f6a975a44a0f90c29a9abc3d4d893927284c58754cce294529f8614dcd2aba991925fedc4ae74ffac
      6e333b93eb4aff0479da9a410e4450e0dd7ae4c6e2910900575da401fc07059f645e8b7e9bfdef33943054ff84011493
      c27b3429eaedb4ed5376441a77ed43851ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa
      773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151`,
  },
  {
    name: 'NIST SP 800-38A F.1.1, ECB with AES-128',
    spec: { algorithm: 'aes-128', mode: 'ecb', ivgen: 'plain64' },
    key: '2b7e151628aed2a6abf7158809cf4f3c',
    sector: 7,
    plain: nistPlain,
    crypted:
      '3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4',
  },
  {
    name: 'NIST SP 800-38A F.1.3, ECB with AES-192',
    spec: { algorithm: 'aes-192', mode: 'ecb', ivgen: 'plain' },
    key: '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
    sector: 7,
    plain: nistPlain,
    crypted:
      'bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eefef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e',
  },
  {
    name: 'NIST SP 800-38A F.1.5, ECB with AES-256',
    spec: { algorithm: 'aes-256', mode: 'ecb', ivgen: 'plain64' },
    key: '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    sector: 0,
    plain: nistPlain,
    crypted:
      'f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7',
  },
];

describe('official vectors', () => {
  test.each(vectors)('$name', ({ spec, key, sector, plain, crypted }) => {
    const cipher = sectorCipher(spec, hex(key));
    const bytes = plain.slice();
    cipher.encrypt(bytes, sector);
    expect(asHex(bytes)).toBe(asHex(hex(crypted)));
    cipher.decrypt(bytes, sector);
    expect(asHex(bytes)).toBe(asHex(plain));
  });

  test('NIST SP 800-38A F.2.1, CBC with AES-128: whatever the IV, as a first block it is combined with the data', () => {
    // The IVs of disks are sector numbers; the book's is reached by combining it with the first block.
    const key = hex('2b7e151628aed2a6abf7158809cf4f3c');
    const iv = hex('000102030405060708090a0b0c0d0e0f');
    const bytes = nistPlain.slice();
    for (let i = 0; i < 16; i++) bytes[i] = (bytes[i] ?? 0) ^ (iv[i] ?? 0);
    sectorCipher({ algorithm: 'aes-128', mode: 'cbc', ivgen: 'plain64' }, key).encrypt(bytes, 0);
    expect(asHex(bytes)).toBe(
      '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7',
    );
  });
});

test('essiv with a hash that is no key of AES is refused', () => {
  const spec: CipherSpec = { algorithm: 'aes-256', mode: 'cbc', ivgen: 'essiv', ivgenHash: 'sha1' };
  expect(() => sectorCipher(spec, new Uint8Array(32))).toThrow('AES has no key of 20 bytes');
});

test('a cleared cipher has forgotten its key', () => {
  const spec: CipherSpec = { algorithm: 'aes-128', mode: 'xts', ivgen: 'plain64' };
  const cipher = sectorCipher(spec, filled(32, 5));
  const before = filled(16, 1);
  cipher.encrypt(before, 0);
  cipher.clear();
  const after = filled(16, 1);
  cipher.encrypt(after, 0);
  expect(asHex(after)).not.toBe(asHex(before));
});

test('the old AES: the passphrase cut or filled up to 16 bytes, sectors in 64 bits', () => {
  for (const passphrase of ['', 'short', 'exactly 16 bytes', 'more than sixteen bytes of it']) {
    const key = new Uint8Array(16);
    key.set(Buffer.from(passphrase).subarray(0, 16));
    const bytes = counting.slice();
    legacyAesCipher(Buffer.from(passphrase)).encrypt(bytes, 2 ** 33 + 5);
    const iv = hex('05000000020000000000000000000000');
    expect(asHex(bytes)).toBe(asHex(cbc(key, iv, noPadding).encrypt(counting)));
  }
});
