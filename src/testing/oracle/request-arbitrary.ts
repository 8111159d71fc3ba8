/**
 * Random create requests, generated from the option declarations: valid and invalid texts alike, sizes
 * drawn from the edges where the layout of the format changes.
 */
import fc from 'fast-check';
import type { OptionDeclaration, OptionSet, OptionTexts } from '../../engine/options/declare.ts';
import { FLAG_WORDS, readOptions } from '../../engine/options/read.ts';

/** Texts that no option of the kind takes, or that sit at a limit. */
const ODD_SIZES = '0 511 513 1000 4M 0x200 0x10k 1.5 1.5k .5k 64KB 64kib 1e3 -1 16E +4k 070000'.split(' ');
const ODD_NUMBERS = '0 3 5 128 -1 0x10 020 08 1.0 16k x'.split(' ');
const ODD_WORDS = ['', 'On', '1', 'maybe', 'off ', 'zlib', 'v4', '0.9', 'a,b'];

/** Texts for options that take any: names of the kinds people write. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  backing_file: [
    'base.qcow2',
    'a',
    'dir/base.img',
    'a,b',
    'größe.img',
    'x'.repeat(1023),
    'x'.repeat(1024),
    'y'.repeat(300),
  ],
  backing_fmt: ['qcow2', 'raw', 'vmdk', 'vvfat', 'nosuch', ''],
  data_file: ['data.raw', 'a,b', 'größe', 'x'.repeat(100)],
};

function wellFormed(option: OptionDeclaration): readonly string[] {
  switch (option.kind) {
    case 'size':
      return option.offers ?? ['0', '512', '4096', '1M', '1048577', '4G'];
    case 'number':
      return option.offers ?? ['1', '2000'];
    case 'flag':
      return Object.keys(FLAG_WORDS);
    case 'choice':
      return option.choices.flatMap((choice) => [choice.value, ...(choice.also ?? [])]);
    case 'text':
      return NAMES[option.qemu] ?? ['x'];
  }
}

function oddTexts(option: OptionDeclaration): readonly string[] {
  if (option.kind === 'size') return ODD_SIZES;
  if (option.kind === 'number') return ODD_NUMBERS;
  return option.kind === 'text' ? wellFormed(option) : ODD_WORDS;
}

/** A place on the boundary grid, before it is known what the other options make of it. */
interface SizeRecipe {
  /** Which of the request's edges. */
  readonly edge: number;
  readonly times: number;
  readonly delta: number;
}

const sizeRecipe: fc.Arbitrary<SizeRecipe> = fc.record({
  edge: fc.nat(11),
  times: fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.integer({ min: 0, max: 40 })),
  delta: fc.oneof(
    fc.constantFrom(0, 1, -1, 511, 512, 513, -511, -512, -513),
    fc.integer({ min: -70_000, max: 70_000 }),
  ),
});

const KIB = 1024;

/** Guest sizes at which something in the file begins anew, in bytes. */
export function edgesOf(clusterSize: number, entryBytes: number, refcountBits: number): readonly number[] {
  const perTable = clusterSize / entryBytes;
  const perBlock = (clusterSize * 8) / refcountBits;
  return [
    1,
    clusterSize,
    perTable * clusterSize, // one L2 table
    (clusterSize / 8) * perTable * clusterSize, // one cluster of L1
    perBlock * clusterSize, // one refcount block
    (clusterSize / 8) * perBlock * clusterSize, // the first refcount table
    (2 ** 31 / clusterSize - 1) * clusterSize, // one chunk of preallocation
    (32 * KIB * KIB * perTable * clusterSize) / 8, // the largest L1
    KIB ** 2,
    KIB ** 3,
    KIB ** 4,
    KIB ** 6,
  ];
}

/** How far each preallocation is affordable in a test, in bytes of guest disk. */
function affordable(values: Readonly<Record<string, unknown>>, clusterSize: number): number {
  const metadata = 300_000 * clusterSize;
  const preallocation = values.preallocation;
  if (preallocation === 'full') return 48 * KIB ** 2;
  if (preallocation === 'falloc') return Math.min(metadata, 6 * KIB ** 3);
  if (preallocation === 'metadata' || values.dataFileRaw) return Math.min(metadata, 8 * KIB ** 4);
  // A sparse file on ext4 ends below 16 TiB; of a data file and of raw the length is the disk's.
  return values.clusterSize === undefined || values.dataFile !== undefined ? 8 * KIB ** 4 : Number.POSITIVE_INFINITY;
}

/** The size text for the recipe under the other options. */
function sizeText(set: OptionSet, texts: OptionTexts, { edge, times, delta }: SizeRecipe): string {
  const values = readOptions(set, texts).values as Readonly<Record<string, unknown>>;
  const given = Number(values.clusterSize ?? 65536);
  const clusterSize = Math.min(Math.max(given, 512), 2 * KIB ** 2);
  const refcountBits = Number(values.refcountBits) || 16;
  const edges = edgesOf(clusterSize, values.extendedL2 ? 16 : 8, refcountBits);
  const most = affordable(values, clusterSize);
  let size = Math.max(0, (edges[edge] ?? 1) * times + delta);
  while (size > most) size = Math.floor(size / 7);
  return BigInt(Math.floor(size)).toString();
}

/** What of a request is random. */
export interface RequestMix {
  /** Chance that an option is given. */
  readonly given: number;
  /** Chance that a given text is an odd one. */
  readonly odd: number;
  /** Drop what the rules complain about until they are content. */
  readonly mended?: boolean;
}

/** `texts` without the options that have problems. */
function mend(set: OptionSet, texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  let left = { ...texts };
  for (;;) {
    const [problem] = readOptions(set, left).problems;
    if (!problem || Object.keys(left).length === 0) return left;
    const { [problem.option]: dropped, ...rest } = left;
    // A rule may blame an option whose default breaks it: then start over from nothing.
    left = dropped === undefined ? {} : rest;
  }
}

/** Requests for the options of `set`, options named in `without` left out. */
export function arbitraryRequest(
  set: OptionSet,
  mix: RequestMix,
  without: readonly string[] = [],
): fc.Arbitrary<OptionTexts> {
  const options = Object.values(set.declarations).filter(
    (option) => option.qemu !== 'size' && !without.includes(option.qemu),
  );
  const texts = options.map((option) => {
    const percent = (chance: number): number => Math.round(100 * chance);
    return fc
      .oneof(
        { withCrossShrink: true },
        { weight: percent(1 - mix.given), arbitrary: fc.constant(undefined) },
        { weight: percent(mix.given * (1 - mix.odd)), arbitrary: fc.constantFrom(...wellFormed(option)) },
        { weight: percent(mix.given * mix.odd), arbitrary: fc.constantFrom(...oddTexts(option)) },
      )
      .map((value) => [option.qemu, value] as const);
  });
  return fc.tuple(fc.tuple(...texts), sizeRecipe).map(([pairs, recipe]) => {
    const given: Record<string, string> = {};
    for (const [name, text] of pairs) if (text !== undefined) given[name] = text;
    const kept = mix.mended ? mend(set, given) : given;
    const request = { ...kept, size: sizeText(set, kept, recipe) };
    return mix.mended ? { size: '0', ...mend(set, request) } : request;
  });
}
