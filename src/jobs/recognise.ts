/** Which format a file has, asked of the formats in the registry's order; raw, the last, takes anything. */
import type { ReadableDevice } from '../engine/device/device.ts';
import { DiskwrightError } from '../engine/errors.ts';
import { formats } from '../engine/formats/index.ts';
import type { FormatDriver, FormatSpec } from '../engine/image/format.ts';

export interface Recognised {
  readonly spec: FormatSpec;
  readonly driver: FormatDriver;
  /** Why: `"QFI\xfb" at 0, version 3`. */
  readonly reason: string;
}

export async function recognise(device: ReadableDevice, fileName: string): Promise<Recognised> {
  for (const spec of formats) {
    const driver = await spec.load();
    const reason = driver.probe(device, fileName);
    if (reason !== undefined) return { spec, driver, reason };
  }
  throw new DiskwrightError('not-this-format', 'No format here knows this file.');
}
