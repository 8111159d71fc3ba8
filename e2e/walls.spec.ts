/** Nothing leaves the origin: the headers that forbid it, and the wall inside each worker. */
import { expect, type Worker } from '@playwright/test';
import { harnessUrl } from '../playwright.config.ts';
import { securityHeaders } from '../src/platform/browser/security-headers.ts';
import { openHarness, order, save, test } from './support/harness.ts';

test.use({ attempts: true });

const FOREIGN = 'http://127.0.0.1:9/';

const WAYS_OUT = ['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'WebTransport', 'importScripts'] as const;

/** What happens to each way out, from inside a worker. */
const tryWaysOut = (worker: Worker): Promise<string[]> =>
  worker.evaluate(
    async ([names, url]) => {
      const outcomes: string[] = [];
      for (const name of names) {
        const way: unknown = Reflect.get(globalThis, name);
        if (typeof way !== 'function') continue;
        try {
          if (name === 'fetch' || name === 'importScripts') await Reflect.apply(way, globalThis, [url]);
          else Reflect.construct(way, [name === 'WebSocket' ? url.replace('http', 'ws') : url]);
          outcomes.push(`${name} went out`);
        } catch {}
      }
      if (Reflect.get(globalThis, 'caches') !== undefined) outcomes.push('caches is there');
      return outcomes;
    },
    [WAYS_OUT, FOREIGN] as const,
  );

test('headers come with the page, its scripts, its worker and its service worker', async ({ page, request }) => {
  const urls = new Set<string>([harnessUrl, `${harnessUrl}download-sw.js`, `${harnessUrl}no-such-file.js`]);
  page.on('request', (one) => urls.add(one.url()));
  await openHarness(page);
  expect(
    [...urls].filter((url) => /host-.*\.js$/.test(url)),
    'the worker is among them',
  ).toHaveLength(1);
  for (const url of urls) {
    if (!url.startsWith('http')) continue;
    const headers = (await request.get(url)).headers();
    for (const [name, value] of Object.entries(securityHeaders)) {
      expect(headers[name.toLowerCase()], `${name} of ${url}`).toBe(value);
    }
  }
});

test('no way out of the dedicated workers', async ({ page }) => {
  await openHarness(page);
  expect(page.workers().length).toBeGreaterThan(0);
  for (const worker of page.workers()) {
    expect(await tryWaysOut(worker)).toEqual([]);
    const imported = worker.evaluate(
      (url) =>
        import(url).then(
          () => 'imported',
          () => 'refused',
        ),
      `${FOREIGN}x.js`,
    );
    expect(await imported).toBe('refused');
  }
});

test('no way out of the service worker', async ({ page, context }) => {
  await openHarness(page, '?without=picked');
  const begins = page.waitForEvent('download');
  await save(page, order({ size: '70M' }, { format: 'raw' }));
  await (await begins).cancel();
  const [worker] = context.serviceWorkers();
  if (!worker) throw new Error('there is no service worker');
  expect(await tryWaysOut(worker)).toEqual([]);
});

test('the page itself reaches no other origin', async ({ page }) => {
  await openHarness(page);
  const outcome = await page.evaluate(async (url) => {
    const blocked: string[] = [];
    document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
    const fetched = await fetch(url).then(
      () => 'went out',
      () => 'failed',
    );
    const image = new Image();
    image.src = `${url}x.png`;
    // The second violation is told a little later.
    for (let waits = 0; waits < 100 && blocked.length < 2; waits++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return { fetched, blocked };
  }, FOREIGN);
  expect(outcome).toEqual({ fetched: 'failed', blocked: ['connect-src', 'img-src'] });
});
