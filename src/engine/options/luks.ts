/**
 * Create options of LUKS, declared once for the whole-file format and, with the prefix `encrypt.`, for qcow2. Ciphers
 * beyond AES are QEMU's alone.
 */
import {
  type ChoiceOption,
  declare,
  type Fix,
  type NumberOption,
  type OptionSet,
  type OptionTexts,
  type Place,
  type Rule,
  type TextOption,
} from './declare.ts';

type Placed = (order: number) => Place;

const HASHES = ['sha256', 'sha512', 'sha1', 'sha224', 'sha384', 'ripemd160', 'md5'] as const;

const hashChoices = HASHES.map((value) => ({ value, help: '' }));

/** Declarations in the order of the summary line. */
export function luksOptions(prefix: '' | 'encrypt.', place: Placed) {
  return {
    keySecret: {
      kind: 'text',
      qemu: `${prefix}key-secret`,
      label: 'Secret',
      help: 'The name under which QEMU is given the passphrase. Only the name is part of the command.',
      place: place(2),
      placeholder: 'sec0',
    },
    cipherAlg: {
      kind: 'choice',
      qemu: `${prefix}cipher-alg`,
      label: 'Cipher',
      help: 'AES with a key of so many bits.',
      place: place(3),
      default: 'aes-256',
      choices: [
        { value: 'aes-256', help: 'The usual choice.' },
        { value: 'aes-192', help: 'Only with XTS.' },
        { value: 'aes-128', help: 'A little faster.' },
      ],
      elsewhere: {
        values: ['des', '3des', 'cast5-128', 'serpent-128', 'serpent-192', 'serpent-256'].concat([
          'twofish-128',
          'twofish-192',
          'twofish-256',
        ]),
        why: 'QEMU has it, but only AES is available here.',
      },
    },
    cipherMode: {
      kind: 'choice',
      qemu: `${prefix}cipher-mode`,
      label: 'Cipher mode',
      help: 'How the sectors of the disk are kept apart.',
      place: place(4),
      default: 'xts',
      choices: [
        { value: 'xts', help: 'Made for disks. The usual choice.' },
        { value: 'cbc', help: 'Older; what cryptsetup once made.' },
        { value: 'ctr', help: 'Unsafe on a disk: bytes that are overwritten give their difference away.' },
        { value: 'ecb', help: 'Unsafe: equal sectors look equal.' },
      ],
    },
    ivgenAlg: {
      kind: 'choice',
      qemu: `${prefix}ivgen-alg`,
      label: 'IV generator',
      help: 'How each sector gets a start value of its own.',
      place: place(5),
      default: 'plain64',
      choices: [
        { value: 'plain64', help: 'The number of the sector. The usual choice.' },
        { value: 'plain', help: 'The same with 32 bits: it repeats after 2 TiB.' },
        { value: 'essiv', help: 'The number, encrypted: for CBC.' },
      ],
    },
    ivgenHashAlg: {
      kind: 'choice',
      qemu: `${prefix}ivgen-hash-alg`,
      label: 'IV hash',
      help: 'Makes the key that ESSIV encrypts numbers with.',
      place: place(6),
      none: { label: 'usual', help: 'sha256 with essiv.' },
      choices: hashChoices,
    },
    hashAlg: {
      kind: 'choice',
      qemu: `${prefix}hash-alg`,
      label: 'Hash',
      help: 'Turns the passphrase into keys.',
      place: place(7),
      default: 'sha256',
      choices: hashChoices,
    },
    iterTime: {
      kind: 'number',
      qemu: `${prefix}iter-time`,
      label: 'Time per try',
      help: 'Milliseconds that one try of a passphrase takes on a machine like this one: more is harder to guess.',
      place: place(8),
      default: '2000',
      unprinted: true,
    },
  } as const satisfies Record<string, ChoiceOption | NumberOption | TextOption>;
}

/** Hashes whose length is that of an AES key. */
const ESSIV_HASHES: readonly string[] = ['sha256', 'md5'];

/** Rules among these options; `applies`: whether they are in force. In the order in which qemu-img meets them. */
export function luksRules(prefix: '' | 'encrypt.', applies: (texts: OptionTexts) => boolean): readonly Rule<unknown>[] {
  const textOf = (texts: OptionTexts, name: string): string | undefined => texts[prefix + name];
  const fix = (label: string, name: string, text: string | null): Fix => ({ label, set: { [prefix + name]: text } });
  return [
    {
      option: `${prefix}key-secret`,
      broken: (_, texts) => applies(texts) && textOf(texts, 'key-secret') === undefined,
      message: 'An encrypted disk needs a passphrase.',
      why: `Its name is given as ${prefix}key-secret, the passphrase itself as a secret.`,
      fixes: [fix('Name it sec0', 'key-secret', 'sec0')],
    },
    {
      option: `${prefix}cipher-alg`,
      broken: (_, texts) =>
        applies(texts) &&
        textOf(texts, 'cipher-alg') === 'aes-192' &&
        (textOf(texts, 'cipher-mode') ?? 'xts') !== 'xts',
      message: 'Keys of 192 bits go only with XTS.',
      why: 'Otherwise the key material does not fill whole sectors, and QEMU cannot write it.',
      fixes: [fix('Set aes-256', 'cipher-alg', 'aes-256'), fix('Set xts', 'cipher-mode', 'xts')],
    },
    {
      option: `${prefix}ivgen-hash-alg`,
      broken: (_, texts) =>
        applies(texts) &&
        textOf(texts, 'ivgen-alg') === 'essiv' &&
        !ESSIV_HASHES.includes(textOf(texts, 'ivgen-hash-alg') ?? 'sha256'),
      message: (_, texts) => `ESSIV cannot make a key with ${textOf(texts, 'ivgen-hash-alg')}.`,
      why: 'The length of the hash has to be that of an AES key.',
      fixes: [fix('Set sha256', 'ivgen-hash-alg', 'sha256')],
    },
  ];
}

/** What `amend` changes of the key slots. Not a part of any image's create options. */
export function luksKeyOptions(prefix: '' | 'encrypt.'): OptionSet {
  const place = { group: 'extras', fold: 'encryption', order: 0 } as const;
  return declare({
    state: {
      kind: 'choice',
      qemu: `${prefix}state`,
      amend: true,
      label: 'State',
      help: 'What becomes of key slots.',
      place,
      choices: [
        { value: 'active', help: 'A passphrase is added.' },
        { value: 'inactive', help: 'A passphrase is erased.' },
      ],
    },
    keyslot: {
      kind: 'number',
      qemu: `${prefix}keyslot`,
      amend: true,
      label: 'Key slot',
      help: 'Which of the eight: 0 to 7.',
      place,
    },
    newSecret: {
      kind: 'text',
      qemu: `${prefix}new-secret`,
      amend: true,
      label: 'New secret',
      help: 'The id of the passphrase to add.',
      place,
    },
    oldSecret: {
      kind: 'text',
      qemu: `${prefix}old-secret`,
      amend: true,
      label: 'Old secret',
      help: 'The id of the passphrase to erase: every slot that it opens.',
      place,
    },
    iterTime: {
      kind: 'number',
      qemu: `${prefix}iter-time`,
      amend: true,
      label: 'Time per try',
      help: 'Milliseconds that one try of the new passphrase costs.',
      place,
      default: '2000',
    },
  });
}
