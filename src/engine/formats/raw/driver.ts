/** Raw images: the guest's bytes and nothing else. */
import { roundUp } from '../../bytes/math.ts';
import { DiskwrightError } from '../../errors.ts';
import type { CreateRequest, Estimate, Forecast, FormatDriver } from '../../image/format.ts';
import { type ImageLayout, plainLayout } from '../../image/layout.ts';
import { acceptedValues } from '../../options/read.ts';
import { diskSizeOf, openRaw, openWritableRaw } from './image.ts';
import { rawOptions } from './options.ts';

const SECTOR = 512;
/** Lengths are signed 64-bit numbers on every host. */
const MAX_LENGTH = 2n ** 63n - 512n;

function parameters(request: CreateRequest): { length: number; preallocation: 'off' | 'falloc' | 'full' } {
  const { size, preallocation } = acceptedValues(rawOptions, request.texts);
  if (size === undefined) throw new DiskwrightError('invalid-option', 'The disk has no size.', { option: 'size' });
  if (size > MAX_LENGTH) {
    throw new DiskwrightError('out-of-range', 'The disk is too large: a file ends below 8 EiB.', { option: 'size' });
  }
  return { length: roundUp(Number(size), SECTOR), preallocation };
}

function layoutOf(length: number, preallocation: string): ImageLayout {
  return { image: plainLayout(length, preallocation === 'off' ? 'hole' : 'zeros') };
}

function forecast(request: CreateRequest): Forecast {
  const { length, preallocation } = parameters(request);
  return {
    guestSize: length,
    now: layoutOf(length, preallocation),
    facts: [
      { label: 'Metadata', bytes: 0, note: 'the file is the disk' },
      { label: 'Oldest QEMU', text: 'any', note: 'and every other tool' },
    ],
    alternatives: {
      preallocation: {
        off: layoutOf(length, 'off'),
        falloc: layoutOf(length, 'falloc'),
        full: layoutOf(length, 'full'),
      },
    },
  };
}

function estimate(request: CreateRequest): Estimate {
  // Of all options only the size counts here, so only texts that cannot be read are refused.
  const size = acceptedValues(rawOptions, request.texts, (problem) => problem.stage === 'syntax').size ?? 0n;
  const rounded = ((size + 511n) / 512n) * 512n;
  return { required: rounded, fullyAllocated: rounded };
}

export const rawDriver: FormatDriver = {
  probe: () => 'no known signature, so the bytes themselves are the disk',
  virtualSize: diskSizeOf,
  describe: (device) => ({ virtualSize: diskSizeOf(device) }),
  open: ({ image }) => openRaw(image),
  editor: () => Promise.resolve({ openWritable: openWritableRaw }),
  create: {
    layout: (request) => {
      const { length, preallocation } = parameters(request);
      return layoutOf(length, preallocation);
    },
    estimate,
    forecast,
  },
};
