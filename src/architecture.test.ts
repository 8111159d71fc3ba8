/**
 * The layers: a file imports from its own folder and from lower ranks only, formats never from each other,
 * and nothing in a circle. A failure prints the offending import.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = 'src';

/** Path prefix → rank; the longest prefix counts. */
const RANKS: readonly (readonly [prefix: string, rank: number])[] = [
  ['engine/errors.ts', 0],
  ['engine/bytes/', 0.5],
  ['engine/codec/', 1],
  ['engine/crypto/', 1],
  ['engine/device/', 1],
  ['engine/options/', 1],
  ['engine/image/', 2],
  ['engine/formats/', 3],
  ['engine/formats/index.ts', 4],
  ['jobs/', 5],
  ['recipes/', 5],
  ['platform/', 6],
  ['worker/', 7],
  ['cli/', 7],
  ['ui/', 8],
  // What is published and what is mounted: they may see everything.
  ['index.ts', 9],
  ['node.ts', 9],
  ['main.tsx', 9],
];

/** The page sees types, declarations and the client, never a byte of an image. */
const PAGE_MAY_IMPORT =
  /^(?:engine\/(?:errors\.ts|bytes\/|options\/|image\/|formats\/index\.ts)|jobs\/|recipes\/|worker\/|platform\/browser\/|ui\/)/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const isTest = (name: string): boolean => /\.test\.tsx?$/.test(name) || /(?:^|\/)testing\//.test(name);

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((name) => name.split(sep).join('/'))
  .filter((name) => /\.tsx?$/.test(name) && !isTest(name) && !name.endsWith('.d.ts'));

const IMPORT =
  /(?:^|\n)\s*(import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

function importsOf(name: string): { specifier: string; typeOnly: boolean }[] {
  const text = readFileSync(join(ROOT, name), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(IMPORT)].map((match) => ({
    specifier: match[3] ?? match[4] ?? match[5] ?? '',
    typeOnly: match[2] !== undefined,
  }));
}

const inside: Import[] = [];
const outside: Import[] = [];
for (const from of files) {
  for (const { specifier, typeOnly } of importsOf(from)) {
    const path = specifier.replace(/\?.*$/, '');
    if (path.startsWith('.'))
      inside.push({
        from,
        to: normalize(join(dirname(from), path))
          .split(sep)
          .join('/'),
        typeOnly,
      });
    else outside.push({ from, to: specifier, typeOnly });
  }
}

const shown = ({ from, to }: Import): string => `${from} imports ${to}`;

function rankOf(name: string): number | undefined {
  let best: readonly [string, number] | undefined;
  for (const entry of RANKS) if (name.startsWith(entry[0]) && entry[0].length > (best?.[0].length ?? -1)) best = entry;
  return best?.[1];
}

const formatOf = (name: string): string | undefined => /^engine\/formats\/([^/]+)\//.exec(name)?.[1];

/** What a file may import from at its own rank: its format, its side of the platform, else its layer. */
function home(name: string): string {
  const [layer = '', part = '', third = ''] = name.split('/');
  if (layer === 'platform') return third === '' ? 'platform' : `platform/${part}`;
  if (layer !== 'engine') return layer;
  return formatOf(name) ? `engine/formats/${third}` : `engine/${part}`;
}

test('the table knows every file', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((name) => rankOf(name) === undefined)).toEqual([]);
});

test('imports go to the own folder or to a lower layer', () => {
  const offending = inside.filter(({ from, to }) => {
    const [own = 0, other = 0] = [rankOf(from), rankOf(to)];
    return other > own || (other === own && home(from) !== home(to));
  });
  expect(offending.map(shown)).toEqual([]);
});

test('formats never import from each other', () => {
  const offending = inside.filter(({ from, to }) => {
    const [own, other] = [formatOf(from), formatOf(to)];
    return own !== undefined && other !== undefined && own !== other;
  });
  expect(offending.map(shown)).toEqual([]);
});

test('the page sees no bytes of an image', () => {
  const offending = inside.filter(({ from, to }) => from.startsWith('ui/') && !PAGE_MAY_IMPORT.test(to));
  expect(offending.map(shown)).toEqual([]);
});

describe('what comes from outside', () => {
  const offending = (prefix: RegExp, allowed: RegExp) =>
    outside.filter(({ from, to }) => prefix.test(from) && !allowed.test(to)).map(shown);

  test.each([
    ['the engine needs nothing', /^engine\/(?!crypto\/)/, /^$/],
    ['its cryptography needs only hashes', /^engine\/crypto\//, /^@noble\/hashes\//],
    ['jobs need only the hash', /^jobs\//, /^@noble\/hashes\//],
    ['the command and its platform need Node', /^(?:cli|platform\/node)\/|^node\.ts/, /^node:/],
    ['workers and their platform need nothing', /^(?:worker|platform\/browser)\//, /^$/],
    ['the page needs React', /^(?:ui\/|main\.tsx)/, /^react(?:-dom)?(?:\/|$)/],
  ])('%s', (_name, prefix, allowed) => {
    expect(offending(prefix, allowed)).toEqual([]);
  });
});

test('the engine is synchronous', () => {
  // `load` of a spec names a module to be imported later; that is the one promise it makes.
  const offending = files
    .filter((name) => name.startsWith('engine/'))
    .filter((name) =>
      /\basync\b(?! *[`'"])|\bawait\b/.test(
        readFileSync(join(ROOT, name), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
      ),
    );
  expect(offending).toEqual([]);
});

test('no imports in a circle', () => {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of inside) if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      circles.push([...path.slice(path.indexOf(name)), name].join(' → '));
      return;
    }
    if (done.has(name)) return;
    for (const to of next.get(name) ?? []) visit(to, [...path, name]);
    done.add(name);
  };
  for (const name of files) visit(name, []);
  expect(circles).toEqual([]);
});
