/** Writes what follows from the sources: the option tables of README.md, the schema of recipes, the API reference. */
import { readFileSync, writeFileSync } from 'node:fs';
import { runnerImport } from 'vite';
import { writeReference } from './api.mjs';

const load = async (path) => (await runnerImport(path, { configFile: false })).module;

const { withOptionTables } = await load('./src/testing/docs/option-tables.ts');
writeFileSync('README.md', withOptionTables(readFileSync('README.md', 'utf8')));
const { recipeSchema } = await load('./src/testing/docs/recipe-schema.ts');
writeFileSync('public/recipe.schema.json', recipeSchema());
writeReference();
