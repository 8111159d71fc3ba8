/**
 * Builds the library: one entry for any place, one for Node, every module a file of its own, and the
 * declarations from tsc, the schema of recipes.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const declarations = (): Plugin => {
  let outDir = '';
  return {
    name: 'declarations',
    configResolved: (config) => {
      outDir = resolve(config.build.outDir, 'types');
    },
    closeBundle: () => {
      const compiler = resolve('node_modules/typescript/bin/tsc');
      execFileSync(process.execPath, [compiler, '-p', 'tsconfig.lib.json', '--outDir', outDir], { stdio: 'inherit' });
    },
  };
};

/** The schema of recipes is published with the page and with the package. */
const recipeSchema = (): Plugin => {
  let outDir = '';
  return {
    name: 'recipe-schema',
    configResolved: (config) => {
      outDir = config.build.outDir;
    },
    closeBundle: () => copyFileSync('public/recipe.schema.json', resolve(outDir, 'recipe.schema.json')),
  };
};

export default defineConfig({
  publicDir: false,
  plugins: [declarations(), recipeSchema()],
  build: {
    outDir: 'dist/lib',
    emptyOutDir: true,
    target: 'es2023',
    minify: false,
    lib: { entry: { index: 'src/index.ts', node: 'src/node.ts' }, formats: ['es'] },
    rolldownOptions: {
      external: /^node:/,
      // A file for each module, so that who bundles the library gets what is used and no more.
      output: {
        preserveModules: true,
        preserveModulesRoot: 'src',
        // npm packs no folder of that name.
        entryFileNames: ({ name }) => `${name.replace(/^(?:.*\/)?node_modules\//, 'vendor/')}.js`,
      },
    },
  },
});
