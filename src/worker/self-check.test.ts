import { expect, it } from 'vitest';
import { imageLayoutOf } from '../engine/formats/qcow2/image-layout.ts';
import { parametersOf } from '../engine/formats/qcow2/parameters.ts';
import type { FileLayout, Part } from '../engine/image/layout.ts';
import { selfCheck } from './self-check.ts';

const { image } = imageLayoutOf(parametersOf({ size: '40M', preallocation: 'metadata' }));
const check = (layout: FileLayout, format = 'qcow2', signal = new AbortController().signal) =>
  selfCheck(format, layout, undefined, () => {}, signal);

/** The same file with every table of one kind lost. */
const without = (part: Part): FileLayout => ({
  ...image,
  fill(piece, from, into) {
    if (piece.part === part) into.fill(0);
    else image.fill(piece, from, into);
  },
});

it('finds a good image sound, as it was sent', async () => {
  expect(await check(image)).toEqual({ verdict: 'sound', findings: [], read: 'sent' });
});

it('finds lost counts, and shows the first of them', async () => {
  const verdict = await check(without('refcount-block'));
  expect(verdict?.verdict).toBe('damaged');
  expect(verdict?.findings).toHaveLength(5);
});

it('a lost header is damage too', async () => {
  expect(await check(without('header'))).toMatchObject({ verdict: 'damaged', read: 'sent' });
});

it('raw has nothing to check', async () => {
  expect(await check(image, 'raw')).toBeUndefined();
});

it('can be cancelled', async () => {
  await expect(check(image, 'qcow2', AbortSignal.abort())).rejects.toMatchObject({ kind: 'cancelled' });
});
