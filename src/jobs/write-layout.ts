/** Writes a layout to a device at once: for memory, and for callers that need neither progress nor cancel. */
import type { WritableDevice } from '../engine/device/device.ts';
import type { FileLayout } from '../engine/image/layout.ts';
import { emitLayout } from './create.ts';

/** The device becomes the file: what it held before is gone. */
export function writeLayout(layout: FileLayout, device: WritableDevice): void {
  device.resize(0);
  for (const step of emitLayout(layout)) {
    if (step.kind === 'emit') device.write(step.at, step.bytes);
    else if (step.kind === 'zeros') device.zero(step.at, step.length);
  }
  device.resize(layout.length);
}
