/** A change as the command lines that do the same: a copy first where the tools change an image in place. */
import { printQemuSize } from '../../engine/bytes/size-text.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { printOptionList } from '../../engine/options/option-list.ts';
import type { ChangeCommands, ChangeInPlace, Rewriting } from './change.ts';

/** A word of a shell's command line. */
export const shellWord = (word: string): string =>
  /^[\w%+,./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A name that begins like a flag or a protocol is written as a path. */
const asPath = (name: string): string => (/^-|^[^/]*:/.test(name) ? `./${name}` : name);

export interface Names {
  /** The image, and its format. */
  readonly image: string;
  readonly format: string;
  /** The new file. */
  readonly result: string;
}

const line = (...words: readonly string[]): string => words.map(shellWord).join(' ');

/** `probed`: what says that it is a raw image, so that nobody has to guess. */
function inPlaceWords(change: ChangeInPlace, name: string, probed: readonly string[]): readonly string[] {
  switch (change.kind) {
    case 'repair':
      return ['check', '-r', change.mode, name];
    case 'resize': {
      const { shrink, preallocation = 'off', size } = change;
      return [
        'resize',
        ...probed,
        ...(shrink ? ['--shrink'] : []),
        ...(preallocation === 'off' ? [] : [`--preallocation=${preallocation}`]),
        name,
        printQemuSize(BigInt(size)),
      ];
    }
    case 'snapshot-create':
      return ['snapshot', '-c', change.name, name];
    case 'snapshot-apply':
      return ['snapshot', '-a', change.snapshot.id, name];
    case 'snapshot-delete':
      return ['snapshot', '-d', change.snapshot.name, name];
    case 'amend': {
      const { compat, refcountBits, lazyRefcounts } = change;
      const texts: OptionTexts = {
        ...(compat === undefined ? {} : { compat }),
        ...(refcountBits === undefined ? {} : { refcount_bits: String(refcountBits) }),
        ...(lazyRefcounts === undefined ? {} : { lazy_refcounts: lazyRefcounts ? 'on' : 'off' }),
      };
      return ['amend', '-o', printOptionList(texts), name];
    }
    case 'rebase': {
      const { mode, backing } = change;
      const wanted = backing ? ['-b', backing.name, '-F', backing.format] : ['-b', ''];
      return ['rebase', ...(mode === 'unsafe' ? ['-u'] : []), ...wanted, name];
    }
  }
}

export function commandsInPlace(change: ChangeInPlace, { image, format, result }: Names): ChangeCommands {
  const copy = line('cp', asPath(image), asPath(result));
  const words = inPlaceWords(change, asPath(result), format === 'raw' ? ['-f', 'raw'] : []);
  return { qemuImg: [copy, line('qemu-img', ...words)], diskwright: [copy, line('diskwright', ...words)] };
}

export interface RewriteLine {
  readonly format: string;
  /** Create options of the new image that are not the defaults. */
  readonly texts: OptionTexts;
  /** Compressed clusters come along as they are. */
  readonly keepsCompressed: boolean;
  readonly bitmaps: boolean;
}

export function commandsToRewrite(change: Rewriting, names: Names, wish: RewriteLine): ChangeCommands {
  const { format, texts, keepsCompressed, bitmaps } = wish;
  const { backing_file: backing, backing_fmt: backingFormat, ...options } = texts;
  const list = printOptionList(options);
  const words = (withBitmaps: boolean): string[] => [
    'convert',
    '-f',
    names.format,
    '-O',
    format,
    ...(list === '' ? [] : ['-o', list]),
    ...(backing === undefined ? [] : ['-B', backing]),
    ...(backingFormat === undefined ? [] : ['-F', backingFormat]),
    ...(change.kind === 'snapshot-extract'
      ? ['-l', printOptionList({ 'snapshot.id': change.snapshot.id, 'snapshot.name': change.snapshot.name })]
      : []),
    ...(withBitmaps ? ['--bitmaps'] : []),
    asPath(names.image),
    asPath(names.result),
  ];
  const notes: string[] = [];
  if (keepsCompressed) {
    notes.push('The commands unpack compressed clusters, or with -c pack all of them; here each stays as it is.');
  }
  if (bitmaps) notes.push('The diskwright command does not copy bitmaps so far.');
  return {
    qemuImg: [line('qemu-img', ...words(bitmaps))],
    diskwright: [line('diskwright', ...words(false))],
    ...(notes.length === 0 ? {} : { note: notes.join(' ') }),
  };
}
