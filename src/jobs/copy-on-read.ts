/**
 * Before a stretch is read: what the image lacks of it is copied up from what it rests on, whole clusters, so that it
 * need not be read there again. The disk shows the same.
 */
import { MAX_TRANSFER } from '../engine/device/device.ts';
import { type Chain, readGuest } from '../engine/image/access.ts';
import type { WritableImage } from '../engine/image/writable.ts';

/** The most that one request writes. */
const PIECE = 16 * 1024 * 1024;

function readAll(chain: Chain, at: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; done += MAX_TRANSFER) {
    readGuest(chain, at + done, into.subarray(done, Math.min(into.length, done + MAX_TRANSFER)));
  }
}

/** `chain`: the image first. `cluster`: its cluster size, 1 where it has none. */
export function copyUp(image: WritableImage, chain: Chain, cluster: number, at: number, length: number): void {
  const end = Math.min(image.virtualSize, Math.ceil((at + length) / cluster) * cluster);
  for (let place = Math.floor(at / cluster) * cluster; place < end; ) {
    const extent = image.locate(place, end - place);
    if (extent.kind !== 'absent') {
      place += extent.length;
      continue;
    }
    const bytes = new Uint8Array(Math.min(extent.length, PIECE));
    readAll(chain, place, bytes);
    if (bytes.every((byte) => byte === 0)) image.zero(place, bytes.length);
    else image.write(place, bytes);
    place += bytes.length;
  }
}
