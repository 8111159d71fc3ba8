/** Against Node's own SHA-256, over random pieces and zero runs. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sha256 } from './sha256.ts';

test('the standard examples', () => {
  expect(new Sha256().finish()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(new Sha256().update(Buffer.from('abc')).finish()).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

test('random pieces and zero runs, at every alignment', () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat(5000));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const ours = new Sha256();
      const theirs = createHash('sha256');
      for (const one of pieces) {
        if (typeof one === 'number') ours.zeros(one);
        else ours.update(one);
        theirs.update(typeof one === 'number' ? Buffer.alloc(one) : one);
      }
      expect(ours.finish()).toBe(theirs.digest('hex'));
    }),
    { numRuns: 300 },
  );
});

test('a length beyond 32 bits is told in full', () => {
  const length = 520 * 1024 * 1024;
  const theirs = createHash('sha256');
  const megabyte = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < 520; i++) theirs.update(megabyte);
  expect(new Sha256().zeros(length).finish()).toBe(theirs.digest('hex'));
});
