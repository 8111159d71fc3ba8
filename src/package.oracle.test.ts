/**
 * The package as a stranger gets it: built, packed, unpacked into an empty project, type-checked without
 * DOM types, and used to make images that qemu-img agrees with.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCommand } from './testing/built-command.ts';
import { imageInfo, qemuImgOrThrow } from './testing/oracle/qemu-tools.ts';

let project: string;

/** Builds into a folder of its own, so that nothing else sees a half-built dist. */
async function packInto(folder: string): Promise<void> {
  const staged = join(folder, 'staged');
  mkdirSync(staged);
  for (const name of ['package.json', 'LICENSE', 'README.md']) cpSync(name, join(staged, name));
  await build({ configFile: 'vite.lib.config.ts', logLevel: 'error', build: { outDir: join(staged, 'dist/lib') } });
  await buildCommand(join(staged, 'dist/cli'));
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: staged });
  const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const home = join(folder, 'node_modules/diskwright');
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', home, '--strip-components=1'], { cwd: folder });
  rmSync(staged, { recursive: true });
}

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'diskwright-'));
  writeFileSync(join(project, 'package.json'), '{"type": "module"}');
  await packInto(project);
}, 120_000);
afterAll(() => rmSync(project, { recursive: true }));

const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });

const SCRIPT = `
import { findFormat, formats, MemoryDevice, parseRecipe, presets, readOptions, writeLayout, DiskwrightError, type FormatSpec, type Recipe } from 'diskwright';
import { convertImageFile, createImageFile, digestFile } from 'diskwright/node';

const qcow2: FormatSpec | undefined = findFormat('qcow2');
if (!qcow2?.options) throw new Error('no qcow2');
const texts = { size: '1G', cluster_size: '4k' };
if (readOptions(qcow2.options, texts).problems.length > 0) throw new Error('problems');
const driver = await qcow2.load();
const layout = driver.create?.layout({ texts });
if (!layout) throw new Error('no layout');
const device = new MemoryDevice();
writeLayout(layout.image, device);
const notes: string[] = [];
const made = await createImageFile({ file: 'x', format: 'qcow2', options: texts, onNote: (text) => notes.push(text) });
const again = await createImageFile({ file: 'y', format: 'qcow2', options: { backing_file: 'x', backing_fmt: 'qcow2' } });
const refused: unknown = await createImageFile({ file: 'z', options: { size: 'much' } }).catch((error: unknown) => error);
if (!(refused instanceof DiskwrightError)) throw new Error('not refused');
const kind: 'invalid-option' | string = refused.kind;
const recipe: Recipe = presets[0].recipe;
const reading = parseRecipe(JSON.stringify({ diskwright: 1, ...recipe }));
if (!reading.ok || reading.recipe.options['size'] !== recipe.options['size']) throw new Error('no recipe');
await convertImageFile({ source: 'x', file: 'w', format: 'qcow2', compress: true });
const { layoutDigest } = await digestFile(device);
if (layoutDigest.length !== 64) throw new Error('no digest');
export const result = { formats: formats.length > 5, length: device.size === made.length, size: again.options.size, kind, notes };
`;

test('has what it needs and nothing that it does not', () => {
  const home = join(project, 'node_modules/diskwright');
  expect(readdirSync(join(home, 'dist')).sort()).toEqual(['cli', 'lib']);
  expect(readdirSync(home)).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist', 'package.json']));
  const packed = readdirSync(home, { recursive: true }).map(String);
  expect(packed.filter((name) => /\.wasm$|\.test\.|(?<!\.d)\.tsx?$/.test(name))).toEqual([]);
});

test('is typed for a project without DOM types, and makes images that qemu-img agrees with', () => {
  writeFileSync(join(project, 'use.ts'), SCRIPT);
  writeFileSync(join(project, 'run.js'), `import { result } from './use.js'; console.log(JSON.stringify(result));`);
  mkdirSync(join(project, 'node_modules/@types'));
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(resolve('node_modules', name), join(project, 'node_modules', name));
  }
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const flags = '--strict --exactOptionalPropertyTypes --module nodenext --target es2023 --lib es2023 --types node';
  const compiled = node(compiler, ...flags.split(' '), 'use.ts');
  expect([compiled.stdout, compiled.status]).toEqual(['', 0]);
  const ran = node('run.js');
  expect(ran.stderr).toBe('');
  expect(JSON.parse(ran.stdout)).toEqual({
    formats: true,
    length: true,
    size: String(2 ** 30),
    kind: 'invalid-option',
    notes: [],
  });
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', 'theirs', '1G'], { cwd: project });
  expect(readFileSync(join(project, 'x')).equals(readFileSync(join(project, 'theirs')))).toBe(true);
  expect(imageInfo('y', { cwd: project })).toMatchObject({ format: 'qcow2', 'backing-filename': 'x' });
});

describe('the examples run', () => {
  const example = (name: string, ...args: string[]): string => {
    cpSync(join('examples', name), join(project, name));
    const ran = node(name, ...args);
    expect([ran.status, ran.status === 0 ? '' : ran.stderr]).toEqual([0, '']);
    return ran.stdout;
  };
  const equal = (a: string, b: string): boolean =>
    spawnSync('cmp', [join(project, a), join(project, b)], { encoding: 'utf8' }).status === 0;

  test('make-image.js: what qemu-img makes', () => {
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', 'd', '32G'], { cwd: project });
    example('make-image.js');
    const options = { cwd: project };
    expect(imageInfo('disk.qcow2', options)).toMatchObject({ 'virtual-size': 32 * 2 ** 30 });
    // The tables, and the length; the rest of both is a hole.
    const head = (name: string) => spawnSync('head', ['-c', '6M', name], { cwd: project, maxBuffer: 2 ** 24 }).stdout;
    expect(head('disk.qcow2').equals(head('d'))).toBe(true);
  });

  test('change-image.js, read-image.js, convert-image.js', () => {
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'e.qcow2', '20M'], { cwd: project });
    example('change-image.js', 'e.qcow2');
    expect(example('read-image.js', 'e.qcow2')).toBe(
      'e.qcow2: qcow2, a disk of 20971520 bytes\ncheck: 0 findings\nfirst bytes: 68 73 83 75\n',
    );
    expect(example('convert-image.js', 'e.qcow2', 'f.qcow2')).toBe('f.qcow2 is made.\n');
    expect(qemuImgOrThrow(['compare', 'e.qcow2', 'f.qcow2'], { cwd: project }).stdout).toContain('identical');
    qemuImgOrThrow(['check', 'e.qcow2'], { cwd: project });
  });

  test('recipe.js', () => {
    const recipe = { diskwright: 1, format: 'qcow2', file: 'g.qcow2', options: { size: '3G', cluster_size: '4K' } };
    writeFileSync(join(project, 'g.json'), JSON.stringify(recipe));
    expect(example('recipe.js', 'g.json')).toBe('g.qcow2 is the file.\n');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4K', 'h.qcow2', '3G'], { cwd: project });
    expect(equal('g.qcow2', 'h.qcow2')).toBe(true);
  });

  test('every example is run by a test', () => {
    const inBrowser = readFileSync('e2e/example.spec.ts', 'utf8');
    const here = readFileSync('src/package.oracle.test.ts', 'utf8');
    for (const name of readdirSync('examples')) expect(`${here}${inBrowser}`, name).toContain(`'${name}'`);
  });
});

test('what is not used is left out of a bundle', async () => {
  writeFileSync(
    join(project, 'shake.js'),
    "import { parseQemuSize } from 'diskwright'; console.log(parseQemuSize('1G'));",
  );
  const result = await build({
    root: project,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      lib: { entry: join(project, 'shake.js'), formats: ['es'], fileName: 'shaken' },
    },
  });
  const [bundle] = [result].flat();
  const chunks = bundle && 'output' in bundle ? bundle.output : [];
  expect(
    chunks.map((chunk) => (chunk.type === 'chunk' ? chunk.code.length : 0)).reduce((a, b) => a + b, 0),
  ).toBeLessThan(8000);
});

test('brings the schema of recipes', () => {
  const script = "import schema from 'diskwright/recipe.schema.json' with { type: 'json' }; console.log(schema.title);";
  writeFileSync(join(project, 'schema.mjs'), script);
  expect(node('--no-warnings', 'schema.mjs').stdout).toBe('Diskwright recipe\n');
});

test('brings the command', () => {
  const bin = JSON.parse(readFileSync(join(project, 'node_modules/diskwright/package.json'), 'utf8')).bin.diskwright;
  const made = node(join('node_modules/diskwright', bin), 'create', '-f', 'qcow2', 'z', '1G');
  expect([made.status, made.stderr]).toEqual([0, '']);
  qemuImgOrThrow(['check', 'z'], { cwd: project });
});
