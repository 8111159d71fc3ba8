/** The volume open for writing. Sectors that a request covers in part are read, changed and encrypted again. */
import { roundUp } from '../../bytes/math.ts';
import { assert, DiskwrightError } from '../../errors.ts';
import { SECTOR } from '../../image/recognise.ts';
import { resizeFile } from '../../image/resize-file.ts';
import type { OpenSettings, WritableDevices, WritableImage } from '../../image/writable.ts';
import { DiskReader, locate, volumeOf } from './image.ts';

/** Bytes that are encrypted and written at once, whole sectors. */
const CHUNK = 1024 * 1024;

export function openWritableLuks({ image: device }: WritableDevices, { cipher }: OpenSettings = {}): WritableImage {
  const { payloadOffset } = volumeOf(device).header;
  const reader = new DiskReader(device, payloadOffset, cipher);
  const sizeNow = (): number => roundUp(device.size, SECTOR) - payloadOffset;
  let scratch = new Uint8Array(0);

  const assertOnDisk = (at: number, length: number): void => {
    const size = sizeNow();
    if (at >= 0 && length >= 0 && at + length <= size) return;
    throw new DiskwrightError('out-of-range', `bytes ${at} to ${at + length} are not all on the disk of ${size}`);
  };

  /** Encrypts a stretch of at most CHUNK; `from` is left as it is, absent: zeros. */
  const writeChunk = (at: number, length: number, from: Uint8Array | undefined): void => {
    const head = at % SECTOR;
    const whole = roundUp(head + length, SECTOR);
    if (scratch.length < whole) scratch = new Uint8Array(whole);
    const sectors = scratch.subarray(0, whole);
    if (head > 0) reader.read(at - head, sectors.subarray(0, SECTOR));
    if (whole > head + length && (head === 0 || whole > SECTOR)) {
      reader.read(at - head + whole - SECTOR, sectors.subarray(whole - SECTOR));
    }
    if (from) sectors.set(from, head);
    else sectors.fill(0, head, head + length);
    reader.cipher.encrypt(sectors, (at - head) / SECTOR);
    device.write(payloadOffset + at - head, sectors);
  };

  const writeAll = (at: number, length: number, from: Uint8Array | undefined): void => {
    assertOnDisk(at, length);
    for (let done = 0; done < length; ) {
      const part = Math.min(CHUNK - ((at + done) % SECTOR), length - done);
      writeChunk(at + done, part, from?.subarray(done, done + part));
      done += part;
    }
  };

  return {
    get virtualSize() {
      return sizeNow();
    },
    locate,
    decode: (at, into) => reader.read(at, into),
    write: (at, from) => writeAll(at, from.length, from),
    zero: (at, length) => writeAll(at, length, undefined),
    // What the guest gives up would have to read as something; QEMU does nothing either.
    discard: assertOnDisk,
    flush: () => device.flush(),
    close: () => device.flush(),
    resize: (request) => resizeFile('luks', device, payloadOffset, request),
    writeLuks(patches) {
      for (const { at, bytes } of patches) {
        assert(at >= 0 && at + bytes.length <= payloadOffset, 'a change of the LUKS header stays inside it');
        device.write(at, bytes);
        device.flush();
      }
    },
  };
}
