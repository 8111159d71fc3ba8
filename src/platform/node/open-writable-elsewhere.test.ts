/** A host that does not tell who has a file locked: one line says so, and the image is opened. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openWritableImage } from './open-writable.ts';

vi.mock('./image-lock.ts', async (load) => ({
  ...(await load<typeof import('./image-lock.ts')>()),
  locksAreListed: () => false,
}));

test('one line of warning', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'diskwright-'));
  try {
    writeFileSync(join(cwd, 'disk'), new Uint8Array(512));
    const warnings: string[] = [];
    const onWarning = (text: string): void => void warnings.push(text);
    (await openWritableImage({ name: 'disk', format: 'raw' }, { cwd, onWarning })).close();
    expect(warnings).toEqual(['disk: whether another program has it open cannot be told on this host']);
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
