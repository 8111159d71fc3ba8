/**
 * No WebAssembly anywhere: not in the tree, not in what we build, not in what we depend on at run time.
 * Prints each place; exit code 1 if there is one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Use of the API; the word alone may stand in a text. */
const USE = /\bWebAssembly\s*(?:\?\.|\.|\[)|\[\s*['"`]WebAssembly['"`]\s*\]/;
const TEXT = /\.(?:[cm]?[jt]sx?|html)$/;

const lines = (program, args) => execFileSync(program, args, { encoding: 'utf8' }).split('\n').filter(Boolean);

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

const uses = (files) => files.filter((name) => TEXT.test(name) && USE.test(readFileSync(name, 'utf8')));
const modules = (files) => files.filter((name) => name.endsWith('.wasm'));

if (!existsSync('dist')) throw new Error('dist is missing: build first');
const tracked = lines('git', ['ls-files']).filter((name) => existsSync(name));
const built = filesBelow('dist');
const here = process.cwd();
const packages = lines('npm', ['ls', '--omit=dev', '--all', '--parseable']).filter((path) => path !== here);
const shipped = packages.flatMap((path) => (existsSync(path) ? filesBelow(path) : []));

const found = [
  ...modules(tracked),
  ...uses(tracked.filter((name) => name.startsWith('src/') || name.startsWith('public/'))),
  ...modules(built),
  ...uses(built),
  ...modules(shipped).map((name) => relative(here, name)),
];
for (const name of found) console.log(`WebAssembly: ${name}`);
console.log(`${tracked.length + built.length + shipped.length} files looked at, ${found.length} with WebAssembly`);
process.exitCode = found.length === 0 ? 0 : 1;
