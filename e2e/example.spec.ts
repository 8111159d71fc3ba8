/** The library's example for pages, as it stands, with the library as it is packed: no bundler, no server of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { build } from 'vite';
import { makeFolder, removeFolder } from './support/folder.ts';
import { expectSameImage, makeReference } from './support/oracle.ts';

const NAME = 'make-image-in-browser.js';

const HTML = `<!doctype html>
<script type="importmap">{"imports": {"diskwright": "./lib/index.js"}}</script>
<script type="module">
  import { saveImage } from './${NAME}';
  document.querySelector('button').onclick = () => saveImage('disk.qcow2', '32G');
</script>
<button>Save</button>`;

test('an image in ten lines', async ({ page }) => {
  const source = readFileSync(join('examples', NAME), 'utf8');
  const body = /export async function[^{]*\{\n([\s\S]*)\n\}/.exec(source)?.[1] ?? '';
  expect(body.split('\n').length).toBeLessThanOrEqual(10);

  const folder = makeFolder();
  const lib = join(folder, 'lib');
  await build({ configFile: 'vite.lib.config.ts', logLevel: 'error', build: { outDir: lib } });
  await page.route('http://example.test/**', (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    if (name === '') return route.fulfill({ contentType: 'text/html', body: HTML });
    const body = readFileSync(name === NAME ? join('examples', NAME) : join(folder, name), 'utf8');
    return route.fulfill({ contentType: 'text/javascript', body });
  });
  await page.goto('http://example.test/');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button').click()]);
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  const order = { format: 'qcow2', fileName: '', gzip: false, texts: { size: '32G' } };
  expectSameImage(path, makeReference(order, join(folder, 'reference'), folder), 'qcow2');
  removeFolder(folder);
});
