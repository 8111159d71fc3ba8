/** The harness of changes: images that the page's file input was given, changed by the real client. */
import type { Change, ChangeOffers, ChangeOrder, ChangePlan, ChangeReport } from '../../src/worker/change/protocol.ts';
import type { EngineClient } from '../../src/worker/engine-client.ts';
import type { OpenOrder } from '../../src/worker/open/protocol.ts';

export interface ChangeOutcome {
  readonly report?: Omit<ChangeReport, 'file'>;
  /** Format of the saved file, opened straight away. */
  readonly reopened?: string;
  readonly failure?: { readonly kind: string; readonly message: string };
  readonly phases: readonly string[];
  /** Milliseconds from the cancel to the end. */
  readonly cancelTook?: number;
}

export interface ChangeHarness {
  /** What the file input holds now is the open image. */
  open(): number;
  offers(): Promise<ChangeOffers>;
  plan(change: Change): Promise<ChangePlan>;
  /** Milliseconds from the cancel of a plan that is under way to its end. */
  cancelPlan(change: Change): Promise<number>;
  /** `cancelAt` cancels when so many bytes have left. */
  change(order: ChangeOrder, cancelAt?: number): Promise<ChangeOutcome>;
  /** Bytes read from the files so far. */
  bytesRead(): Promise<number>;
}

declare global {
  interface Window {
    changing: ChangeHarness;
  }
}

const chosen = (): File[] => [...(document.querySelector<HTMLInputElement>('#files')?.files ?? [])];

export function createChanging(client: EngineClient): ChangeHarness {
  let order: OpenOrder = { id: 'none', files: [] };
  return {
    open() {
      order = { id: crypto.randomUUID(), files: chosen().map((file) => ({ file })) };
      return order.files.length;
    },
    offers: async () => (await client.inspector()).changesOf(order),
    plan: async (change) => (await client.inspector()).planChange(order, change),
    async cancelPlan(change) {
      const controller = new AbortController();
      let cancelledAt = 0;
      const onProgress = ({ done }: { done: number }) => {
        if (done === 0 || cancelledAt > 0) return;
        cancelledAt = performance.now();
        controller.abort();
      };
      const { signal } = controller;
      await (await client.inspector()).planChange(order, change, { onProgress, signal }).catch(() => {});
      return performance.now() - cancelledAt;
    },
    async change(what, cancelAt = Number.POSITIVE_INFINITY) {
      const controller = new AbortController();
      const phases: string[] = [];
      let cancelledAt = 0;
      const inspector = await client.inspector();
      try {
        const { file, ...report } = await inspector.change(order, what, {
          signal: controller.signal,
          onProgress({ phase, done }) {
            if (phases.at(-1) !== phase) phases.push(phase);
            if (!/ing the file|together/.test(phase) || done < cancelAt || cancelledAt > 0) return;
            cancelledAt = performance.now();
            controller.abort();
          },
        });
        if (!file) return { report, phases };
        const { format } = await client.identify(file);
        return { report, reopened: format, phases };
      } catch (error) {
        const kind = error instanceof Error && 'kind' in error ? String(error.kind) : 'defect';
        const message = error instanceof Error ? error.message : String(error);
        return { failure: { kind, message }, phases, cancelTook: performance.now() - cancelledAt };
      }
    },
    bytesRead: async () => (await client.inspector()).ask<'meter'>(order, { kind: 'meter' }),
  };
}
