/** Writes the option tables into README.md from the declarations. */
import { readFileSync, writeFileSync } from 'node:fs';
import { runnerImport } from 'vite';

const { module } = await runnerImport('./src/testing/docs/option-tables.ts', { configFile: false });
writeFileSync('README.md', module.withOptionTables(readFileSync('README.md', 'utf8')));
