/**
 * Asks the person where to save. An existing file that is picked is emptied at once, so everything that
 * can be refused must have been refused before.
 */
import { DiskwrightError } from '../../../engine/errors.ts';
import type { PickedHandle } from './picked-handle.ts';

type ShowSaveFilePicker = (options: { suggestedName: string }) => Promise<PickedHandle>;

function showSaveFilePicker(): ShowSaveFilePicker | undefined {
  const show: unknown = Reflect.get(globalThis, 'showSaveFilePicker');
  return typeof show === 'function' ? (show.bind(globalThis) as ShowSaveFilePicker) : undefined;
}

export const hasPicker = (): boolean => showSaveFilePicker() !== undefined;

/**
 * Undefined when the browser does not open a picker now: one click may open only one of them, or it
 * was too long ago.
 */
export async function pickFile(suggestedName: string): Promise<PickedHandle | undefined> {
  try {
    return await showSaveFilePicker()?.({ suggestedName });
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (name === 'AbortError') throw new DiskwrightError('cancelled', 'No file was picked.', { cause: error });
    if (name === 'SecurityError' || name === 'NotAllowedError') return undefined;
    throw new DiskwrightError('io', 'The browser could not open its file dialog.', { cause: error });
  }
}
