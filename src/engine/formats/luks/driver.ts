/**
 * Whole-file LUKS, version 1: a header, and behind it the encrypted disk. Its size needs no key; its bytes do, which
 * the shell derives before it opens the disk.
 */
import { isLuks, LUKS_HEADER_BYTES } from '../../crypto/luks/header.ts';
import type { FormatDriver } from '../../image/format.ts';
import { luksFacts } from '../../image/luks-facts.ts';
import { readBytes } from '../../image/recognise.ts';
import { openLuks, volumeOf } from './image.ts';
import { encryptionOf, estimateOf, forecastOf, layoutOf } from './layout.ts';

export const luksDriver: FormatDriver = {
  probe(device) {
    return isLuks(readBytes(device, 0, LUKS_HEADER_BYTES)) ? '"LUKS\\xba\\xbe" at 0, version 1' : undefined;
  },
  virtualSize: (device) => volumeOf(device).size,
  lock: (device) => ({ kind: 'luks', at: 0, length: volumeOf(device).header.payloadOffset }),
  describe(device) {
    const { header, size } = volumeOf(device);
    return { virtualSize: size, encrypted: true, specific: { type: 'luks', data: luksFacts(header) } };
  },
  open: openLuks,
  editor: () => import('./editor.ts').then((module) => module.luksEditor),
  create: { encryption: encryptionOf, layout: layoutOf, estimate: estimateOf, forecast: forecastOf },
};
