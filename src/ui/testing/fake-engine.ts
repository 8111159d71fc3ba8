/**
 * An engine without a worker, for tests of components: forecasts come from the real drivers, saves and
 * digests are held in the test's hand.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import { findFormat } from '../../engine/formats/index.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { type ForecastReport, reportForecast } from '../../jobs/forecast.ts';
import type {
  EngineClient,
  Identified,
  SaveOrder,
  SaveProgress,
  SaveReport,
  SinkChoice,
} from '../../worker/engine-client.ts';
import { createFakeConverter, type FakeConverter } from './fake-converter.ts';

export async function forecastOf(format: string, texts: OptionTexts): Promise<ForecastReport> {
  const driver = await findFormat(format)?.load();
  if (!driver?.create) throw new DiskwrightError('unsupported', `No driver for ${format}.`);
  return reportForecast(driver.create.forecast({ texts }));
}

/** A save that has been asked for and goes on as the test says. */
export interface HeldSave {
  readonly order: SaveOrder;
  readonly progress: (progress: Partial<SaveProgress>) => void;
  readonly finish: (report?: Partial<SaveReport>) => void;
  readonly fail: (error: unknown) => void;
}

export interface FakeEngine extends EngineClient {
  readonly conversions: FakeConverter;
  readonly saves: HeldSave[];
  /** Digests asked for, answered by the test. */
  readonly digests: { readonly which: 'image' | 'data'; readonly answer: (hex: string) => void }[];
  identified: Identified | Error;
  sink: SinkChoice;
}

const SHA256 = 'd540e67a60a1b940ac9dda21e516b9570e8db916d2fb1a12766d3d67453cc573';
const DIGEST = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

async function reportOf({ format, texts, fileName, gzip }: SaveOrder): Promise<SaveReport> {
  const { now, dataFile } = await forecastOf(format, texts);
  const files = [{ name: gzip ? `${fileName}.gz` : fileName, ...now }, ...(dataFile ? [dataFile] : [])];
  return {
    files: files.map(({ name, length, written }) => ({
      name,
      length,
      written,
      sink: 'blob',
      layoutDigest: DIGEST,
      ...(length <= 4 * 2 ** 30 ? { sha256: SHA256 } : {}),
    })),
    ...(format === 'raw' ? {} : { check: { verdict: 'sound', findings: [], read: 'file' } as const }),
    milliseconds: 38,
  };
}

export function createFakeEngine(): FakeEngine {
  const engine: FakeEngine = {
    conversions: createFakeConverter(),
    saves: [],
    digests: [],
    identified: { format: 'qcow2', reason: '"QFI\\xfb" at 0, version 3', virtualSize: 10 * 2 ** 30 },
    sink: { sink: 'blob', note: 'Saved to your downloads.' },

    forecast: ({ format, texts }) => forecastOf(format, texts),
    identify: async () => {
      if (engine.identified instanceof Error) throw engine.identified;
      return engine.identified;
    },
    chooseSink: () => engine.sink,

    save: (order, onProgress, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new DiskwrightError('cancelled', 'Cancelled.')));
        engine.saves.push({
          order,
          progress: (progress) =>
            onProgress({ phase: 'Writing', fileName: order.fileName, done: 0, total: 1, rate: 0, ...progress }),
          finish: (report) => void reportOf(order).then((whole) => resolve({ ...whole, ...report })),
          fail: reject,
        });
      }),

    converter: async () => engine.conversions,
    inspector: () => Promise.reject(new Error('there is no worker here')),

    digest: (_order, which, _onProgress, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new DiskwrightError('cancelled', 'Cancelled.')));
        engine.digests.push({ which, answer: resolve });
      }),
  };
  return engine;
}
