/** The sink that belongs to a target. Of a stream the page does the part that only it can. */
import { BlobSink } from '../platform/browser/deliver/blob-sink.ts';
import { OpfsSink } from '../platform/browser/deliver/opfs-sink.ts';
import { PickedSink } from '../platform/browser/deliver/picked-sink.ts';
import type { FileSink } from '../platform/browser/deliver/sink.ts';
import { StreamSink } from '../platform/browser/deliver/stream-sink.ts';
import type { JobEvent, Target } from './protocol.ts';

/** `file` counts targets; `length` is undefined where nobody knows it yet. */
export function openSink(
  target: Target,
  file: number,
  length: number | undefined,
  tell: (event: JobEvent) => void,
): Promise<FileSink> | FileSink {
  switch (target.sink) {
    case 'blob':
      return new BlobSink();
    case 'picked':
      return PickedSink.open(target.handle);
    case 'opfs':
      return OpfsSink.open(length);
    case 'stream':
      return StreamSink.open(target.port, {
        begin: () => tell({ kind: 'stream-begin', file }),
        ping: () => tell({ kind: 'stream-ping', file }),
        pingInterval: target.pingInterval,
      });
  }
}
