/** Builds and serves the harness page, with the headers and the service worker of the product. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { downloadServiceWorker, sendSecurityHeaders, wallComesFirst } from '../../vite.config.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('.'),
  base: './',
  publicDir: false,
  plugins: [sendSecurityHeaders(), downloadServiceWorker()],
  worker: { format: 'es', plugins: () => [wallComesFirst()] },
  build: {
    outDir: at('../../dist/harness'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: at('index.html'), 'download-sw': at('../../src/worker/service-worker.ts') },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'download-sw' ? 'download-sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  // A name that is no secure context, for the test of what is left without one.
  preview: { host: 'localhost', strictPort: true, allowedHosts: ['insecure.test'] },
});
