/** The JSON schema of recipe files, from the declarations of the options. `npm run docs` writes it, a test compares. */
import { formats } from '../../engine/formats/index.ts';
import type { OptionDeclaration } from '../../engine/options/declare.ts';
import { RECIPE_VERSION } from '../../recipes/recipe.ts';

type Schema = { readonly [key: string]: unknown };

const SIZE = '^\\s*\\+?(0[xX][0-9a-fA-F]+|[0-9]+(\\.[0-9]*)?)[bkmgtpeBKMGTPE]?$';
const text = (description: string): Schema => ({ type: 'string', description });

function schemaOf(option: OptionDeclaration): Schema {
  const { label, help: description } = option;
  const said = { title: label, description };
  switch (option.kind) {
    case 'size':
      return {
        ...said,
        anyOf: [
          { type: 'string', pattern: SIZE },
          { type: 'integer', minimum: 0 },
        ],
      };
    case 'number':
      return { ...said, type: ['string', 'integer'] };
    case 'flag':
      return { ...said, enum: ['on', 'off', 'yes', 'no', 'true', 'false', 'y', 'n', true, false] };
    case 'choice':
      return { ...said, enum: option.choices.flatMap((choice) => [choice.value, ...(choice.also ?? [])]) };
    case 'text':
      return { ...said, type: 'string' };
  }
}

/** Options of one format; further names are allowed, because they are kept and named. */
const optionsOf = (declarations: readonly OptionDeclaration[]): Schema => ({
  properties: Object.fromEntries(declarations.map((option) => [option.qemu, schemaOf(option)])),
});

export function recipeSchema(): string {
  const made = formats.flatMap(({ name, options }) => (options ? [{ name, options }] : []));
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Diskwright recipe',
    description:
      'One request for a new disk image. The same recipe makes the same bytes, encryption aside. It holds no secrets. Keys that are not known are kept and named.',
    type: 'object',
    required: ['diskwright', 'format'],
    properties: {
      $schema: text('For editors.'),
      diskwright: { const: RECIPE_VERSION, description: 'The version of recipes.' },
      title: text('For people: what it is called.'),
      about: text('For people: why it is as it is.'),
      format: { enum: made.map(({ name }) => name), description: 'The format of the image.' },
      file: text('The name of the image. Absent: whoever uses the recipe chooses one.'),
      options: {
        type: 'object',
        description: 'Create options by the names of qemu-img; what is absent has its default.',
        additionalProperties: { type: ['string', 'integer', 'boolean'] },
      },
      gzip: { type: 'boolean', description: 'The page saves the image as .gz; the command does not.' },
      flags: {
        type: 'array',
        description: 'Further flags of the command line, each with its value: [["-u"]]. No values of secrets.',
        items: { type: 'array', minItems: 1, items: { type: 'string' } },
      },
    },
    allOf: made.map(({ name, options }) => ({
      if: { properties: { format: { const: name } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
      then: { properties: { options: optionsOf(Object.values(options.declarations)) } },
    })),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
