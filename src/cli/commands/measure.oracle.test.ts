/** `measure` of an existing image beside qemu-img: the same numbers, texts and exit codes. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { diskwright } from '../../testing/oracle/command-pair.ts';
import { makeImage, recipes } from '../../testing/oracle/qcow2-recipes.ts';
import { qemuImg, qemuImgOrThrow, qemuIo } from '../../testing/oracle/qemu-tools.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'diskwright-'));
  const cwd = dir;
  const create = (...args: string[]) => qemuImgOrThrow(['create', '-q', '-f', 'qcow2', ...args], { cwd });
  create('base', '1M');
  qemuIo(['-c', 'write -P 1 100k 200k', '-c', 'write -z 512k 64k', 'base'], { cwd });
  create('-b', 'base', '-F', 'qcow2', 'top', '3000k');
  qemuIo(['-c', 'write -P 1 130k 1k', '-c', 'write -P 1 2M 70k', '-c', 'write -c 0 64k', 'top'], { cwd });
  create('-o', 'compat=0.10', 'old', '1M');
  create('empty', '0');
  create('marked', '100M');
  for (const name of ['a', 'a-longer-name']) qemuImgOrThrow(['bitmap', '--add', 'marked', name], { cwd });
  qemuImgOrThrow(['bitmap', '--add', '-g', '512', 'marked', 'fine'], { cwd });
  cpSync(join(dir, 'marked'), join(dir, 'in-use'));
  const bytes = readFileSync(join(dir, 'in-use'));
  bytes[95] = 0;
  writeFileSync(join(dir, 'in-use'), bytes);
  writeFileSync(join(dir, 'raw'), Buffer.alloc(1_000_000, 1));
  fill(dir);
});
/** Holes of the host are not known here, so there are none: every file is written anew. */
function fill(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (!statSync(file).isFile() || statSync(file).size > 64 * 2 ** 20) continue;
    const bytes = readFileSync(file);
    rmSync(file);
    writeFileSync(file, bytes);
  }
}

afterAll(() => rmSync(dir, { recursive: true }));

async function same(argv: readonly string[], cwd: string): Promise<void> {
  const theirs = qemuImg(argv, { cwd });
  const ours = await diskwright(argv, cwd);
  expect({ argv, status: ours.status, stdout: ours.stdout }).toEqual({
    argv,
    status: theirs.code,
    stdout: theirs.stdout,
  });
}

const TARGETS = [
  '-O raw',
  '-O qcow2',
  '--output=json -O qcow2',
  '-O qcow2 -o cluster_size=512',
  '-O qcow2 -o cluster_size=2M,compat=1.1',
  '-O qcow2 -o preallocation=full',
  '-O qcow2 -o preallocation=metadata,extended_l2=on',
  '-O qcow2 -o compat=0.10',
  '-O qcow2 -o backing_file=base,backing_fmt=qcow2',
  '--output=json -O raw',
];

test.each(
  ['base', 'top', 'old', 'empty', 'marked', 'in-use', 'raw'].flatMap((name) => TARGETS.map((one) => [one, name])),
)('measure %s %s', async (target, name) => {
  await same(['measure', ...target.split(' '), name], dir);
});

test.each([
  'measure -O qcow2 --size 1G base',
  'measure -O qcow2 -f qcow2 --size 1G',
  'measure -O vdi base',
  'measure -O qcow2 nowhere',
  'measure -O qcow2 -f qcow2 base',
  'measure -O qcow2 -f raw base',
  'measure -O qcow2 --image-opts driver=qcow2,file.filename=base',
  'measure -O qcow2 -U base',
])('%s', async (line) => {
  await same(line.split(' '), dir);
});

test.each(recipes.filter(({ name }) => name !== 'luks').map((recipe) => [recipe.name, recipe] as const))(
  'an image of the kind: %s',
  async (_name, recipe) => {
    const folder = mkdtempSync(join(dir, 'kind-'));
    makeImage(recipe, folder, 'x');
    fill(folder);
    await same(['measure', '-O', 'qcow2', 'x'], folder);
  },
);
