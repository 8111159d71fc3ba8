/**
 * One create request, answered by the engine and by qemu-img: same verdict, same summary line, same bytes
 * of the image and of its data file.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DiskwrightError } from '../../engine/errors.ts';
import type { CreateDriver, FormatSpec } from '../../engine/image/format.ts';
import type { ImageLayout } from '../../engine/image/layout.ts';
import type { OptionSet, OptionTexts } from '../../engine/options/declare.ts';
import { printOptionList } from '../../engine/options/option-list.ts';
import { readOptions } from '../../engine/options/read.ts';
import { summaryLine } from '../../engine/options/summary.ts';
import { differenceFromFile } from './compare.ts';
import { commandLine, type Outcome, qemuImg } from './qemu-tools.ts';

/** A format that can be created, with its code loaded. */
export interface Creator {
  readonly name: string;
  readonly options: OptionSet;
  readonly driver: CreateDriver;
}

export async function loadCreator(format: FormatSpec | undefined): Promise<Creator> {
  const driver = (await format?.load())?.create;
  if (!format?.options || !driver) throw new Error(`${format?.name} cannot be created`);
  return { name: format.name, options: format.options, driver };
}

export const IMAGE = 'image';

/** Arguments of qemu-img for a request; the backing file is not opened. */
export const createArguments = (creator: Creator, texts: OptionTexts): string[] => {
  const list = Object.keys(texts).length === 0 ? [] : ['-o', printOptionList(texts)];
  return ['create', '-f', creator.name, '-u', ...list, IMAGE];
};

export const createCommand = (creator: Creator, texts: OptionTexts): string =>
  commandLine('qemu-img', createArguments(creator, texts));

interface Answer {
  /** The summary line; absent when the request is refused before it. */
  readonly line: string | undefined;
  readonly result: ImageLayout | DiskwrightError;
}

/** What the engine makes of the request. Only a DiskwrightError counts as a refusal; anything else is a defect. */
function ownAnswer(creator: Creator, texts: OptionTexts): Answer {
  const unreadable = readOptions(creator.options, texts).problems.some((problem) => problem.stage === 'syntax');
  const line = unreadable ? undefined : summaryLine(IMAGE, creator.name, creator.options, texts);
  try {
    const result = creator.driver.layout({ texts });
    if (unreadable) throw new Error('the engine laid out a request whose options cannot be read');
    return { line, result };
  } catch (error) {
    if (error instanceof DiskwrightError) return { line, result: error };
    throw error;
  }
}

function differenceInFiles(layout: ImageLayout, dir: string): string | undefined {
  const image = differenceFromFile(layout.image, join(dir, IMAGE));
  if (image) return `image: ${image}`;
  if (!layout.dataFile) return undefined;
  const data = differenceFromFile(layout.dataFile.layout, join(dir, layout.dataFile.name));
  return data && `data file: ${data}`;
}

function difference(own: Answer, judge: Outcome, dir: string): string | undefined {
  const judgeLine = judge.stdout === '' ? undefined : judge.stdout.replace(/\n$/, '');
  // Without a line the tool has refused: some rules are the command's own and come before it there.
  if (judgeLine !== undefined && own.line !== judgeLine)
    return `summary line\n    ours   ${own.line}\n    oracle ${judgeLine}`;
  if (own.result instanceof DiskwrightError) {
    return judge.code === 0 ? `ours refuses, oracle accepts: ${own.result.message}` : undefined;
  }
  if (judge.code !== 0) return `ours accepts, oracle refuses: ${judge.stderr.trim()}`;
  return differenceInFiles(own.result, dir);
}

export interface PairResult {
  readonly accepted: boolean;
  /** What differs, with the command that shows it; absent when both agree. */
  readonly difference?: string;
}

/** Runs both in `dir`, which is empty of the files of this request afterwards. */
export function comparePair(creator: Creator, texts: OptionTexts, dir: string): PairResult {
  const judge = qemuImg(createArguments(creator, texts), { cwd: dir });
  try {
    const found = difference(ownAnswer(creator, texts), judge, dir);
    const accepted = judge.code === 0;
    return found === undefined ? { accepted } : { accepted, difference: `${judge.commandLine}\n  ${found}` };
  } finally {
    for (const name of [IMAGE, texts.data_file]) {
      const path = name && join(dir, name);
      if (path && existsSync(path)) rmSync(path);
    }
  }
}
