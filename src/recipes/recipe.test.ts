import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findFormat, formats } from '../engine/formats/index.ts';
import { inOrder, type OptionDeclaration, type OptionSet, type OptionTexts } from '../engine/options/declare.ts';
import { readOptions } from '../engine/options/read.ts';
import { digestLayout } from '../jobs/digest.ts';
import { runs } from '../testing/seed.ts';
import { printLink, readLink } from './link.ts';
import { presets } from './presets.ts';
import { isReproducible, type Json, parseRecipe, printRecipe, type Recipe, recipeOf, unknownKeys } from './recipe.ts';

function read(text: string): Recipe {
  const reading = parseRecipe(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.recipe;
}

function follow(hash: string): Recipe {
  const reading = readLink(hash);
  if (!reading?.ok) throw new Error(reading?.message ?? 'no recipe');
  return reading.recipe;
}

const refusal = (text: string): string => {
  const reading = parseRecipe(text);
  return reading.ok ? 'read' : reading.message;
};

describe('a recipe file', () => {
  test('says what it must and no more', () => {
    expect(printRecipe({ format: 'raw', file: 'a.img', options: { size: '1G' } })).toBe(
      '{\n  "diskwright": 1,\n  "format": "raw",\n  "file": "a.img",\n  "options": {\n    "size": "1G"\n  }\n}\n',
    );
  });

  test('takes numbers and truth values of JSON as the texts they stand for', () => {
    const { options } = read(
      '\uFEFF{"diskwright":1,"format":"qcow2","options":{"size":1048576,"lazy_refcounts":true,"extended_l2":false}}',
    );
    expect(options).toEqual({ size: '1048576', lazy_refcounts: 'on', extended_l2: 'off' });
  });

  test('keeps what is not known, in its place, and names it', () => {
    const text = `{"$schema":"s","diskwright":1,"title":"T","format":"qcow2","mystery":{"a":[1,null]},"options":{"size":"1G","odd":"x"}}`;
    const recipe = read(text);
    expect(unknownKeys(recipe)).toEqual(['mystery']);
    expect(JSON.parse(printRecipe(recipe))).toEqual(JSON.parse(text));
    expect(follow(printLink(recipe))).toEqual(recipe);
  });

  test.each([
    ['[1]', /no recipe/],
    ['null', /no recipe/],
    ['{"format":"qcow2"}', /no recipe/],
    ['{', /not JSON/],
    ['{"diskwright":2,"format":"qcow2"}', /version 2; version 1 is read/],
    ['{"diskwright":1}', /"format" must/],
    ['{"diskwright":1,"format":"qcow2","file":7}', /"file" must/],
    ['{"diskwright":1,"format":"qcow2","gzip":"yes"}', /"gzip" must/],
    ['{"diskwright":1,"format":"qcow2","flags":["-u"]}', /"flags" must/],
    ['{"diskwright":1,"format":"qcow2","options":[]}', /"options" must/],
    ['{"diskwright":1,"format":"qcow2","options":{"size":1.5}}', /option "size" must/],
    ['{"diskwright":1,"format":"qcow2","options":{"size":null}}', /option "size" must/],
    ['{"diskwright":1,"format":"qcow2","flags":[["--object","secret,id=a,data=b"]]}', /value of a secret/],
  ])('%s is refused', (text, message) => expect(refusal(text)).toMatch(message));

  test('has no secrets, and keeps where they are', () => {
    const flags = [
      ['--object', 'secret,id=a,data=hush'],
      ['--object=secret,data=hush,id=a'],
      ['--object', '{"qom-type":"secret","data":"hush"}'],
      ['--object', 'secret,data=hush,id=a'],
      ['--object', 'data=hush,id=a'],
      ['--object', 'qom-type=secret,data=hush,id=a'],
      ['--object', 'secret,id=a, data=hush'],
      ['--object', 'secret,id=a,', 'data=hush'],
      ['--obj=data=hush,id=a'],
      ['-u'],
    ];
    const others = [['--object', 'secret,id=a,file=key.txt']];
    const recipe: Recipe = { format: 'qcow2', options: { 'encrypt.key-secret': 'a' }, flags: [...flags, ...others] };
    for (const text of [printRecipe(recipe), printLink(recipe)]) expect(text).not.toContain('hush');
    expect(read(printRecipe(recipe)).flags).toEqual([['-u'], ...others]);
    expect(follow(printLink(recipe)).flags).toEqual([['-u'], ...others]);
  });
});

describe('a link', () => {
  test('can be read by people', () => {
    const options = { size: '32G', cluster_size: '128K', backing_file: '../a b/base.qcow2' };
    expect(printLink({ format: 'qcow2', file: 'disk.qcow2', options })).toBe(
      '#create?v=1&format=qcow2&file=disk.qcow2&o.size=32G&o.cluster_size=128K&o.backing_file=../a+b/base.qcow2',
    );
  });

  test('of another place, or without anything, is none', () => {
    for (const hash of ['', '#', '#create', '#open', '#convert?v=1', '#open?v=1&format=qcow2']) {
      expect(readLink(hash)).toBeUndefined();
    }
  });

  test.each([
    ['#create?', /version null/],
    ['#create?v=9&format=qcow2', /version 9/],
    ['#create?v=1', /"format"/],
    ['#create?v=1&format=qcow2&flag=[1]', /"flags"/],
  ])('%s is refused in words', (hash, message) => {
    const reading = readLink(hash);
    expect(reading?.ok === false && reading.message).toMatch(message);
  });

  test('keeps names that it does not know', () => {
    const recipe = follow('#create?v=1&format=qcow2&colour=red&x.deep={"a":1}');
    expect(unknownKeys(recipe)).toEqual(['colour', 'deep']);
    expect(recipe.rest).toEqual({ colour: 'red', deep: { a: 1 } });
  });
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 10 }),
  fc.constantFrom('a=b&c', '%41', '+ x', '#', '[x', ''),
);
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const known = ['diskwright', 'format', 'file', 'options', 'gzip', 'flags', 'v', 'flag'];
const anyRecipe = fc
  .record(
    {
      format: text,
      file: text,
      options: fc.dictionary(text, text, { noNullPrototype: true }),
      gzip: fc.constant(true),
      flags: fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      rest: fc.dictionary(
        text.filter((key) => !known.includes(key)),
        json,
        { noNullPrototype: true, minKeys: 1 },
      ),
    },
    { requiredKeys: ['format', 'options'] },
  )
  .map((recipe) => recipe as Recipe);

test('any recipe comes back from its file and from its link', () => {
  fc.assert(
    fc.property(anyRecipe, (recipe) => {
      expect(read(printRecipe(recipe))).toEqual(recipe);
      expect(follow(printLink(recipe))).toEqual(recipe);
    }),
    { numRuns: runs(500) },
  );
});

test('images with random keys are known to differ', () => {
  const said = (options: OptionTexts) => isReproducible({ format: 'qcow2', options });
  expect([said({}), said({ 'encrypt.format': 'aes' }), said({ 'encrypt.format': 'luks' })]).toEqual([
    true,
    true,
    false,
  ]);
});

test('any JSON value is read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
      recipeOf(value);
      recipeOf({ diskwright: 1, format: 'qcow2', options: value, flags: other });
      recipeOf({ diskwright: value, format: other });
    }),
    { numRuns: runs(200) },
  );
});

function textFor(option: OptionDeclaration): fc.Arbitrary<string> {
  if (option.kind === 'choice') return fc.constantFrom(...option.choices.map((one) => one.value));
  if (option.kind === 'flag') return fc.constantFrom('on', 'off');
  if (option.kind === 'text') return fc.constantFrom('base.qcow2', 'raw', 'qcow2');
  if (option.qemu === 'size') return fc.constantFrom('0', '1M', '513', '3000000', '64M', '1G');
  return fc.constantFrom(...(option.offers ?? ['1M']));
}

/** Requests of a format that can be made; data files and what the host would have to do are left out. */
function soundRequest(name: string, set: OptionSet): fc.Arbitrary<Recipe> {
  const model = Object.fromEntries(
    inOrder(set)
      .filter((option) => !option.refused && option.layer !== 'file' && !/^encrypt|^data_file/.test(option.qemu))
      .map((option) => [option.qemu, textFor(option)]),
  );
  return fc
    .record(model, { requiredKeys: ['size'] })
    .map((options) => ({ format: name, options: options as OptionTexts }))
    .filter(({ options }) => readOptions(set, options).problems.length === 0);
}

async function bytesOf({ format, options }: Recipe): Promise<string> {
  const driver = (await findFormat(format)?.load())?.create;
  const steps = driver && digestLayout(driver.layout({ texts: options }).image, false);
  for (let next = steps?.next(); next; next = steps?.next()) {
    if (next.done) return next.value.layoutDigest;
  }
  throw new Error(`${format} cannot be made`);
}

test('the same recipe gives the same bytes, from its file and from its link', async () => {
  for (const { name, options } of formats) {
    if (!options || !isReproducible({ format: name, options: {} })) continue;
    await fc.assert(
      fc.asyncProperty(soundRequest(name, options), async (recipe) => {
        const digest = await bytesOf(recipe);
        expect(await bytesOf(recipe)).toBe(digest);
        expect(await bytesOf(read(printRecipe(recipe)))).toBe(digest);
        expect(await bytesOf(follow(printLink(recipe)))).toBe(digest);
      }),
      { numRuns: runs(40) },
    );
  }
});

describe('presets', () => {
  test.each(presets.map((preset) => [preset.name, preset] as const))('%s can be made and says why', (_, preset) => {
    const { recipe, reason } = preset;
    const set = findFormat(recipe.format)?.options;
    expect(set && readOptions(set, recipe.options).problems).toEqual([]);
    expect(reason).toMatch(/^[A-Z].*\.$/);
    expect(recipe.file).toMatch(/\.qcow2$/);
    expect(follow(printLink(recipe))).toEqual(recipe);
  });

  test('have names and options of their own', () => {
    expect(new Set(presets.map((one) => one.name)).size).toBe(presets.length);
    expect(new Set(presets.map((one) => printLink(one.recipe))).size).toBe(presets.length);
  });

  test('small overlays are as small as is said', async () => {
    const length = async (name: string): Promise<number> => {
      const { recipe } = presets.find((one) => one.name === name) ?? presets[0];
      const driver = (await findFormat(recipe.format)?.load())?.create;
      return driver?.layout({ texts: recipe.options }).image.length ?? 0;
    };
    expect((await length('Many small overlays')) / (await length('Cloud overlay'))).toBeLessThan(0.25);
  });
});
