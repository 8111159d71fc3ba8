/** `create --recipe` beside `qemu-img create` of the same options, and `verify` of what both made. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { presets } from '../recipes/presets.ts';
import { printRecipe, type Recipe } from '../recipes/recipe.ts';
import { diskwright } from '../testing/oracle/command-pair.ts';
import { qemuImgOrThrow } from '../testing/oracle/qemu-tools.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  qemuImgOrThrow(['create', '-q', '-f', 'qcow2', 'base.qcow2', '10G'], { cwd: dir });
});
afterAll(() => rmSync(dir, { recursive: true }));

const path = (name: string): string => join(dir, name);
const ours = (...words: string[]) => diskwright(words, dir);

function save(recipe: Recipe | string, name = 'recipe.json'): string {
  writeFileSync(path(name), typeof recipe === 'string' ? recipe : printRecipe(recipe));
  return name;
}

/** The same words to both; the same line, the same bytes. */
async function expectSame(words: readonly string[], qemuWords: readonly string[], file: string): Promise<void> {
  const made = await ours('create', ...words);
  expect([made.status, made.stderr]).toEqual([0, '']);
  const line = execFileSync('qemu-img', ['create', ...qemuWords], { cwd: dir, encoding: 'utf8' });
  expect(made.stdout.replace(file, 'theirs')).toBe(line);
  execFileSync('cmp', [file, 'theirs'], { cwd: dir });
}

const listOf = (options: Recipe['options']): string =>
  Object.entries(options)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

describe('create --recipe', () => {
  // Smaller disks: what is laid out in advance is compared to its last byte.
  const made = presets.map(
    ({ name, recipe }) => [name, { ...recipe, options: { ...recipe.options, size: '300M' } }] as const,
  );
  test.each(made)('%s', async (_, recipe) => {
    const qemu = ['-f', recipe.format, '-o', listOf(recipe.options), 'theirs'];
    await expectSame(['--recipe', save(recipe)], qemu, recipe.file ?? '');
  });

  test('what the line says goes over it', async () => {
    const name = save({ format: 'qcow2', file: 'x', options: { size: '1Q', cluster_size: '4k', compat: '0.10' } });
    const qemu = ['-f', 'qcow2', '-o', 'cluster_size=8k,compat=0.10', 'theirs', '3G'];
    await expectSame(['--recipe', name, '-o', 'cluster_size=8k', 'y', '3G'], qemu, 'y');
    expect(existsSync(path('x'))).toBe(false);
  });

  test('another format, another backing file', async () => {
    const recipe = save({ format: 'raw', file: 'z', options: { size: '1G' } });
    const qemu = ['-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', '-o', 'size=1G', 'theirs'];
    await expectSame(['-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', '--recipe', recipe], qemu, 'z');
  });

  test('its flags count: a backing file that is not there', async () => {
    const options = { size: '1G', backing_file: 'nowhere', backing_fmt: 'qcow2' };
    const recipe = save({ format: 'qcow2', file: 'u', options, flags: [['-u']] });
    await expectSame(['--recipe', recipe], ['-u', '-f', 'qcow2', '-o', listOf(options), 'theirs'], 'u');
  });

  test.each([
    ['{"diskwright":1,"format":"qcow2","options":{"size":"1G"}}', /the name of the new image is missing/],
    ['{"diskwright":1,"format":"qcow2","file":"n","options":{"size":"1G","foo":"1"}}', /no option "foo"/],
    ['{"diskwright":1,"format":"vhs","file":"n","options":{"size":"1G"}}', /no format "vhs"/],
    ['{"diskwright":1,"format":"raw","file":"n","flags":[["-b","x"]]}', /no place among the flags of a recipe/],
    ['{"diskwright":1,"format":"raw","file":"n","flags":[["x"]]}', /"x" among the flags of the recipe is no flag/],
    ['{"diskwright":3,"format":"raw","file":"n"}', /recipe\.json: it is a recipe of version 3/],
    ['nonsense', /recipe\.json: it is not JSON/],
  ])('%s is refused and makes nothing', async (text, message) => {
    const { status, stdout, stderr } = await ours('create', '--recipe', save(text));
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^diskwright: /);
    expect(existsSync(path('n'))).toBe(false);
  });

  test('keys that it does not know are named, and the image is made', async () => {
    const recipe = save('{"diskwright":1,"format":"raw","file":"k","gzip":true,"mystery":1,"options":{"size":"1M"}}');
    const { status, stderr } = await ours('create', '-q', '--recipe', recipe);
    expect([status, statSync(path('k')).size]).toEqual([0, 2 ** 20]);
    expect(stderr).toContain('the key "mystery" is not known here');
    expect(stderr).toContain('only the page saves as .gz');
  });
});

describe('create --print-recipe', () => {
  test('prints what makes the same again, and makes nothing', async () => {
    const words = ['-f', 'qcow2', '-u', '-b', 'nowhere', '-F', 'raw', '-o', 'cluster_size=1M', 'printed', '3G'];
    const { status, stdout } = await ours('create', '--print-recipe', ...words);
    expect(status).toBe(0);
    expect(existsSync(path('printed'))).toBe(false);
    await expectSame(['--recipe', save(stdout)], words.with(-2, 'theirs'), 'printed');
  });

  test('has no value of a secret, and says so', async () => {
    const words = [
      '-f',
      'qcow2',
      '--object',
      'secret,id=s,data=hush',
      '-o',
      'encrypt.format=luks,encrypt.key-secret=s',
    ];
    const { status, stdout, stderr } = await ours('create', '--print-recipe', ...words, 'n', '1G');
    expect([status, stdout.includes('hush'), stdout.includes('"encrypt.key-secret": "s"')]).toEqual([0, false, true]);
    expect(stderr).toContain('the value of a secret is not in the recipe');
  });

  test('refuses what cannot be made', async () => {
    const { status, stdout, stderr } = await ours(
      'create',
      '--print-recipe',
      '-f',
      'qcow2',
      '-o',
      'refcount_bits=3',
      'n',
      '1G',
    );
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('refcount width');
  });
});

describe('verify', () => {
  const recipe: Recipe = { format: 'qcow2', file: 'v.qcow2', options: { size: '500M', preallocation: 'metadata' } };
  const sha256 = (name: string): string => execFileSync('sha256sum', [path(name)], { encoding: 'utf8' }).slice(0, 64);
  const layoutIn = (stdout: string): string => /^layout ([0-9a-f]{64})$/m.exec(stdout)?.[1] ?? '';

  beforeAll(() => {
    save(recipe, 'v.json');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', listOf(recipe.options), 'v.qcow2'], { cwd: dir });
    writeFileSync(path('other'), readFileSync(path('base.qcow2')).with(70_000, 1));
  });

  test('tells both digests', async () => {
    const { status, stdout, stderr } = await ours('verify', 'base.qcow2');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`base.qcow2: 196768 bytes\nsha256 ${sha256('base.qcow2')}\nlayout ${layoutIn(stdout)}\n`);
  });

  test('what qemu-img made is what the recipe makes', async () => {
    const { status, stdout } = await ours('verify', 'v.qcow2', '--recipe', 'v.json');
    expect([status, stdout.includes('recipe: agrees')]).toEqual([0, true]);
    expect(stdout).toContain(`sha256 ${sha256('v.qcow2')}\n`);
    expect(stdout).toMatch(/This is the file\.\n$/);
    const given = ['--sha256', sha256('v.qcow2').toUpperCase(), '--layout', layoutIn(stdout)];
    expect((await ours('verify', '-q', 'v.qcow2', ...given)).status).toBe(0);
  });

  test('one byte more, one byte other, another length: it differs, exit code 2', async () => {
    const { stdout: before } = await ours('verify', 'base.qcow2');
    const given = ['--sha256', sha256('base.qcow2'), '--layout', layoutIn(before)];
    const other = await ours('verify', 'other', ...given);
    expect(other.status).toBe(2);
    expect(other.stdout).toMatch(/This is NOT the file: sha256 and layout differ\.\n$/);
    truncateSync(path('other'), 196_769);
    expect((await ours('verify', 'other', '--layout', layoutIn(before))).status).toBe(2);
    const longer = await ours('verify', 'other', '--recipe', 'v.json');
    expect([longer.status, longer.stdout.includes('recipe: differs')]).toEqual([2, true]);
  });

  test('as JSON', async () => {
    const { status, stdout } = await ours('verify', '--output', 'json', 'base.qcow2', '--sha256', '0'.repeat(64));
    expect([status, JSON.parse(stdout)]).toEqual([
      2,
      expect.objectContaining({ length: 196_768, agrees: false, compared: { sha256: false } }),
    ]);
  });

  test('a data file is looked at, too', async () => {
    const options = { size: '1M', data_file: 'v.data', data_file_raw: 'on' };
    save({ format: 'qcow2', options }, 'd.json');
    qemuImgOrThrow(['create', '-q', '-f', 'qcow2', '-o', listOf(options), 'd.qcow2'], { cwd: dir });
    expect((await ours('verify', 'd.qcow2', '--recipe', 'd.json')).status).toBe(0);
    writeFileSync(path('v.data'), Buffer.alloc(2 ** 20, 1));
    const changed = await ours('verify', 'd.qcow2', '--recipe', 'd.json');
    expect([changed.status, changed.stdout.includes('data file v.data: differs in its bytes')]).toEqual([2, true]);
  });

  test.each([
    [['verify'], /the name of the file is missing/],
    [['verify', 'nowhere'], /nowhere: /],
    [['verify', 'base.qcow2', '--sha256', 'abc'], /64 hex digits/],
    [['verify', 'base.qcow2', '--recipe', 'nowhere'], /nowhere: /],
    [['verify', 'a', 'b'], /one argument too many/],
  ])('%j cannot be verified, exit code 1', async (words, message) => {
    const { status, stdout, stderr } = await ours(...words);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });

  test('an encrypted recipe is never made twice alike', async () => {
    const options = { size: '1M', 'encrypt.format': 'luks', 'encrypt.key-secret': 's' };
    const { status, stderr } = await ours('verify', 'base.qcow2', '--recipe', save({ format: 'qcow2', options }));
    expect([status, stderr.includes('and salts are random')]).toEqual([1, true]);
  });
});
