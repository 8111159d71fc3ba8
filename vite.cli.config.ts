/** Builds the command: one self-contained module for Node with its #! line. */
import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
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
