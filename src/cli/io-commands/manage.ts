/** What concerns the image as a whole and the session: open, close, reopen, flush, truncate, sleep, quit. */
import { parseQemuNumber } from '../../engine/bytes/size-text.ts';
import { DiskwrightError } from '../../engine/errors.ts';
import type { Preallocation } from '../../engine/image/writable.ts';
import { parseOptionList } from '../../engine/options/option-list.ts';
import { throwIfCancelled } from '../../platform/node/pump.ts';
import { runSteps } from '../../platform/node/run-steps.ts';
import { takeEncryption } from '../encryption-settings.ts';
import { settingsFrom } from '../open-settings.ts';
import { type IoCommand, sayFailed } from './command.ts';
import { type IoLine, IoMistake, readNumber } from './line.ts';
import type { OpenWish, Session } from './session.ts';

const NOT_HERE: Readonly<Record<string, string>> = {
  s: 'no copy is made that is thrown away afterwards',
  n: 'the host has one way of caching',
  t: 'the host has one way of caching',
  c: 'the host has one way of caching',
  k: 'the host has one way of reading and writing',
};

function checkFlags(flags: ReadonlyMap<string, string>): void {
  for (const [letter, why] of Object.entries(NOT_HERE)) {
    if (flags.has(letter)) throw new IoMistake(`-${letter} is not available: ${why}`);
  }
}

/** `discard` as a word; QEMU has two for each meaning. */
export function discardMode(word: string): 'ignore' | 'unmap' {
  if (word === 'ignore' || word === 'off') return 'ignore';
  if (word === 'unmap' || word === 'on') return 'unmap';
  throw new IoMistake(`discard is ignore, off, unmap or on, not "${word}"`);
}

function parsed(list: string | undefined): Readonly<Record<string, string>> {
  const texts = list === undefined ? {} : parseOptionList(list);
  if (!texts) throw new IoMistake(`"${list}" is not a list of name=value`);
  return texts;
}

async function open({ flags, words }: IoLine, session: Session): Promise<boolean> {
  checkFlags(flags);
  const { driver, 'file.filename': file, filename = file, ...others } = parsed(flags.get('o'));
  const { encryption, rest } = takeEncryption(others);
  const name = words[0] ?? filename;
  if (name === undefined) throw new IoMistake('open: the name of the image is missing');
  const settings = settingsFrom(rest);
  const wish: OpenWish = {
    reference: { name, ...(driver === undefined ? {} : { format: driver }), ...encryption },
    readOnly: flags.has('r') || settings.readOnly,
    share: flags.has('U') || settings.share,
    copyOnRead: flags.has('C'),
    discard: discardMode(flags.get('d') ?? settings.discard ?? 'unmap'),
    texts: settings.texts,
  };
  await session.open(wish);
  return true;
}

async function reopen({ flags }: IoLine, session: Session): Promise<boolean> {
  checkFlags(flags);
  if (flags.has('r') && flags.has('w')) throw new IoMistake('-r and -w exclude each other');
  const { wish } = session.opened;
  const settings = settingsFrom(parsed(flags.get('o')));
  const readOnly = flags.has('r') || settings.readOnly || (wish.readOnly && !flags.has('w'));
  if (readOnly && wish.copyOnRead)
    throw new IoMistake('what is read is kept in the image (-C), so it stays open for writing');
  const texts = readOnly ? {} : { ...wish.texts, ...settings.texts };
  const discard = discardMode(settings.discard ?? wish.discard);
  session.close();
  await session.open({
    ...wish,
    readOnly,
    texts,
    discard,
    share: wish.share && readOnly,
  });
  return true;
}

const PREALLOCATIONS: ReadonlySet<string> = new Set(['off', 'metadata', 'falloc', 'full']);

async function truncate({ flags, words }: IoLine, session: Session): Promise<boolean> {
  const preallocation = flags.get('m') ?? 'off';
  if (!PREALLOCATIONS.has(preallocation)) {
    throw new IoMistake(`a preallocation is ${[...PREALLOCATIONS].join(', ')}, not "${preallocation}"`);
  }
  const size = readNumber(words[0] ?? '');
  const { writable } = session;
  if (!writable.resize) {
    const { format } = session.opened;
    throw new DiskwrightError('unsupported', `the size of a disk of the format ${format} cannot be changed here`);
  }
  const steps = writable.resize({ size, preallocation: preallocation as Preallocation });
  await runSteps(steps, { signal: session.io.signal });
  return true;
}

function flush(_line: IoLine, session: Session): boolean {
  try {
    // An image that is only read has nothing to bring to the disk.
    if (!session.opened.wish.readOnly) session.writable.flush();
  } catch (thrown) {
    return sayFailed(session, 'flush', thrown);
  }
  return true;
}

async function sleep({ words }: IoLine, session: Session): Promise<boolean> {
  const milliseconds = parseQemuNumber(words[0] ?? '');
  if (milliseconds === undefined || milliseconds > 0x7fff_ffffn) {
    throw new IoMistake(`"${words[0]}" is not a number of milliseconds`);
  }
  await new Promise((resolve) => setTimeout(resolve, Number(milliseconds)));
  throwIfCancelled(session.io.signal, 'cancelled; the image is closed');
  return true;
}

const plain = { letters: '', usage: '', least: 0, most: 0 } as const;

export const manageCommands: readonly IoCommand[] = [
  {
    name: 'open',
    short: 'o',
    letters: 'rsCnkUt:d:o:',
    usage: '[-rCU] [-d discard] [-o settings] [file]',
    about: 'opens an image',
    least: 0,
    most: 1,
    run: open,
  },
  {
    ...plain,
    name: 'close',
    short: 'c',
    about: 'closes the image',
    run(_line, session) {
      session.close();
      return true;
    },
  },
  {
    name: 'reopen',
    letters: 'rwc:o:',
    usage: '[-r | -w] [-o settings]',
    about: 'opens the image again, for reading or for writing',
    least: 0,
    most: 0,
    run: reopen,
  },
  { ...plain, name: 'flush', short: 'f', about: 'brings everything to the disk', run: flush },
  {
    ...plain,
    name: 'aio_flush',
    about: 'waits for requests under way; here there are none',
    run: (_line, session) => session.opened !== undefined,
  },
  {
    name: 'truncate',
    short: 't',
    letters: 'm:',
    usage: '[-m preallocation] size',
    about: 'changes the size of the disk',
    least: 1,
    most: 3,
    run: truncate,
  },
  { ...plain, name: 'sleep', usage: 'milliseconds', about: 'waits', least: 1, most: 1, run: sleep },
];
