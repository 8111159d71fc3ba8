/** Memory of the browser's processes as the kernel counts it, workers and service worker included. */
import { readFileSync } from 'node:fs';
import type { BrowserContext, Page } from '@playwright/test';

async function residentBytes(context: BrowserContext, page: Page): Promise<number> {
  const session = await context.newCDPSession(page);
  const browser = context.browser();
  const processes = await (browser ? await browser.newBrowserCDPSession() : session).send('SystemInfo.getProcessInfo');
  await session.detach();
  let total = 0;
  for (const { id, type } of processes.processInfo) {
    if (type !== 'renderer') continue;
    // A process may end between the two looks.
    try {
      total += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0) * 1024;
    } catch {}
  }
  return total;
}

/** Looks again and again until `stop`; gives the most that the renderers took beyond the start. */
export async function watchMemory(context: BrowserContext, page: Page): Promise<{ stop(): Promise<number> }> {
  const before = await residentBytes(context, page);
  let peak = before;
  let going = true;
  const loop = (async () => {
    while (going) {
      peak = Math.max(peak, await residentBytes(context, page));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    async stop() {
      going = false;
      await loop;
      return peak - before;
    },
  };
}
