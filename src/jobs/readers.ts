/**
 * "Why does X not open this?": who opens an image and who does not, with what to do. Pure, from what the image says
 * about itself; what is not known for sure is not said.
 */
import type { FactValue, ImageDescription } from '../engine/image/description.ts';

export interface ReaderNote {
  readonly verdict: 'yes' | 'if' | 'no';
  readonly who: string;
  readonly why: string;
  /** A command that helps, with the file's name in it. */
  readonly command?: string;
  /** Another file is wanted: its name in the image. */
  readonly wants?: string;
}

export interface ReaderFacts {
  readonly name: string;
  readonly format: string;
  readonly description?: ImageDescription;
  readonly dataFile?: string;
  /** Files that the image names and that are not here. */
  readonly missing: readonly string[];
}

const fact = ({ description }: ReaderFacts, name: string): FactValue | undefined => description?.specific?.data[name];

interface Since {
  readonly version: string;
  readonly what: string;
  readonly field: string;
  readonly applies: (facts: ReaderFacts) => boolean;
  /** Options of `qemu-img convert` or `amend` that do without. */
  readonly without?: string;
}

/** Newest first. */
const introductions: readonly Since[] = [
  {
    version: '5.2',
    what: 'extended L2 entries',
    field: 'header byte 72, bit 4',
    applies: (facts) => fact(facts, 'extended-l2') === true,
    without: 'convert -O qcow2 -o extended_l2=off',
  },
  {
    version: '5.1',
    what: 'zstd compression',
    field: 'header byte 72, bit 3',
    applies: (facts) => fact(facts, 'compression-type') === 'zstd',
    without: 'convert -O qcow2 -o compression_type=zlib',
  },
  {
    version: '4.0',
    what: 'an external data file',
    field: 'header byte 72, bit 2',
    applies: (facts) => facts.dataFile !== undefined,
    without: 'convert -O qcow2',
  },
  {
    version: '2.10',
    what: 'LUKS encryption',
    field: 'header byte 32',
    applies: (facts) => (fact(facts, 'encrypt') as { format?: string } | undefined)?.format === 'luks',
  },
  {
    version: '2.3',
    what: 'a refcount width other than 16 bits',
    field: 'header byte 96',
    applies: (facts) => fact(facts, 'refcount-bits') !== undefined && fact(facts, 'refcount-bits') !== 16,
    without: 'convert -O qcow2 -o refcount_bits=16',
  },
  {
    version: '1.1',
    what: 'version 3 of the format',
    field: 'header byte 4',
    applies: (facts) => fact(facts, 'compat') === '1.1',
    without: 'amend -f qcow2 -o compat=0.10',
  },
];

const OLDEST = '0.10';

/** The oldest QEMU that opens an image, for qcow2. */
export const oldestQemu = (facts: ReaderFacts): string =>
  introductions.find((one) => one.applies(facts))?.version ?? OLDEST;

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

const renamed = (name: string, ending: string): string => shellWord(name.replace(/(\.[^.]*)?$/, ending));

/** How qemu-img is told to open the image: an encrypted one takes its passphrase from a file. */
function sourceWords({ name, format, description }: ReaderFacts, plain = ''): string {
  if (!description?.encrypted) return `${plain}${shellWord(name)}`;
  const key = format === 'luks' ? 'key-secret' : 'encrypt.key-secret';
  const options = `driver=${format},file.filename=${name.replaceAll(',', ',,')},${key}=sec0`;
  return `--object secret,id=sec0,file=passphrase.txt --image-opts ${shellWord(options)}`;
}

function commandFor(without: string, facts: ReaderFacts): string {
  // Which way to open it is said once, either way.
  const verb = facts.description?.encrypted ? without.replace(' -f qcow2', '') : without;
  const target = without.startsWith('amend') ? '' : ` ${renamed(facts.name, '-new.qcow2')}`;
  return `qemu-img ${verb} ${sourceWords(facts)}${target}`;
}

const toVmdk = (facts: ReaderFacts): string =>
  `qemu-img convert ${sourceWords(facts, `-f ${facts.format} `)} -O vmdk ${renamed(facts.name, '.vmdk')}`;

function wantedFiles({ missing }: ReaderFacts): ReaderNote[] {
  return missing.map((wants) => ({
    verdict: 'if',
    who: 'Anywhere, alone',
    why: `It reads through ${wants}, which is not here.`,
    wants,
  }));
}

function stateNotes(facts: ReaderFacts): ReaderNote[] {
  const { description, name } = facts;
  const notes: ReaderNote[] = [];
  if (fact(facts, 'corrupt') === true) {
    notes.push({
      verdict: 'no',
      who: 'Every virtual machine',
      why: 'A QEMU found damage and marked it corrupt: since then it can only be read.',
      command: `qemu-img check -r all ${shellWord(name)}`,
    });
  }
  if (description?.dirty) {
    notes.push({
      verdict: 'if',
      who: 'Programs that cannot repair',
      why: 'It was not closed cleanly and its refcounts may be behind. QEMU repairs that when it opens it for writing.',
      command: `qemu-img check -r all ${shellWord(name)}`,
    });
  }
  const encryption = fact(facts, 'encrypt') as { format?: string } | undefined;
  if (encryption?.format === 'aes') {
    notes.push({
      verdict: 'no',
      who: 'Virtual machines of QEMU since 2.10',
      why: 'Its AES encryption is broken, and only qemu-img still reads it.',
      command: commandFor('convert -O qcow2', facts),
    });
  } else if (description?.encrypted) {
    notes.push({
      verdict: 'if',
      who: 'Without the passphrase',
      why: 'Nobody reads its data; sizes and tables are open.',
    });
  }
  return notes;
}

function olderQemu(facts: ReaderFacts): ReaderNote[] {
  const newest = introductions.find((one) => one.applies(facts));
  if (!newest) return [];
  const all = introductions.filter((one) => one.version === newest.version && one.applies(facts));
  const { version, what, field, without } = all[0] ?? newest;
  return [
    {
      verdict: 'no',
      who: `QEMU before ${version}`,
      why: `Does not know ${what} (${field}).`,
      ...(without === undefined ? {} : { command: commandFor(without, facts) }),
    },
  ];
}

const MARKS = 'Proxmox, libvirt, UTM';

function luksReaders(facts: ReaderFacts): ReaderNote[] {
  return [
    { verdict: 'if', who: 'Without the passphrase', why: 'Nobody reads its data; the size is open.' },
    {
      verdict: 'yes',
      who: 'Linux',
      why: 'Opens it as an encrypted disk.',
      command: `sudo cryptsetup open --type luks1 ${shellWord(facts.name)} disk`,
    },
    { verdict: 'yes', who: 'QEMU 2.6 or later, libvirt', why: 'Open it.' },
    { verdict: 'no', who: 'VMware, VirtualBox, Hyper-V', why: 'Encrypt in their own ways.', command: toVmdk(facts) },
  ];
}

export function readersOf(facts: ReaderFacts): readonly ReaderNote[] {
  const { format, missing, description } = facts;
  if (format === 'raw') {
    return [
      { verdict: 'yes', who: `QEMU, ${MARKS}, v86`, why: 'Any version opens it: the file is the disk.' },
      {
        verdict: 'no',
        who: 'VMware, VirtualBox, Hyper-V',
        why: 'Take images in their own formats only.',
        command: toVmdk(facts),
      },
    ];
  }
  if (format === 'luks' && description) return luksReaders(facts);
  if (format !== 'qcow2' || !description) return [];
  const later = missing.length > 0 ? ' once every file that it names lies in its place.' : '.';
  return [
    ...wantedFiles(facts),
    ...stateNotes(facts),
    ...olderQemu(facts),
    {
      verdict: 'no',
      who: 'VMware, Hyper-V',
      why: 'Read vmdk and vhdx.',
      command: toVmdk(facts),
    },
    { verdict: 'yes', who: `QEMU ${oldestQemu(facts)} or later, ${MARKS}`, why: `Open it${later}` },
  ];
}
