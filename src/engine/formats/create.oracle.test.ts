/**
 * The random matrix: requests over all create options of every format in the registry, answered by the
 * engine and by qemu-img. A failure is shrunk and printed as the qemu-img command that shows it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparePair, createCommand, loadCreator } from '../../testing/oracle/create-pair.ts';
import { arbitraryRequest, type RequestMix } from '../../testing/oracle/request-arbitrary.ts';
import { runs, seed } from '../../testing/seed.ts';
import { formats } from './index.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-matrix-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const mixes: readonly { name: string; mix: RequestMix; share: number }[] = [
  { name: 'combinations that go together', mix: { given: 0.4, odd: 0, mended: true }, share: 0.5 },
  { name: 'well-formed texts, any combination', mix: { given: 0.25, odd: 0 }, share: 0.25 },
  { name: 'odd texts among them', mix: { given: 0.25, odd: 0.25 }, share: 0.25 },
];

/** Nothing is encrypted so far: these only ever lead to a refusal, which one test covers. */
const encryption = (name: string): boolean => name === 'encryption' || name.startsWith('encrypt.');

// Volumes of LUKS differ by chance from run to run: luks/create.oracle.test.ts has their matrix.
describe.each(formats.filter((format) => format.options && format.name !== 'luks'))('$name', (format) => {
  const total = format.name === 'raw' ? 100 : 400;
  test.each(mixes)('$name', async ({ mix, share }) => {
    const creator = await loadCreator(format);
    const names = Object.values(creator.options.declarations).map((option) => option.qemu);
    const counts = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(arbitraryRequest(creator.options, mix, names.filter(encryption)), async (texts) => {
        const { accepted, difference } = comparePair(creator, texts, dir);
        counts[accepted ? 'accepted' : 'refused']++;
        if (difference) throw new Error(difference);
        // Lets the test runner's own messages through.
        await new Promise((resolve) => setImmediate(resolve));
      }),
      {
        numRuns: runs(total * share),
        reporter: (run) => {
          if (!run.failed) return;
          const smallest = run.counterexample?.[0];
          const command = smallest ? createCommand(creator, smallest) : '';
          throw new Error(`DISKWRIGHT_SEED=${seed}, smallest case:\n  ${command}\n  ${run.errorInstance}`);
        },
      },
    );
    console.log(`${format.name}, ${counts.accepted} accepted, ${counts.refused} refused by qemu-img`);
    expect(counts.accepted).toBeGreaterThan(10);
  });
});
