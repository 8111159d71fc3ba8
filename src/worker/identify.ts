/** Which format a chosen file has, asked of the formats in the registry's order; raw, the last, takes anything. */
import { DiskwrightError } from '../engine/errors.ts';
import { formats } from '../engine/formats/index.ts';
import { FileDevice } from '../platform/browser/file-device.ts';
import type { Identified } from './engine-client.ts';

export async function identify(file: File): Promise<Identified> {
  const device = new FileDevice(file);
  try {
    for (const format of formats) {
      const driver = await format.load();
      const reason = driver.probe(device, file.name);
      if (reason === undefined) continue;
      return { format: format.name, reason, virtualSize: driver.virtualSize(device) };
    }
    throw new DiskwrightError('not-this-format', 'No format here knows this file.');
  } finally {
    device.close();
  }
}
