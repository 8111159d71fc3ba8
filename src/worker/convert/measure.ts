/** How long the new image will be at most, and how much has to be read for it. */
import { parseQemuSize } from '../../engine/bytes/size-text.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { dataInClusters } from '../../jobs/measure.ts';
import { asOperation } from '../as-operation.ts';
import { pump } from '../pump.ts';
import { newImageOf } from './new-image.ts';
import type { ConvertOrder, MeasuredConversion } from './protocol.ts';
import { openSources } from './sources.ts';

function clusterSizeOf({ cluster_size: text }: OptionTexts): number {
  const reading = parseQemuSize(text ?? '');
  return reading.ok ? Number(reading.bytes) : 65536;
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
    dataBytes = Math.min(dataBytes, Math.ceil(virtualSize / 65536) * 65536);
    const { layout, estimate, dataName } = made;
    const largest = Number(estimate.fullyAllocated);
    const plain = order.format === 'raw';
    const inside = dataName === undefined && !plain ? dataBytes : 0;
    const least = Math.max(Number(estimate.required), layout.image.length);
    const length = plain
      ? virtualSize
      : Math.max(layout.image.length, Math.min(least + inside, Math.max(largest, least)));
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
