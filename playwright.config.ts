/**
 * Browser tests on the system's browsers (versions and traps: a newer Playwright cannot open Firefox ESR).
 * The built page and the harness of the saving tests are each served by `vite preview`, headers included.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from '@playwright/test';

const port = Number(process.env.DISKWRIGHT_TEST_PORT ?? 4183);
const benchmark = process.env.DISKWRIGHT_BENCH === '1';
export const pageUrl = `http://localhost:${port}/`;
export const harnessUrl = `http://localhost:${port + 1}/`;
/** Firefox saves here; nothing tells a test when a blob download ends, so the folder is watched: each worker its own. */
export const firefoxDownloads = join(tmpdir(), `diskwright-firefox-${port}-${process.env.TEST_PARALLEL_INDEX ?? 0}`);

const harnessConfig = 'e2e/harness/vite.config.ts';

export default defineConfig({
  testDir: 'e2e',
  testMatch: benchmark ? '**/*.bench.ts' : '**/*.spec.ts',
  outputDir: 'test-results/browser',
  forbidOnly: true,
  workers: 2,
  timeout: 120_000,
  // What a test waits for comes soon or never: a busy machine must not decide which.
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/browser.json' }]],
  use: { baseURL: pageUrl, trace: 'retain-on-failure' },
  projects: [
    {
      name: 'chromium',
      testIgnore: '**/*.firefox.spec.ts',
      use: {
        browserName: 'chromium',
        launchOptions: {
          executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--disable-background-networking',
            '--no-first-run',
          ],
        },
      },
    },
    {
      name: 'firefox',
      testMatch: '**/*.firefox.spec.ts',
      // Its worker start hung once in some hundred runs for reasons outside the page; a retry is reported.
      retries: 1,
      use: {
        browserName: 'firefox',
        channel: 'moz-firefox',
        launchOptions: {
          executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
          downloadsPath: firefoxDownloads,
          // An idle service worker is ended after 2 s instead of 30: the tests of the ping take seconds.
          firefoxUserPrefs: {
            'dom.serviceWorkers.idle_timeout': 2000,
            'dom.serviceWorkers.idle_extended_timeout': 2000,
          },
        },
      },
    },
  ],
  webServer: [
    {
      command: `npx vite build && npx vite preview --port ${port}`,
      url: pageUrl,
      stdout: 'ignore',
      timeout: 120_000,
    },
    {
      command: `npx vite build --config ${harnessConfig} && npx vite preview --config ${harnessConfig} --port ${port + 1}`,
      url: harnessUrl,
      stdout: 'ignore',
      timeout: 120_000,
    },
  ],
});
