/** Builds the command: one self-contained module for Node with its #! line, executable. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const executable: Plugin = {
  name: 'executable',
  writeBundle: ({ dir = '' }, files) => {
    for (const name of Object.keys(files)) chmodSync(join(dir, name), 0o755);
  },
};

export default defineConfig({
  publicDir: false,
  plugins: [executable],
  build: {
    outDir: 'dist/cli',
    emptyOutDir: true,
    target: 'node20',
    minify: true,
    ssr: 'src/cli/bin.ts',
    rolldownOptions: {
      output: { entryFileNames: 'diskwright.js', codeSplitting: false },
    },
  },
  ssr: { noExternal: true },
});
