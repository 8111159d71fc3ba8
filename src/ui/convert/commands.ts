/** The same conversion as command lines: of qemu-img, and of diskwright. */
import type { SnapshotFacts } from '../../engine/image/description.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import { printOptionList } from '../../engine/options/option-list.ts';
import { secretWords } from '../create/encryption.ts';
import { quoteWord } from '../create/shell-words.ts';

export interface Conversion {
  /** Name of the image that is read, and its format. */
  readonly source: string;
  readonly sourceFormat: string;
  readonly format: string;
  readonly texts: OptionTexts;
  readonly compress: boolean;
  readonly snapshot?: SnapshotFacts | undefined;
  /** All that the image has. */
  readonly snapshots: readonly SnapshotFacts[];
  readonly fileName: string;
}

/** A name that begins like a flag or like a protocol is written as a path. */
const asPath = (name: string): string => (/^-|^[^/]*:/.test(name) ? `./${name}` : name);

/** The name alone where it cannot be taken for another's. */
function snapshotWord(one: SnapshotFacts, all: readonly SnapshotFacts[]): string {
  const clear = all.every((other) => other === one || (other.name !== one.name && other.id !== one.name));
  if (clear && one.name !== '' && !one.name.startsWith('snapshot.')) return one.name;
  return printOptionList({ 'snapshot.id': one.id, 'snapshot.name': one.name });
}

export function convertCommand(program: 'qemu-img' | 'diskwright', conversion: Conversion): string {
  const { source, sourceFormat, format, texts, compress, snapshot, snapshots, fileName } = conversion;
  const { backing_file: backing, backing_fmt: backingFormat, ...rest } = texts;
  const words = [program, 'convert', ...secretWords(texts, []), '-f', sourceFormat, '-O', format];
  if (compress) words.push('-c');
  if (snapshot) words.push('-l', snapshotWord(snapshot, snapshots));
  if (backing !== undefined) words.push('-B', backing);
  if (backingFormat !== undefined) words.push('-F', backingFormat);
  if (Object.keys(rest).length > 0) words.push('-o', printOptionList(rest));
  words.push(asPath(source), asPath(fileName));
  return words.map(quoteWord).join(' ');
}
