/** Conversions without a worker, for tests of components: forecasts are made up, runs are held in the test's hand. */
import { DiskwrightError } from '../../engine/errors.ts';
import type {
  Converter,
  ConvertForecast,
  ConvertOrder,
  ConvertProgress,
  ConvertReport,
  Way,
} from '../../worker/convert/protocol.ts';

/** A run that was asked for and goes on as the test says. */
export interface HeldRun {
  readonly order: ConvertOrder;
  readonly way: Way;
  readonly progress: (progress: Partial<ConvertProgress>) => void;
  readonly finish: (report?: Partial<ConvertReport>) => void;
  readonly fail: (error: unknown) => void;
}

export interface FakeConverter extends Converter {
  readonly asked: ConvertOrder[];
  readonly runs: HeldRun[];
  readonly dropped: string[];
  /** What a forecast says; an error is thrown. */
  outlook: Partial<ConvertForecast> | Error;
}

const MiB = 2 ** 20;

const forecastOf = (compress: boolean): ConvertForecast => ({
  virtualSize: 1024 * MiB,
  dataBytes: 100 * MiB,
  length: 101 * MiB,
  exact: !compress,
  largest: 1025 * MiB,
  ways: [
    { sink: 'stream', passes: compress ? 'staged' : 'two', note: 'This page must stay open until it ends.' },
    { sink: 'opfs', passes: 'staged', note: '' },
  ],
  warnings: [],
});

const reportOf = ({ fileName, compress }: ConvertOrder): ConvertReport => ({
  files: [
    {
      role: 'image',
      name: fileName,
      length: 40 * MiB,
      written: 40 * MiB,
      sink: 'blob',
      file: new Blob(['saved']),
      sha256: 'ab'.repeat(32),
    },
  ],
  virtualSize: 1024 * MiB,
  sourceLength: 100 * MiB,
  copied: 100 * MiB,
  ...(compress ? { packed: { from: 100 * MiB, to: 40 * MiB } } : {}),
  passes: 'two',
  check: { verdict: 'sound', findings: [], read: 'sent' },
  milliseconds: 1500,
});

export function createFakeConverter(): FakeConverter {
  const converter: FakeConverter = {
    asked: [],
    runs: [],
    dropped: [],
    outlook: {},
    async forecast(order) {
      converter.asked.push(order);
      if (converter.outlook instanceof Error) throw converter.outlook;
      return { ...forecastOf(order.compress !== undefined), ...converter.outlook };
    },
    async prepare(order, { ways }, way = ways[0]) {
      if (!way) throw new DiskwrightError('out-of-range', 'No way.');
      return { order, way };
    },
    run: ({ order, way }, onProgress, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new DiskwrightError('cancelled', 'Cancelled.')));
        converter.runs.push({
          order,
          way,
          progress: (progress) =>
            onProgress({
              phase: 'Converting',
              fileName: order.fileName,
              done: 0,
              total: 100 * MiB,
              rate: 0,
              written: 0,
              ...progress,
            }),
          finish: (report) => resolve({ ...reportOf(order), ...report }),
          fail: reject,
        });
      }),
    async drop({ order }) {
      converter.dropped.push(order.fileName);
    },
  };
  return converter;
}
