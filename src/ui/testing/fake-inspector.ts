/**
 * An open image without a worker, for tests of components: what it is and what a change makes of it comes from the
 * test, and a save is held in its hand.
 */
import { DiskwrightError } from '../../engine/errors.ts';
import type {
  Change,
  ChangeKind,
  ChangeOffers,
  ChangeOrder,
  ChangePlan,
  ChangeReport,
  PlannedChange,
} from '../../worker/change/protocol.ts';
import type { AskDetail, Inspector, SaveProgress } from '../../worker/engine-client.ts';
import type { AskAnswers, OpenReport, Trouble } from '../../worker/open/protocol.ts';

const GiB = 2 ** 30;

const KINDS: readonly ChangeKind[] = [
  'repair',
  'resize',
  'snapshot-create',
  'snapshot-apply',
  'snapshot-delete',
  'snapshot-extract',
  'amend',
  'rebase',
  'flatten',
  'compact',
];

/** Everything can be had, but for what is named. */
export const offersBut = (refused: Partial<Record<ChangeKind, Trouble>>): ChangeOffers =>
  Object.fromEntries(
    KINDS.map((kind) => [kind, refused[kind] ? { refused: refused[kind] } : {}]),
  ) as unknown as ChangeOffers;

export const reportOf = (differences: Partial<OpenReport> = {}): OpenReport => ({
  name: 'web-01.qcow2',
  length: 7_331_643_392,
  format: 'qcow2',
  label: 'QEMU image',
  reason: '"QFI\\xfb" at 0, version 3',
  virtualSize: 40 * GiB,
  clusterSize: 65536,
  encrypted: false,
  dirty: false,
  facts: { compat: '1.1', 'compression-type': 'zlib', 'lazy-refcounts': false, 'refcount-bits': 16 },
  snapshots: [],
  below: [],
  missing: [],
  locked: [],
  spare: [],
  readers: [],
  can: { map: false, check: true },
  ...differences,
});

export const planOf = (differences: Partial<PlannedChange> = {}): PlannedChange => ({
  fileName: 'web-01-changed.qcow2',
  before: { length: 7_331_643_392, virtualSize: 40 * GiB },
  after: { length: 7_331_643_392, written: 7_331_643_392, changed: 65536, virtualSize: 40 * GiB },
  facts: [],
  warnings: [],
  commands: {
    qemuImg: ['cp web-01.qcow2 web-01-changed.qcow2', 'qemu-img check -r leaks web-01-changed.qcow2'],
    diskwright: ['cp web-01.qcow2 web-01-changed.qcow2', 'diskwright check -r leaks web-01-changed.qcow2'],
  },
  unchanged: false,
  ...differences,
});

/** A change that is being saved and goes on as the test says. */
export interface HeldChange {
  readonly order: ChangeOrder;
  readonly progress: (progress: Partial<SaveProgress>) => void;
  readonly finish: (report?: Partial<ChangeReport>) => void;
  readonly fail: (error: unknown) => void;
}

export interface FakeInspector extends Inspector {
  /** Plans that were asked for. */
  readonly planned: Change[];
  readonly held: HeldChange[];
  report: OpenReport;
  offers: ChangeOffers | Error;
  /** What becomes of a plan; a promise that never ends is one that takes long. */
  answer: (change: Change, detail: AskDetail) => ChangePlan | Promise<ChangePlan>;
  check: AskAnswers['check'];
}

const untilCancelled = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new DiskwrightError('cancelled', 'Cancelled.')));
  });

export function createFakeInspector(report: OpenReport = reportOf()): FakeInspector {
  const fake: FakeInspector = {
    planned: [],
    held: [],
    report,
    offers: offersBut({}),
    answer: () => planOf(),
    check: {
      corruptions: 0,
      leaks: 3,
      failures: 0,
      totalClusters: 655_360,
      allocatedClusters: 106_912,
      fragmentedClusters: 0,
      compressedClusters: 0,
      imageEndOffset: 7_331_643_392,
      findings: [],
      moreFindings: 0,
    },

    async ask(_order, asked) {
      const { kind } = asked as { readonly kind: keyof AskAnswers };
      const answers: Partial<AskAnswers> = {
        open: fake.report,
        check: fake.check,
        meter: 0,
        bytes: { bytes: new Uint8Array(0), fields: [] },
      };
      const answer = answers[kind];
      if (answer === undefined) throw new Error(`nothing is known of ${kind}`);
      return answer as never;
    },
    extract: () => Promise.reject(new Error('nothing is saved here')),
    async changesOf() {
      if (fake.offers instanceof Error) throw fake.offers;
      return fake.offers;
    },
    planChange(_order, change, detail = {}) {
      fake.planned.push(change);
      return Promise.race([untilCancelled(detail.signal), Promise.resolve(fake.answer(change, detail))]);
    },
    change: (_order, order, { onProgress, signal } = {}) =>
      Promise.race([
        untilCancelled(signal),
        new Promise<ChangeReport>((resolve, reject) => {
          fake.held.push({
            order,
            progress: (progress) =>
              onProgress?.({ phase: 'Writing', fileName: order.fileName, done: 0, total: 1, rate: 0, ...progress }),
            finish: (differences) =>
              resolve({
                name: order.fileName,
                length: 196_608,
                written: 196_608,
                sink: 'blob',
                milliseconds: 38,
                check: { verdict: 'sound', findings: [], read: 'file' },
                ...differences,
              }),
            fail: reject,
          });
        }),
      ]),
    forgetChange: async () => {},
  };
  return fake;
}
