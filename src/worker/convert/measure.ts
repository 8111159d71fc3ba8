/** How long the new image will be at most, and how much has to be read for it. */
import { parseQemuSize } from '../../engine/bytes/size-text.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { dataInClusters } from '../../jobs/measure.ts';
import { asOperation } from '../as-operation.ts';
import { pump } from '../pump.ts';
import { newImageOf } from './new-image.ts';
import type { ConvertOrder, MeasuredConversion } from './protocol.ts';
import { openSources } from './sources.ts';

function numberOf(text: string | undefined, otherwise: number): number {
  const reading = parseQemuSize(text ?? '');
  return reading.ok ? Number(reading.bytes) : otherwise;
}

const clusterSizeOf = (texts: OptionTexts): number => numberOf(texts['cluster_size'], 65536);

/** Counts of clusters that move as they grow may leave as much room behind as they take in the end. */
function leftByGrowth(length: number, texts: OptionTexts): number {
  const clusterSize = clusterSizeOf(texts);
  const counts = (Math.ceil(length / clusterSize) * numberOf(texts['refcount_bits'], 16)) / 8;
  return Math.ceil(counts / clusterSize) * clusterSize;
}

export async function measure(
  order: ConvertOrder,
  onProgress: (words: string, done: number, total: number) => void,
  signal: AbortSignal,
): Promise<MeasuredConversion> {
  const opened = await openSources(order, onProgress, signal);
  try {
    const { sources, virtualSize } = opened;
    const made = await newImageOf(order, virtualSize);
    let dataBytes = 0;
    for (const { chain } of sources) {
      dataBytes += await pump(
        asOperation(dataInClusters(chain, clusterSizeOf(order.texts))),
        {
          write: () => {},
          zeros: () => {},
          progress: ({ done, total }) => onProgress("Reading the image's tables", done, total),
        },
        signal,
      );
    }
    const clusterSize = clusterSizeOf(order.texts);
    // A cluster of the new image may hold the end of one disk and the beginning of the next.
    dataBytes += (sources.length - 1) * clusterSize;
    dataBytes = Math.min(dataBytes, Math.ceil(virtualSize / clusterSize) * clusterSize);
    const { layout, estimate, dataName } = made;
    const plain = order.format === 'raw';
    const growth = (length: number): number => length + (plain ? 0 : leftByGrowth(length, order.texts));
    const largest = growth(Number(estimate.fullyAllocated));
    const inside = dataName === undefined && !plain ? dataBytes : 0;
    const least = Math.max(Number(estimate.required), layout.image.length);
    const length = plain
      ? virtualSize
      : Math.max(layout.image.length, Math.min(growth(least + inside), Math.max(largest, least)));
    return {
      virtualSize,
      dataBytes,
      length,
      exact: plain,
      largest: Math.max(largest, length),
      warnings: [],
      ...(dataName === undefined ? {} : { dataFile: { name: dataName, length: virtualSize } }),
    };
  } finally {
    await opened.close();
  }
}
