/** Compresses the units of a batch as QEMU stores them: raw deflate in a window of 4 KiB. */
import { Deflater } from '../../engine/codec/deflate.ts';
import type { PackAnswer, PackOrder } from '../../platform/browser/pack-messages.ts';

const deflaters = new Map<number, Deflater>();

function deflaterOf(level: number): Deflater {
  let deflater = deflaters.get(level);
  if (!deflater) {
    deflater = new Deflater(level);
    deflaters.set(level, deflater);
  }
  return deflater;
}

function pack({ id, bytes, units, unit, level }: PackOrder): PackAnswer {
  const deflater = deflaterOf(level);
  const packed = new Uint8Array(units * unit);
  const lengths: number[] = [];
  let end = 0;
  for (let i = 0; i < units; i++) {
    const into = packed.subarray(end, end + unit - 1);
    const length = deflater.deflate(bytes.subarray(i * unit, (i + 1) * unit), into);
    // What does not shrink has its unit's length and no bytes.
    lengths.push(length ?? unit);
    end += length ?? 0;
  }
  return { id, bytes, packed, lengths };
}

export function serve(port: MessagePort): void {
  port.onmessage = ({ data }: MessageEvent<PackOrder>) => {
    const answer = pack(data);
    port.postMessage(answer, [answer.bytes.buffer, answer.packed.buffer]);
  };
}
