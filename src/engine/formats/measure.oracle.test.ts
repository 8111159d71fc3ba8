/** The estimate of `measure` against the installed tool, over random options of every format. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Creator, loadCreator } from '../../testing/oracle/create-pair.ts';
import { qemuImg } from '../../testing/oracle/qemu-tools.ts';
import { arbitraryRequest } from '../../testing/oracle/request-arbitrary.ts';
import { runs } from '../../testing/seed.ts';
import { DiskwrightError } from '../errors.ts';
import type { OptionTexts } from '../options/declare.ts';
import { printOptionList } from '../options/option-list.ts';
import { formats } from './index.ts';

interface Measured {
  readonly required: string;
  readonly 'fully-allocated': string;
}

/** Numbers as texts: JSON.parse would round the large ones. Undefined if the tool refuses. */
function byTool(format: string, { size = '0', ...texts }: OptionTexts): Measured | undefined {
  const options = Object.keys(texts).length === 0 ? [] : ['-o', printOptionList(texts)];
  const { code, stdout } = qemuImg(['measure', '--output=json', '--size', size, '-O', format, ...options]);
  if (code !== 0) return undefined;
  return JSON.parse(stdout.replaceAll(/: (\d+)/g, ': "$1"')) as Measured;
}

function byUs({ driver }: Creator, texts: OptionTexts): Measured | undefined {
  try {
    const { required, fullyAllocated } = driver.estimate({ texts });
    return { required: `${required}`, 'fully-allocated': `${fullyAllocated}` };
  } catch (error) {
    if (error instanceof DiskwrightError) return undefined;
    throw error;
  }
}

// LUKS needs a secret on both sides: luks/create.oracle.test.ts measures it.
describe.each(formats.filter((format) => format.options && format.name !== 'luks'))('$name', (format) => {
  let creator: Creator;
  beforeAll(async () => {
    creator = await loadCreator(format);
  });

  // Encryption is refused here so far; of the two spellings of compat, measure knows the old one.
  const without = Object.values(format.options?.declarations ?? {})
    .map((option) => option.qemu)
    .filter((name) => name.startsWith('encrypt'));
  const oldSpelling = ({ compat, ...texts }: OptionTexts): OptionTexts =>
    compat === undefined || compat.startsWith('v') ? texts : { compat, ...texts };

  test.each([
    { name: 'combinations that go together', mix: { given: 0.4, odd: 0, mended: true }, count: 150 },
    { name: 'any combination', mix: { given: 0.3, odd: 0.1 }, count: 150 },
  ])('$name', ({ mix, count }) => {
    fc.assert(
      fc.property(arbitraryRequest(creator.options, mix, without).map(oldSpelling), (texts) => {
        expect(byUs(creator, texts), JSON.stringify(texts)).toEqual(byTool(format.name, texts));
      }),
      { numRuns: runs(count) },
    );
  });
});
