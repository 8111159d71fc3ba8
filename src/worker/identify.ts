/** Which format a chosen file has, and how large its disk is. */
import { recognise } from '../jobs/recognise.ts';
import { FileDevice } from '../platform/browser/file-device.ts';
import type { Identified } from './engine-client.ts';

export async function identify(file: File): Promise<Identified> {
  const device = new FileDevice(file);
  try {
    const { spec, driver, reason } = await recognise(device, file.name);
    return { format: spec.name, reason, virtualSize: driver.virtualSize(device) };
  } finally {
    device.close();
  }
}
