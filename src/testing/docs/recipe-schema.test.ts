import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { presets } from '../../recipes/presets.ts';
import { parseRecipe, printRecipe } from '../../recipes/recipe.ts';
import { recipeSchema } from './recipe-schema.ts';

test('public/recipe.schema.json is that of the declarations (npm run docs writes it)', () => {
  expect(readFileSync('public/recipe.schema.json', 'utf8')).toBe(recipeSchema());
});

interface Schema {
  readonly [key: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;

/** As much of JSON schema as ours uses. */
function fits(schema: Schema, value: unknown): boolean {
  const { type, enum: values, const: only, pattern, anyOf, allOf, required, properties, items, minimum } = schema;
  if (type !== undefined && ![type].flat().includes(typeOf(value))) return false;
  if (Array.isArray(values) && !values.includes(value)) return false;
  if (only !== undefined && value !== only) return false;
  if (typeof pattern === 'string' && !new RegExp(pattern).test(String(value))) return false;
  if (typeof minimum === 'number' && Number(value) < minimum) return false;
  if (Array.isArray(anyOf) && !anyOf.some((one: Schema) => fits(one, value))) return false;
  if (Array.isArray(allOf) && !allOf.every((one: Schema) => conditional(one, value))) return false;
  if (Array.isArray(value) && items && !value.every((one) => fits(items as Schema, one))) return false;
  if (!isObject(value)) return true;
  if (Array.isArray(required) && !required.every((key: string) => key in value)) return false;
  const others = schema['additionalProperties'] as Schema | undefined;
  return Object.entries(value).every(([key, one]) => {
    const known = properties?.[key];
    return known ? fits(known, one) : others === undefined || fits(others, one);
  });
}

const conditional = (schema: Schema, value: unknown): boolean =>
  !fits(schema['if'] as Schema, value) || fits(schema['then'] as Schema, value);

describe('the schema agrees with the reader', () => {
  const schema = JSON.parse(recipeSchema()) as Schema;
  const both = (text: string): [boolean, boolean] => [fits(schema, JSON.parse(text)), parseRecipe(text).ok];

  test.each(presets.map(({ name, recipe }) => [name, printRecipe(recipe)]))('%s', (_, text) => {
    expect(both(text)).toEqual([true, true]);
  });

  test.each([
    '{"diskwright":1,"format":"qcow2","tags":[1],"options":{"size":"1G","odd":"x"}}',
    '{"diskwright":1,"format":"raw","options":{"size":1048576}}',
    '{"diskwright":1,"format":"qcow2","flags":[["-u"]],"options":{"lazy_refcounts":true,"size":"1.5G"}}',
  ])('%s is one', (text) => expect(both(text)).toEqual([true, true]));

  test.each([
    '[]',
    '{"format":"qcow2"}',
    '{"diskwright":2,"format":"qcow2"}',
    '{"diskwright":1}',
    '{"diskwright":1,"format":"qcow2","file":1}',
    '{"diskwright":1,"format":"qcow2","flags":["-u"]}',
    '{"diskwright":1,"format":"qcow2","options":{"foo":[]}}',
    '{"diskwright":1,"format":"qcow2","gzip":"yes"}',
  ])('%s is none', (text) => expect(both(text)).toEqual([false, false]));

  test('and knows what the options accept', () => {
    for (const options of ['{"compat":"0.9"}', '{"size":"5 GB"}', '{"preallocation":"some"}']) {
      expect(fits(schema, JSON.parse(`{"diskwright":1,"format":"qcow2","options":${options}}`)), options).toBe(false);
    }
  });
});
