/** Builds the command into a folder, for tests that must run it as a program. */
import { join } from 'node:path';
import { build } from 'vite';

export async function buildCommand(outDir: string): Promise<string> {
  await build({ configFile: 'vite.cli.config.ts', logLevel: 'error', build: { outDir } });
  return join(outDir, 'diskwright.js');
}
