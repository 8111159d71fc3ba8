/**
 * The one declaration of qcow2's create options and their rules.
 *
 * Order of declarations: qemu-img's summary line. Order of rules: qemu-img's refusals (contract:
 * options.md §qcow2). The form takes its own order from `place`.
 */
import { isPowerOfTwo } from '../../bytes/math.ts';
import { printQemuSize } from '../../bytes/size-text.ts';
import { encodeUtf8 } from '../../bytes/text.ts';
import { formatBytes } from '../../bytes/units.ts';
import { declare, type Fix, type OptionTexts } from '../../options/declare.ts';
import { fileLayerOptions, fileLayerRules } from '../../options/file-layer.ts';
import { luksOptions, luksRules } from '../../options/luks.ts';
import { backingFormats } from './backing-formats.ts';
import { backingNameRoom, largestDisk, MAX_BACKING_NAME, MAX_CLUSTER_SIZE, MIN_CLUSTER_SIZE } from './limits.ts';

const CLUSTER_SIZES = '512 1K 2K 4K 8K 16K 32K 64K 128K 256K 512K 1M 2M'.split(' ');

const luks = luksOptions('encrypt.', (order) => ({ group: 'extras', fold: 'encryption', order }));

const CIPHER_OPTIONS = ['cipher-alg', 'cipher-mode', 'ivgen-alg', 'ivgen-hash-alg', 'hash-alg', 'iter-time'].map(
  (name) => `encrypt.${name}`,
);

/** What of `names` is given. */
const firstGiven = (texts: OptionTexts, names: readonly string[]): string | undefined =>
  names.find((name) => texts[name] !== undefined);

const set = (label: string, texts: Readonly<Record<string, string | null>>): Fix => ({ label, set: texts });
const compat11 = set('Set compat 1.1', { compat: '1.1' });
const needsV3 = 'The 0.10 header has no feature bits.';

interface Sizes {
  readonly clusterSize: bigint;
  readonly extendedL2: boolean;
}

function goodClusterSize(size: bigint): boolean {
  return size >= MIN_CLUSTER_SIZE && size <= MAX_CLUSTER_SIZE && isPowerOfTwo(Number(size));
}

/** The smallest cluster size that can hold `size`, or undefined if none can. */
function clusterSizeFor(size: bigint, { extendedL2 }: Sizes): number | undefined {
  for (let bytes = extendedL2 ? 16384 : MIN_CLUSTER_SIZE; bytes <= MAX_CLUSTER_SIZE; bytes *= 2) {
    if (size <= BigInt(largestDisk(bytes, extendedL2))) return bytes;
  }
  return undefined;
}

function tooLargeFixes(size: bigint, sizes: Sizes): Fix[] {
  const larger = clusterSizeFor(size, sizes);
  const most = largestDisk(Number(sizes.clusterSize), sizes.extendedL2);
  const shrink = set(`Set size ${formatBytes(most)}`, { size: printQemuSize(BigInt(most)) });
  if (larger === undefined) return [shrink];
  return [set(`Set clusters of ${formatBytes(larger)}`, { cluster_size: printQemuSize(BigInt(larger)) }), shrink];
}

export const qcow2Options = declare(
  {
    encryption: {
      kind: 'flag',
      qemu: 'encryption',
      label: 'Encryption (old switch)',
      help: 'The deprecated spelling of encrypt.format=aes.',
      place: { group: 'extras', fold: 'encryption', order: 9 },
    },
    encryptFormat: {
      kind: 'choice',
      qemu: 'encrypt.format',
      label: 'Encryption',
      help: 'What the guest stores is unreadable without the passphrase; size and places of it stay visible.',
      place: { group: 'extras', fold: 'encryption', order: 1 },
      none: { label: 'none', help: 'Anyone with the file can read the disk.' },
      choices: [
        { value: 'luks', help: 'LUKS, opened by QEMU 2.10 and later.' },
        { value: 'aes', help: 'Weak: the passphrase is the key, cut to 16 bytes. Only for old images.' },
      ],
    },
    encryptKeySecret: luks.keySecret,
    encryptCipherAlg: luks.cipherAlg,
    encryptCipherMode: luks.cipherMode,
    encryptIvgenAlg: luks.ivgenAlg,
    encryptIvgenHashAlg: luks.ivgenHashAlg,
    encryptHashAlg: luks.hashAlg,
    encryptIterTime: luks.iterTime,
    clusterSize: {
      kind: 'size',
      qemu: 'cluster_size',
      label: 'Cluster size',
      help: 'Larger: fewer tables and less cache, but each small write copies more.',
      place: { group: 'layout', order: 1 },
      default: '65536',
      offers: CLUSTER_SIZES,
    },
    extendedL2: {
      kind: 'flag',
      qemu: 'extended_l2',
      label: 'Extended L2',
      help: 'On: 32 pieces inside each cluster, so small writes copy less; tables double; needs QEMU 5.2.',
      place: { group: 'layout', fold: 'advanced', order: 3 },
      default: 'off',
    },
    preallocation: {
      kind: 'choice',
      qemu: 'preallocation',
      label: 'Preallocation',
      help: 'What is laid out and written now, and what later.',
      place: { group: 'layout', order: 3 },
      default: 'off',
      choices: [
        { value: 'off', help: 'Grows as the guest writes. The usual choice.' },
        { value: 'metadata', help: 'Tables ready, data space still a hole.' },
        { value: 'falloc', help: 'Space taken now. A browser can only do it by writing zeros.' },
        { value: 'full', help: 'All written now: slow, never grows later.' },
      ],
    },
    compressionType: {
      kind: 'choice',
      qemu: 'compression_type',
      label: 'Compression',
      help: 'Only for clusters written compressed later.',
      place: { group: 'layout', fold: 'advanced', order: 4 },
      default: 'zlib',
      printed: true,
      choices: [
        { value: 'zlib', help: 'Every QEMU opens it.' },
        { value: 'zstd', help: 'Faster, smaller; needs QEMU 5.1.' },
      ],
    },
    size: {
      kind: 'size',
      qemu: 'size',
      amend: true,
      label: 'Size',
      help: 'What the guest sees.',
      place: { group: 'disk', order: 1 },
    },
    compat: {
      kind: 'choice',
      qemu: 'compat',
      amend: true,
      label: 'Compat',
      help: 'The version of the format: it decides which QEMU opens the image.',
      place: { group: 'layout', order: 2 },
      default: '1.1',
      choices: [
        { value: '1.1', also: ['v3'], help: 'Opens in QEMU 1.1 (2012) and later.' },
        { value: '0.10', also: ['v2'], help: 'Opens in any QEMU; costs five of the options here.' },
      ],
    },
    backingFile: {
      kind: 'text',
      qemu: 'backing_file',
      amend: true,
      label: 'File name',
      help: 'The new disk shows what this file holds and keeps only the differences. The name is stored as typed.',
      place: { group: 'extras', fold: 'backing', order: 1 },
      placeholder: 'base.qcow2',
    },
    backingFormat: {
      kind: 'text',
      qemu: 'backing_fmt',
      amend: true,
      label: 'Its format',
      help: 'Stored with the name, so that nothing ever has to guess it.',
      place: { group: 'extras', fold: 'backing', order: 2 },
      placeholder: 'qcow2',
    },
    dataFile: {
      kind: 'text',
      qemu: 'data_file',
      amend: true,
      label: 'File name',
      help: 'Guest data goes to this second file and the image keeps only the tables. Keep the two together.',
      place: { group: 'extras', fold: 'data-file', order: 1 },
      placeholder: 'disk.raw',
    },
    dataFileRaw: {
      kind: 'flag',
      qemu: 'data_file_raw',
      amend: true,
      label: 'Readable as raw',
      help: 'On: the data file is a raw image of the disk at all times; the tables are laid out now.',
      place: { group: 'extras', fold: 'data-file', order: 2 },
    },
    lazyRefcounts: {
      kind: 'flag',
      qemu: 'lazy_refcounts',
      amend: true,
      label: 'Lazy refcounts',
      help: 'On: faster metadata writes; after a crash QEMU must repair the image before it opens.',
      place: { group: 'layout', fold: 'advanced', order: 2 },
      default: 'off',
    },
    refcountBits: {
      kind: 'number',
      qemu: 'refcount_bits',
      amend: true,
      label: 'Refcount bits',
      help: 'How often one cluster can be shared by snapshots: 16 bits count to 65,535.',
      place: { group: 'layout', fold: 'advanced', order: 1 },
      default: '16',
      offers: ['1', '2', '4', '8', '16', '32', '64'],
    },
    nocow: fileLayerOptions.nocow,
    extentSizeHint: fileLayerOptions.extentSizeHint,
  },
  [
    {
      option: 'encryption',
      broken: (v, texts) => texts.encryption !== undefined && v.encryptFormat !== undefined,
      message: 'The old switch and encrypt.format exclude each other.',
      fixes: [set('Remove the old switch', { encryption: null })],
    },
    {
      option: 'encrypt.format',
      broken: (v, texts) =>
        v.encryptFormat === undefined &&
        !v.encryption &&
        firstGiven(texts, ['encrypt.key-secret', ...CIPHER_OPTIONS]) !== undefined,
      message: (_, texts) =>
        `${firstGiven(texts, ['encrypt.key-secret', ...CIPHER_OPTIONS])} is given, but no encryption.`,
      fixes: (_, texts) => [
        set('Encrypt with LUKS', { 'encrypt.format': 'luks' }),
        set(
          'Leave the disk open',
          Object.fromEntries(Object.keys(texts).flatMap((name) => (name.startsWith('encrypt.') ? [[name, null]] : []))),
        ),
      ],
    },
    {
      option: 'encrypt.format',
      broken: (v, texts) =>
        (v.encryptFormat === 'aes' || v.encryption) && firstGiven(texts, CIPHER_OPTIONS) !== undefined,
      message: (_, texts) => `The old AES has no ${firstGiven(texts, CIPHER_OPTIONS)}: nothing of it can be chosen.`,
      fixes: (_, texts) => [
        set('Encrypt with LUKS', { 'encrypt.format': 'luks', encryption: null }),
        set(
          'Remove the choice',
          Object.fromEntries(CIPHER_OPTIONS.filter((name) => texts[name] !== undefined).map((name) => [name, null])),
        ),
      ],
    },
    {
      option: 'extended_l2',
      broken: (v) => v.extendedL2 && v.compat === '0.10',
      message: 'Extended L2 needs compat 1.1.',
      why: needsV3,
      fixes: [compat11, set('Turn extended L2 off', { extended_l2: 'off' })],
    },
    {
      option: 'cluster_size',
      broken: (v) => !goodClusterSize(v.clusterSize),
      message: 'The cluster size is a power of two from 512 bytes to 2 MiB.',
      why: (v) => `This one is ${v.clusterSize} bytes.`,
      fixes: [set('Set 64 KiB', { cluster_size: '64K' })],
    },
    {
      option: 'extended_l2',
      broken: (v) => v.extendedL2 && goodClusterSize(v.clusterSize) && v.clusterSize < 16384,
      message: 'Extended L2 needs clusters of 16 KiB or more.',
      why: 'A cluster is split into 32 pieces, and a piece is at least one 512-byte sector.',
      fixes: [
        set('Set clusters of 16 KiB', { cluster_size: '16K' }),
        set('Turn extended L2 off', { extended_l2: 'off' }),
      ],
    },
    {
      option: 'preallocation',
      broken: (v) => v.backingFile !== undefined && v.preallocation !== 'off' && !v.extendedL2,
      message: 'A backing file and preallocation go together only with extended L2.',
      why: 'Preallocated clusters would hide the backing file.',
      fixes: [
        set('Set preallocation off', { preallocation: 'off' }),
        set('Turn extended L2 on', { extended_l2: 'on' }),
        set('Remove the backing file', { backing_file: null, backing_fmt: null }),
      ],
    },
    {
      option: 'backing_fmt',
      broken: (v) => v.backingFormat !== undefined && !backingFormats.includes(v.backingFormat),
      message: (v) => `QEMU knows no format "${v.backingFormat}".`,
      why: 'The name of a format is stored in the header and QEMU must find it there.',
      fixes: [set('Set qcow2', { backing_fmt: 'qcow2' }), set('Set raw', { backing_fmt: 'raw' })],
    },
    {
      option: 'backing_fmt',
      broken: (v) => v.backingFormat !== undefined && v.backingFile === undefined,
      message: 'A backing format needs a backing file.',
      why: 'Without one it describes nothing.',
      fixes: [set('Remove the format', { backing_fmt: null })],
    },
    {
      option: 'backing_fmt',
      broken: (v) => v.backingFile !== undefined && v.backingFormat === undefined,
      message: 'A backing file needs its format.',
      why: 'Without it QEMU would have to guess from bytes that the guest can write.',
      fixes: [set('Set qcow2', { backing_fmt: 'qcow2' }), set('Set raw', { backing_fmt: 'raw' })],
    },
    {
      option: 'lazy_refcounts',
      broken: (v) => v.lazyRefcounts && v.compat === '0.10',
      message: 'Lazy refcounts need compat 1.1.',
      why: needsV3,
      fixes: [compat11, set('Turn lazy refcounts off', { lazy_refcounts: 'off' })],
    },
    {
      option: 'refcount_bits',
      broken: (v) => !isPowerOfTwo(v.refcountBits) || v.refcountBits > 64,
      message: 'The refcount width is a power of two from 1 to 64 bits.',
      why: (v) => `This one is ${v.refcountBits}.`,
      fixes: [set('Set 16 bits', { refcount_bits: '16' })],
    },
    {
      option: 'refcount_bits',
      broken: (v) => v.compat === '0.10' && v.refcountBits !== 16,
      message: 'Refcounts of another width than 16 bits need compat 1.1.',
      why: 'The 0.10 header has no field for the width.',
      fixes: [compat11, set('Set 16 bits', { refcount_bits: '16' })],
    },
    {
      option: 'data_file_raw',
      broken: (v) => v.dataFileRaw && v.dataFile === undefined,
      message: 'A raw data file needs a data file.',
      why: 'Its name is given as data_file.',
      fixes: [set('Turn it off', { data_file_raw: null })],
    },
    {
      option: 'data_file_raw',
      broken: (v) => v.dataFileRaw && v.backingFile !== undefined,
      message: 'A backing file and a raw data file exclude each other.',
      why: 'The data file alone could not show what the backing file holds.',
      fixes: [
        set('Turn raw data file off', { data_file_raw: null }),
        set('Remove the backing file', { backing_file: null, backing_fmt: null }),
      ],
    },
    {
      option: 'data_file',
      broken: (v) => v.dataFile !== undefined && v.compat === '0.10',
      message: 'A data file needs compat 1.1.',
      why: needsV3,
      fixes: [compat11, set('Remove the data file', { data_file: null, data_file_raw: null })],
    },
    {
      option: 'compression_type',
      broken: (v) => v.compressionType === 'zstd' && v.compat === '0.10',
      message: 'zstd compression needs compat 1.1.',
      why: needsV3,
      fixes: [compat11, set('Set zlib', { compression_type: 'zlib' })],
    },
    ...fileLayerRules,
    {
      option: 'size',
      broken: (v) =>
        goodClusterSize(v.clusterSize) && (v.size ?? 0n) > BigInt(largestDisk(Number(v.clusterSize), v.extendedL2)),
      message: (v) => {
        const most = formatBytes(largestDisk(Number(v.clusterSize), v.extendedL2));
        return `The disk is too large for clusters of ${formatBytes(v.clusterSize)}: ${most} is the most.`;
      },
      why: 'The L1 table may take 32 MiB and no more.',
      fixes: (v) => tooLargeFixes(v.size ?? 0n, v),
    },
    {
      option: 'backing_file',
      broken: (v) => v.backingFile === '',
      message: 'The name of the backing file is empty.',
      why: 'The disk would rest on nothing that can be found.',
      fixes: [set('Remove the backing file', { backing_file: null, backing_fmt: null })],
    },
    {
      option: 'backing_file',
      broken: (v) => encodeUtf8(v.backingFile ?? '').length > MAX_BACKING_NAME,
      message: `The name of the backing file is longer than ${MAX_BACKING_NAME} bytes.`,
      why: 'No qcow2 image stores a longer one. A name without folders is looked for beside the image.',
    },
    {
      option: 'backing_file',
      broken: (v) => {
        const length = encodeUtf8(v.backingFile ?? '').length;
        return goodClusterSize(v.clusterSize) && length <= MAX_BACKING_NAME && length > backingNameRoom(v);
      },
      message: (v) => `The name of the backing file does not fit: the header has room for ${backingNameRoom(v)} bytes.`,
      why: 'Header, extensions and the name share the first cluster.',
      fixes: [set('Set clusters of 4 KiB', { cluster_size: '4K' })],
    },
    ...luksRules('encrypt.', (texts) => texts['encrypt.format'] === 'luks'),
    {
      option: 'encrypt.key-secret',
      broken: (v) => (v.encryptFormat === 'aes' || v.encryption) && v.encryptKeySecret === undefined,
      message: 'An encrypted disk needs a passphrase.',
      why: 'Its name is given as encrypt.key-secret, the passphrase itself as a secret.',
      fixes: [set('Name it sec0', { 'encrypt.key-secret': 'sec0' })],
    },
  ],
  [
    {
      option: 'encrypt.key-secret',
      blocked: (v) => v.encryptFormat === undefined && !v.encryption,
      reason: 'Not available yet: the disk is not encrypted.',
    },
    ...CIPHER_OPTIONS.map((option) => ({
      option,
      blocked: (v: { readonly encryptFormat: string | undefined }) => v.encryptFormat !== 'luks',
      reason: 'Only with LUKS.',
    })),
    {
      option: 'encrypt.ivgen-hash-alg',
      blocked: (v) => v.encryptIvgenAlg !== 'essiv',
      reason: 'Only with the IV generator essiv.',
    },
    {
      option: 'lazy_refcounts',
      blocked: (v) => v.compat === '0.10',
      reason: 'Not with compat 0.10: its header has no feature bits.',
    },
    {
      option: 'extended_l2',
      blocked: (v) => v.compat === '0.10',
      reason: 'Not with compat 0.10: its header has no feature bits.',
    },
    { option: 'extended_l2', blocked: (v) => v.clusterSize < 16384, reason: 'Not with clusters below 16 KiB.' },
    {
      option: 'refcount_bits',
      blocked: (v) => v.compat === '0.10',
      reason: 'Not with compat 0.10: always 16 bits there.',
    },
    {
      option: 'compression_type',
      blocked: (v) => v.compat === '0.10',
      reason: 'Not with compat 0.10: always zlib there.',
    },
    {
      option: 'data_file',
      blocked: (v) => v.compat === '0.10',
      reason: 'Not with compat 0.10: its header has no feature bits.',
    },
    {
      option: 'data_file_raw',
      blocked: (v) => v.dataFile === undefined,
      reason: 'Not available yet: needs a data file. Type its name above.',
    },
    {
      option: 'data_file_raw',
      blocked: (v) => v.backingFile !== undefined,
      reason: 'Not with a backing file: the data file alone could not show it.',
    },
    {
      option: 'backing_fmt',
      blocked: (v) => v.backingFile === undefined,
      reason: 'Not available yet: needs a backing file. Type its name above.',
    },
  ],
);
