/**
 * The open volume: guest offset = file offset − payload offset, every sector encrypted on its own, counted from the
 * start of the disk. The file has no holes for the guest: what was never written reads as noise.
 */
import { roundUp } from '../../bytes/math.ts';
import { LUKS_MAGIC, type LuksHeader } from '../../crypto/luks/header.ts';
import { headerOf } from '../../crypto/luks/unlock.ts';
import type { SectorCipher } from '../../crypto/sector-cipher.ts';
import type { ReadableDevice } from '../../device/device.ts';
import { DiskwrightError } from '../../errors.ts';
import type { Extent, ImageDevices, OpenImage, ReadSettings } from '../../image/image.ts';
import { corrupt, holdsText, lengthInSectors, notThisFormat, SECTOR } from '../../image/recognise.ts';

export interface Volume {
  readonly header: LuksHeader;
  /** Bytes of the disk as the file is now. */
  readonly size: number;
}

/** Throws what a header that cannot be opened throws. */
export function volumeOf(device: ReadableDevice): Volume {
  if (!holdsText(device, 0, LUKS_MAGIC))
    throw notThisFormat('Not a LUKS image: it does not begin with "LUKS\\xba\\xbe".');
  const header = headerOf(device);
  const { payloadOffset } = header;
  const length = lengthInSectors(device);
  if (payloadOffset > length) {
    throw corrupt(`LUKS header: the data begins at ${payloadOffset}, but the file ends at ${length}.`);
  }
  return { header, size: length - payloadOffset };
}

/** Reads the disk through its cipher; without one it stays locked. */
export class DiskReader {
  readonly #device: ReadableDevice;
  readonly #payload: number;
  readonly #cipher: SectorCipher | undefined;

  constructor(device: ReadableDevice, payload: number, cipher: SectorCipher | undefined) {
    this.#device = device;
    this.#payload = payload;
    this.#cipher = cipher;
  }

  get cipher(): SectorCipher {
    if (this.#cipher) return this.#cipher;
    throw new DiskwrightError('passphrase', 'the disk is encrypted, and no passphrase was given');
  }

  /** Any stretch; whole sectors are decrypted where they are wanted. */
  read(at: number, into: Uint8Array): void {
    const { cipher } = this;
    const head = at % SECTOR;
    const length = roundUp(head + into.length, SECTOR);
    const sectors = length === into.length ? into : new Uint8Array(length);
    this.#device.read(this.#payload + at - head, sectors);
    cipher.decrypt(sectors, (at - head) / SECTOR);
    if (sectors !== into) into.set(sectors.subarray(head, head + into.length));
  }
}

export const locate = (at: number, length: number): Extent => ({ kind: 'coded', at, length });

export function openLuks({ image: device }: ImageDevices, settings: ReadSettings = {}): OpenImage {
  if (settings.snapshot !== undefined) {
    throw new DiskwrightError('unsupported', 'luks: images of this format have no snapshots.');
  }
  const { header, size } = volumeOf(device);
  const reader = new DiskReader(device, header.payloadOffset, settings.cipher);
  return { virtualSize: size, locate, decode: (at, into) => reader.read(at, into) };
}
