/** How a conversion could be saved in this browser, best first, and what each way costs. Pure. */
import { formatBytes } from '../../engine/bytes/units.ts';
import { type Capabilities, chooseSink, possibleSinks, type Sink } from '../../platform/browser/deliver/choose.ts';
import type { ConvertForecast, ConvertOrder, MeasuredConversion, Passes, Way } from './protocol.ts';

function passesOf(sink: Sink, order: ConvertOrder, measured: MeasuredConversion, can: Capabilities): Passes {
  // A raw image and a data file come in their own order.
  if (sink !== 'stream' || order.format === 'raw' || measured.dataFile) return 'one';
  if (!order.compress) return 'two';
  return can.opfs ? 'staged' : 'packed-twice';
}

function noteOf(sink: Sink, passes: Passes, { length, exact }: MeasuredConversion, can: Capabilities): string {
  const most = `${exact ? '' : 'at most '}${formatBytes(length)}`;
  switch (sink) {
    case 'blob':
      return 'Built in memory, then saved as a download.';
    case 'picked':
      return can.windows
        ? 'You choose where it goes. The source is read once. Windows gives the file its full length, holes too.'
        : 'You choose where it goes. The source is read once, holes stay holes.';
    case 'opfs':
      return `Built in this browser's own storage (${most}), then saved as a download: it needs its space twice for a while. The source is read once.`;
    case 'stream':
      switch (passes) {
        case 'one':
          return 'Streamed as a download while the source is read. This page must stay open until it ends.';
        case 'two':
          return 'The source is read twice: first to find out where everything goes, then to stream it as a download. This page must stay open until it ends.';
        case 'staged':
          return `Compressed into this browser's own storage (${most}), then streamed from there as a download. This page must stay open until it ends.`;
        case 'packed-twice':
          return 'The source is read and compressed twice, because this browser has no storage to keep it in. This page must stay open until it ends.';
      }
  }
}

/** Compressed bytes that are built in storage anyway are offered from there. */
function inOrder(sinks: readonly Sink[], order: ConvertOrder): readonly Sink[] {
  if (!order.compress || !sinks.includes('opfs')) return sinks;
  return [...sinks.filter((sink) => sink !== 'stream'), 'stream'];
}

export function withWays(order: ConvertOrder, measured: MeasuredConversion, can: Capabilities): ConvertForecast {
  const length = Math.max(measured.length, measured.dataFile?.length ?? 0);
  const file = { length, written: length, gzip: false };
  const sinks = inOrder(possibleSinks(file, can), order).filter(
    (sink) => order.sink === undefined || sink === order.sink,
  );
  const ways = sinks.map((sink): Way => {
    const passes = passesOf(sink, order, measured, can);
    return { sink, passes, note: noteOf(sink, passes, measured, can) };
  });
  if (ways.length > 0) return { ...measured, ways };
  const refused =
    order.sink === undefined
      ? chooseSink(file, can).note
      : `A file of ${formatBytes(length)} cannot be saved in the way that was chosen.`;
  return { ...measured, ways, refused };
}
