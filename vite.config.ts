/** Builds the page (with its workers) and serves the built page with the headers it is meant to have. */
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { securityHeaders } from './src/platform/browser/security-headers.ts';

/** `npm start` and the browser tests see what a host with `_headers` would send. */
export function sendSecurityHeaders(): Plugin {
  return {
    name: 'send-security-headers',
    configurePreviewServer(server) {
      server.middlewares.use((_request, response, next) => {
        for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
        next();
      });
    },
  };
}

/**
 * The service worker of streamed downloads must be one classic script at a fixed name beside the page
 * (its scope is its folder), so that no browser needs module service workers.
 */
export function downloadServiceWorker(): Plugin {
  return {
    name: 'download-service-worker',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        if (request.url?.startsWith('/download-sw.js')) request.url = '/src/worker/service-worker.ts';
        next();
      });
    },
    generateBundle(_options, bundle) {
      const script = bundle['download-sw.js'];
      if (script?.type !== 'chunk') this.error('download-sw.js was not built');
      if (script.imports.length > 0) this.error(`download-sw.js must stand alone, it imports ${script.imports}`);
    },
  };
}

/** A script that the engine's worker imported statically would run before its wall stands. */
export function wallComesFirst(): Plugin {
  return {
    name: 'wall-comes-first',
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk' || !chunk.facadeModuleId?.endsWith('src/worker/host.ts')) continue;
        if (chunk.imports.length > 0)
          this.error(`the engine's worker must not import ${chunk.imports} before its wall`);
      }
    },
  };
}

/**
 * The page knows the formats by their descriptions; their drivers run in the worker, which is a build of its
 * own. Without this the page's build would carry every driver a second time, for nobody.
 */
function driversStayInTheWorker(): Plugin {
  const stand = '\0driver-of-the-worker';
  return {
    name: 'drivers-stay-in-the-worker',
    apply: 'build',
    enforce: 'pre',
    resolveId(source, importer) {
      return source === './driver.ts' && /formats\/[^/]+\/spec\.ts$/.test(importer ?? '') ? stand : undefined;
    },
    load(id) {
      return id === stand ? "throw new Error('drivers run in the worker');" : undefined;
    },
  };
}

const port = Number(process.env.DISKWRIGHT_PORT ?? 4173);

export default defineConfig({
  base: './',
  plugins: [react(), driversStayInTheWorker(), sendSecurityHeaders(), downloadServiceWorker()],
  worker: {
    format: 'es',
    plugins: () => [wallComesFirst()],
    // A folder of their own: who counts what the page fetches can tell them from the page's scripts.
    rolldownOptions: {
      output: { entryFileNames: 'assets/worker/[name]-[hash].js', chunkFileNames: 'assets/worker/[name]-[hash].js' },
    },
  },
  build: {
    outDir: 'dist/page',
    target: 'es2023',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: 'index.html', 'download-sw': 'src/worker/service-worker.ts' },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'download-sw' ? 'download-sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  preview: { host: 'localhost', port, strictPort: true },
});
