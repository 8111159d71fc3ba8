/** A folder of one test, gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'diskwright-saved-'));
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });
