/** `verify`: whether a file is the one that was made: its digests, beside given ones or what a recipe makes. */
import { closeSync } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';
import type { FileLayout, ImageLayout } from '../../engine/image/layout.ts';
import { acceptedValues } from '../../engine/options/read.ts';
import { type Digests, digestLayout } from '../../jobs/digest.ts';
import { openForReading } from '../../platform/node/backing-chain.ts';
import { layOut } from '../../platform/node/build-image.ts';
import { digestFile } from '../../platform/node/file-digests.ts';
import { refuseIfInUse } from '../../platform/node/image-lock.ts';
import { prepareImage } from '../../platform/node/prepare-image.ts';
import { turnsOfEventLoop } from '../../platform/node/turns.ts';
import { isReproducible, type Recipe } from '../../recipes/recipe.ts';
import { type Command, helpFlag, lastOf, readLine } from '../command.ts';
import { checkOutput, imageFlags, outputFlag } from '../image-argument.ts';
import { type Io, printable, UsageError, warn } from '../io.ts';
import { Progress } from '../progress.ts';
import { readRecipeFile } from '../recipe-file.ts';
import { creatableFormat } from './create.ts';

const NAME = 'verify';
const DIFFERS = 2;

const flags = {
  sha256: { long: 'sha256', value: 'digest', help: 'SHA-256 that the file should have, 64 hex digits' },
  layout: { long: 'layout', value: 'digest', help: 'Layout digest that the file should have' },
  recipe: { long: 'recipe', value: 'recipe', help: 'The file should be what this recipe makes' },
  ...outputFlag,
  quiet: { short: 'q', help: 'Only the exit code' },
  progress: { short: 'p', help: 'Report progress' },
  share: imageFlags.share,
  help: helpFlag,
} as const;

interface Facts extends Required<Digests> {
  readonly length: number;
}

/** One thing that was compared. */
interface Finding {
  readonly what: string;
  readonly agrees: boolean;
  readonly words: string;
}

function digestArgument(text: string | undefined, flag: string): string | undefined {
  if (text === undefined || /^[0-9a-f]{64}$/i.test(text)) return text?.toLowerCase();
  throw new UsageError(`${flag} "${text}" is no digest: it has 64 hex digits`, NAME);
}

async function readFacts(name: string, share: boolean, shown: boolean, io: Io): Promise<Facts> {
  const { device } = openForReading(name, io.cwd, true);
  try {
    if (!share) refuseIfInUse(name, device.fd, 'read');
    const progress = new Progress(io, shown);
    const onProgress = (done: number, total: number): void => progress.at(done, total);
    const digests = await digestFile(device, { signal: io.signal, onProgress });
    progress.end();
    return { length: device.size, ...digests };
  } finally {
    closeSync(device.fd);
  }
}

/** What the recipe makes, if it is made as `name`. */
async function layoutOf(recipe: Recipe, recipeName: string, name: string, io: Io): Promise<ImageLayout> {
  const format = creatableFormat(recipe.format);
  acceptedValues(format.options, recipe.options);
  if (!isReproducible(recipe)) {
    throw new DiskwrightError(
      'unsupported',
      `${recipeName}: no two images of a recipe with LUKS are alike, because their keys and salts are random`,
      { fix: 'Give the digests that were shown when the image was made.' },
    );
  }
  const unsafe = recipe.flags?.some(([word]) => word === '-u') ?? false;
  const onWarning = (text: string): void => warn(io, text);
  const { texts } = await prepareImage({ name, format, texts: recipe.options, unsafe, cwd: io.cwd, onWarning });
  acceptedValues(format.options, texts);
  return await layOut(format, texts);
}

async function layoutDigestOf(layout: FileLayout, io: Io): Promise<string> {
  const turn = turnsOfEventLoop(io.signal);
  const steps = digestLayout(layout, false);
  for (;;) {
    const next = steps.next();
    if (next.done) return next.value.layoutDigest;
    await turn();
  }
}

const compared = (what: string, found: string, expected: string): Finding => ({
  what,
  agrees: found === expected,
  words: found === expected ? 'agrees' : `differs, ${expected} was expected`,
});

async function againstLayout(what: string, facts: Facts, layout: FileLayout, io: Io): Promise<Finding> {
  if (facts.length !== layout.length) {
    return { what, agrees: false, words: `differs, ${layout.length} bytes were expected` };
  }
  const agrees = (await layoutDigestOf(layout, io)) === facts.layoutDigest;
  return { what, agrees, words: agrees ? 'agrees, byte for byte' : 'differs in its bytes' };
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const line = readLine(NAME, flags, args, (name, value) => {
    if (name === 'output') checkOutput(value, NAME);
  });
  const [file, another] = line.positionals;
  if (file === undefined) throw new UsageError('the name of the file is missing', NAME);
  if (another !== undefined) throw new UsageError(`"${another}" is one argument too many`, NAME);
  const sha256 = digestArgument(lastOf(line, 'sha256'), '--sha256');
  const layout = digestArgument(lastOf(line, 'layout'), '--layout');
  const recipeName = lastOf(line, 'recipe');
  const recipe = recipeName === undefined ? undefined : readRecipeFile(recipeName, io);
  const made = recipe && (await layoutOf(recipe, recipeName ?? '', file, io));

  const json = lastOf(line, 'output') === 'json';
  const quiet = lastOf(line, 'quiet') !== undefined;
  const share = lastOf(line, 'share') !== undefined;
  const shown = lastOf(line, 'progress') !== undefined && !json && !quiet;
  const facts = await readFacts(file, share, shown, io);
  const findings: Finding[] = [];
  if (sha256 !== undefined) findings.push(compared('sha256', facts.sha256, sha256));
  if (layout !== undefined) findings.push(compared('layout', facts.layoutDigest, layout));
  if (made) findings.push(await againstLayout('recipe', facts, made.image, io));
  if (made?.dataFile) {
    const data = await readFacts(made.dataFile.name, share, false, io);
    findings.push(await againstLayout(`data file ${made.dataFile.name}`, data, made.dataFile.layout, io));
  }
  const agrees = findings.every((finding) => finding.agrees);
  if (json) io.stdout(asJson(file, facts, findings));
  else if (!quiet) io.stdout(asText(file, facts, findings));
  return agrees ? 0 : DIFFERS;
}

function asJson(file: string, { length, sha256, layoutDigest }: Facts, findings: readonly Finding[]): string {
  const told = {
    file,
    length,
    sha256,
    layout: layoutDigest,
    ...(findings.length > 0
      ? {
          agrees: findings.every((finding) => finding.agrees),
          compared: Object.fromEntries(findings.map(({ what, agrees }) => [what, agrees])),
        }
      : {}),
  };
  return `${JSON.stringify(told, undefined, 4)}\n`;
}

function asText(file: string, { length, sha256, layoutDigest }: Facts, findings: readonly Finding[]): string {
  const lines = [`${printable(file)}: ${length} bytes`, `sha256 ${sha256}`, `layout ${layoutDigest}`];
  for (const { what, words } of findings) lines.push(`${printable(what)}: ${words}`);
  if (findings.length > 0) {
    const bad = findings.filter((finding) => !finding.agrees).map(({ what }) => printable(what));
    lines.push(
      bad.length === 0
        ? 'This is the file.'
        : `This is NOT the file: ${bad.join(' and ')} ${bad.length === 1 ? 'differs' : 'differ'}.`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export const verify: Command = {
  name: NAME,
  about: 'Tells the digests of a file, and whether it is the file that they or a recipe describe.',
  flags,
  positionals: 'file',
  notes: [
    'The layout digest is over the length and what is not zero: cheap for any length, and no SHA-256 of the file.',
    'Exit code: 0 it agrees (or there was nothing to compare with), 2 it differs, 1 it could not be verified.',
  ],
  run,
};
