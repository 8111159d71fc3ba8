/** Pure: request → the file. Header and first key material, room for seven more keys, the disk. */
import { roundUp } from '../../bytes/math.ts';
import { keyBytesOf } from '../../crypto/cipher-spec.ts';
import { keyOffsetOf, luksHeaderLength, materialBytes } from '../../crypto/luks/header.ts';
import { assert, DiskwrightError } from '../../errors.ts';
import type { CreateRequest, Encryption, Estimate, Forecast } from '../../image/format.ts';
import { type FileLayout, type Piece, pieceLayout } from '../../image/layout.ts';
import { luksRequestOf } from '../../image/luks-request.ts';
import type { OptionTexts } from '../../options/declare.ts';
import { acceptedValues } from '../../options/read.ts';
import { luksFileOptions } from './options.ts';

const SECTOR = 512;
const CIPHER_TEXTS = ['cipher-alg', 'cipher-mode', 'ivgen-alg', 'ivgen-hash-alg', 'hash-alg', 'iter-time'];

/** What of the texts is about the encryption. */
const cipherTexts = (texts: OptionTexts): OptionTexts =>
  Object.fromEntries(Object.entries(texts).filter(([name]) => CIPHER_TEXTS.includes(name)));

export const encryptionOf = ({ texts }: CreateRequest): Encryption => ({
  kind: 'luks',
  secret: texts['key-secret'],
  texts: cipherTexts(texts),
});

interface Parameters {
  readonly size: number;
  readonly preallocation: 'off' | 'falloc' | 'full';
  readonly keyBytes: number;
}

function parametersOf({ texts }: CreateRequest): Parameters {
  const { size, preallocation } = acceptedValues(luksFileOptions, texts);
  if (size === undefined) throw new DiskwrightError('invalid-option', 'The disk has no size.', { option: 'size' });
  const keyBytes = keyBytesOf(luksRequestOf(cipherTexts(texts)).cipher);
  // The file is as long as it is asked for, not rounded: beyond 2^53 that could not be told exactly.
  if (size > BigInt(Number.MAX_SAFE_INTEGER - luksHeaderLength(keyBytes))) {
    throw new DiskwrightError('out-of-range', 'The disk is too large: only files below 2^53 bytes work here.', {
      option: 'size',
    });
  }
  return { size: Number(size), preallocation, keyBytes };
}

function fileOf({ size, preallocation, keyBytes }: Parameters, header: Uint8Array | undefined): FileLayout {
  const payload = luksHeaderLength(keyBytes);
  assert(header === undefined || header.length === payload, 'the header belongs to the request');
  const written = keyOffsetOf(0, keyBytes) + materialBytes(keyBytes);
  const content = preallocation === 'off' ? 'hole' : 'zeros';
  const pieces: readonly Piece[] = [
    { part: 'luks', index: 0, at: 0, length: written, content: 'bytes' },
    { part: 'luks', index: 1, at: written, length: payload - written, content },
    ...(size === 0 ? [] : [{ part: 'data', index: 0, at: payload, length: size, content } as const]),
  ];
  const fill: FileLayout['fill'] = (piece, from, into) => {
    const at = piece.at + from;
    if (header) into.set(header.subarray(at, at + into.length));
    else into.fill(0);
  };
  return pieceLayout(payload + size, () => pieces, fill);
}

export function layoutOf(request: CreateRequest): { readonly image: FileLayout } {
  return { image: fileOf(parametersOf(request), request.luksHeader) };
}

/** Of the options only those count here that say how long the header is. */
export function estimateOf({ texts }: CreateRequest): Estimate {
  const own = { ...cipherTexts(texts), ...(texts.size === undefined ? {} : { size: texts.size }) };
  const withSecret = { ...own, ...(texts['key-secret'] === undefined ? {} : { 'key-secret': texts['key-secret'] }) };
  const { size = 0n } = acceptedValues(luksFileOptions, withSecret);
  const length = size + BigInt(luksHeaderLength(keyBytesOf(luksRequestOf(cipherTexts(texts)).cipher)));
  return { required: length, fullyAllocated: length };
}

export function forecastOf(request: CreateRequest): Forecast {
  const parameters = parametersOf(request);
  const now = (preallocation: Parameters['preallocation']) => ({
    image: fileOf({ ...parameters, preallocation }, undefined),
  });
  return {
    guestSize: roundUp(parameters.size, SECTOR),
    now: now(parameters.preallocation),
    facts: [
      {
        label: 'Metadata',
        bytes: luksHeaderLength(parameters.keyBytes),
        note: 'header and room for eight passphrases',
      },
      { label: 'Oldest QEMU', text: '2.6', note: 'and cryptsetup, on any Linux' },
    ],
    alternatives: { preallocation: { off: now('off'), falloc: now('falloc'), full: now('full') } },
  };
}
