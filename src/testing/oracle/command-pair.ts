/**
 * One command line given to qemu-img and to our command, each in a folder of its own, copied from the
 * same template; what they print, return and leave behind is compared.
 */
import { createHash } from 'node:crypto';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../cli/main.ts';
import { qemuImg } from './qemu-tools.ts';
import { withTempDirAsync } from './temp-dir.ts';

export interface OurOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in process. */
export async function diskwright(argv: readonly string[], cwd: string): Promise<OurOutcome> {
  let stdout = '';
  let stderr = '';
  const status = await main(argv, {
    cwd,
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
  });
  return { status, stdout, stderr };
}

/** Names below a folder with what they hold: a kind, a length and a fingerprint. */
export function contents(dir: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(dir, below)).sort()) {
    const path = join(below, name);
    const stat = lstatSync(join(dir, path));
    if (stat.isDirectory()) Object.assign(found, { [path]: 'folder' }, contents(dir, path));
    else if (stat.isSymbolicLink()) found[path] = `-> ${readlinkSync(join(dir, path))}`;
    else if (stat.isFile()) {
      const hash = createHash('sha256').update(stat.size > 64 * 2 ** 20 ? '' : readFileSync(join(dir, path)));
      found[path] = `${(stat.mode & 0o7777).toString(8)} ${stat.nlink} ${stat.size} ${hash.digest('hex')}`;
    } else found[path] = 'special';
  }
  return found;
}

export interface Pair {
  readonly qemu: OurOutcome & { readonly files: Record<string, string> };
  readonly ours: OurOutcome & { readonly files: Record<string, string>; readonly before: Record<string, string> };
}

/** `template`: a folder that both start from a copy of. */
export async function runPair(argv: readonly string[], template?: string): Promise<Pair> {
  return await withTempDirAsync(async (dir) => {
    const theirs = join(dir, 'qemu');
    const mine = join(dir, 'ours');
    for (const one of [theirs, mine]) {
      if (template === undefined) mkdirSync(one);
      else cpSync(template, one, { recursive: true, verbatimSymlinks: true });
    }
    const before = contents(mine);
    const { code, stdout, stderr } = qemuImg(argv, { cwd: theirs });
    const qemu = { status: code, stdout, stderr, files: contents(theirs) };
    const ours = { ...(await diskwright(argv, mine)), files: contents(mine), before };
    return { qemu, ours };
  });
}
