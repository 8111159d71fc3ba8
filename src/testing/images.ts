/**
 * Minimal images of the formats that are only recognised, put together byte by byte from their
 * specifications, without the drivers' own declarations, so that a wrong offset shows.
 */

import { crc32c } from '../engine/bytes/crc32c.ts';

export interface SmallImage {
  /** Name in qemu-img. */
  readonly format: string;
  /** Where the name matters. */
  readonly fileName?: string;
  /** What the guest sees. */
  readonly size: number;
  /** Bytes that say something, as [from, to): worth changing in a test. */
  readonly telling: readonly (readonly [number, number])[];
  /** Brings checksums in order after a change. */
  readonly seal?: (bytes: Uint8Array) => void;
  bytes(): Uint8Array;
}

type Part = readonly [at: number, value: string | number | bigint | Uint8Array, bytes?: 1 | 2 | 4 | 8];

function build(length: number, order: 'big' | 'little', parts: readonly Part[]): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const little = order === 'little';
  for (const [at, value, width = 4] of parts) {
    if (typeof value === 'string') for (let i = 0; i < value.length; i++) bytes[at + i] = value.charCodeAt(i);
    else if (value instanceof Uint8Array) bytes.set(value, at);
    else if (width === 8) view.setBigUint64(at, BigInt(value), little);
    else if (width === 4) view.setUint32(at, Number(value), little);
    else if (width === 2) view.setUint16(at, Number(value), little);
    else view.setUint8(at, Number(value));
  }
  return bytes;
}

const MIB = 2 ** 20;

const qcow = (): Uint8Array =>
  build(4096, 'big', [
    [0, 'QFI\xfb'],
    [4, 1],
    [24, MIB + 512, 8],
    [32, 12, 1],
    [33, 9, 1],
    [40, 48, 8],
  ]);

const qed = (): Uint8Array =>
  build(3 * 4096, 'little', [
    [0, 'QED\0'],
    [4, 4096],
    [8, 2],
    [12, 1],
    [40, 4096, 8],
    [48, 100 * MIB, 8],
  ]);

const vdi = (): Uint8Array =>
  build(1024, 'little', [
    [0, '<<< a disk >>>\n'],
    [0x40, 0xbeda107f],
    [0x44, 0x00010001],
    [0x48, 0x180],
    [0x4c, 1],
    [0x154, 0x200],
    [0x158, 0x400],
    [0x168, 512],
    [0x170, 3 * MIB - 700, 8],
    [0x178, MIB],
    [0x180, 3],
    [0x200, 0xffffffff],
    [0x204, 0xffffffff],
    [0x208, 0xffffffff],
  ]);

function sealVhd(bytes: Uint8Array, at: number): void {
  const view = new DataView(bytes.buffer, at, 512);
  view.setUint32(64, 0);
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  view.setUint32(64, ~sum);
}

const vhdFooter = (at: number, kind: number, creator: string, dataOffset: bigint): Part[] => [
  [at, 'conectix'],
  [at + 8, 2],
  [at + 12, 0x00010000],
  [at + 16, dataOffset, 8],
  [at + 28, creator],
  [at + 40, 5 * MIB, 8],
  [at + 48, 5 * MIB, 8],
  [at + 56, 150, 2],
  [at + 58, 4, 1],
  [at + 59, 17, 1],
  [at + 60, kind],
];

function vhdDynamic(creator: string): Uint8Array {
  const bytes = build(2560, 'big', [
    ...vhdFooter(0, 3, creator, 512n),
    [512, 'cxsparse'],
    [520, 0xffff_ffff_ffff_ffffn, 8],
    [528, 1536, 8],
    [536, 0x00010000],
    [540, 3],
    [544, 2 * MIB],
    [1536, new Uint8Array(512).fill(0xff)],
    ...vhdFooter(2048, 3, creator, 512n),
  ]);
  sealVhd(bytes, 0);
  sealVhd(bytes, 2048);
  return bytes;
}

function vhdFixed(creator: string): Uint8Array {
  const bytes = build(4096 + 512, 'big', vhdFooter(4096, 2, creator, 0xffff_ffff_ffff_ffffn));
  sealVhd(bytes, 4096);
  return bytes;
}

/** A GUID as it lies on disk. */
function guid(text: string): Uint8Array {
  const [a = '', b = '', c = '', ...rest] = text.split('-');
  const reversed = [a, b, c].map((group) => group.replace(/../g, '$& ').trim().split(' ').reverse().join(''));
  const hex = [...reversed, ...rest].join('');
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

const KIB = 1024;
const VHDX_METADATA = 2 * MIB;
const VHDX_BAT = 3 * MIB;
/** Place of a metadata item's value in its region. */
const VHDX_VALUES = 64 * KIB;

const vhdxItem = (index: number, id: string, offset: number, length: number): Part[] => {
  const at = VHDX_METADATA + 32 + index * 32;
  return [
    [at, guid(id)],
    [at + 16, VHDX_VALUES + offset],
    [at + 20, length],
    [at + 24, 6],
  ];
};

const vhdxHeader = (at: number, sequence: number): Part[] => [
  [at, 'head'],
  [at + 8, sequence, 8],
  [at + 66, 1, 2],
  [at + 68, MIB],
  [at + 72, MIB, 8],
];

function sealVhdx(bytes: Uint8Array): void {
  for (const [at, length] of [
    [64 * KIB, 4 * KIB],
    [128 * KIB, 4 * KIB],
    [192 * KIB, 64 * KIB],
  ] as const) {
    const block = bytes.subarray(at, at + length);
    block.fill(0, 4, 8);
    new DataView(bytes.buffer, at, 8).setUint32(4, crc32c(block), true);
  }
}

/** The second header is the current one. */
function vhdx(): Uint8Array {
  const bytes = build(VHDX_BAT + 64 * KIB, 'little', [
    [0, 'vhdxfile'],
    ...vhdxHeader(64 * KIB, 6),
    ...vhdxHeader(128 * KIB, 7),
    [192 * KIB, 'regi'],
    [192 * KIB + 8, 2],
    [192 * KIB + 16, guid('2DC27766-F623-4200-9D64-115E9BFD4A08')],
    [192 * KIB + 32, VHDX_BAT, 8],
    [192 * KIB + 40, MIB],
    [192 * KIB + 44, 1],
    [192 * KIB + 48, guid('8B7CA206-4790-4B9A-B8FE-575F050F886E')],
    [192 * KIB + 64, VHDX_METADATA, 8],
    [192 * KIB + 72, MIB],
    [192 * KIB + 76, 1],
    [VHDX_METADATA, 'metadata'],
    [VHDX_METADATA + 10, 5, 2],
    ...vhdxItem(0, 'CAA16737-FA36-4D43-B3B6-33F0AA44E76B', 0, 8),
    ...vhdxItem(1, '2FA54224-CD1B-4876-B211-5DBED83BF4B8', 8, 8),
    ...vhdxItem(2, 'BECA12AB-B2E6-4523-93EF-C309E000C746', 16, 16),
    ...vhdxItem(3, '8141BF1D-A96F-4709-BA47-F233A8FAAB5F', 32, 4),
    ...vhdxItem(4, 'CDA348C7-445D-4471-9CC9-E9885251C556', 36, 4),
    [VHDX_METADATA + VHDX_VALUES, 2 * MIB],
    [VHDX_METADATA + VHDX_VALUES + 8, 37 * MIB + 512, 8],
    [VHDX_METADATA + VHDX_VALUES + 32, 512],
    [VHDX_METADATA + VHDX_VALUES + 36, 512],
  ]);
  sealVhdx(bytes);
  return bytes;
}

const DESCRIPTOR = (lines: readonly string[], kind: string): string =>
  [
    '# Disk DescriptorFile',
    'version=1',
    'CID=1a2b3c4d',
    'parentCID=ffffffff',
    `createType="${kind}"`,
    '# Extent description',
    ...lines,
    '',
  ].join('\n');

const vmdkHeader = (at: number, capacity: number, directory: bigint): Part[] => [
  [at, 'KDMV'],
  [at + 4, 1],
  [at + 8, 3],
  [at + 12, capacity, 8],
  [at + 20, 128, 8],
  [at + 28, 1, 8],
  [at + 36, 20, 8],
  [at + 44, 512],
  [at + 48, 21, 8],
  [at + 56, directory, 8],
  [at + 64, 22, 8],
  [at + 73, '\n \r\n'],
];

const EMBEDDED = DESCRIPTOR(['RW 4096 SPARSE "disk.vmdk"'], 'monolithicSparse');

const vmdkSparse = (): Uint8Array => build(24 * 512, 'little', [...vmdkHeader(0, 4096, 21n), [512, EMBEDDED]]);

const vmdkStream = (): Uint8Array =>
  build(27 * 512, 'little', [
    ...vmdkHeader(0, 0x1000, 0xffff_ffff_ffff_ffffn),
    [512, EMBEDDED.replace('monolithicSparse', 'streamOptimized')],
    [24 * 512 + 12, 3],
    ...vmdkHeader(25 * 512, 4096, 21n),
    [77, 1, 2],
    [25 * 512 + 77, 1, 2],
  ]);

const vmdkEsx = (): Uint8Array =>
  build(4096, 'little', [
    [0, 'COWD'],
    [4, 1],
    [8, 3],
    [12, 2048],
    [16, 1],
    [20, 4],
    [24, 1],
    [512, EMBEDDED],
  ]);

const parallels = (magic: string, sectors: bigint): Uint8Array =>
  build(4096, 'little', [
    [0, magic],
    [16, 2],
    [20, 16],
    [24, 4],
    [28, 64],
    [32, 32],
    [36, sectors, 8],
    [48, 8],
  ]);

const luks = (): Uint8Array =>
  build(2048 * 512 + 65536, 'big', [
    [0, 'LUKS\xba\xbe'],
    [6, 1, 2],
    [8, 'aes'],
    [40, 'cbc-essiv:sha256'],
    [72, 'sha1'],
    [104, 2048],
    [108, 16],
    [164, 1000],
    ...Array.from({ length: 8 }, (_, i): Part[] => [
      [208 + i * 48, i === 0 ? 0x00ac71f3 : 0x0000dead],
      [212 + i * 48, i === 0 ? 1000 : 0],
      [248 + i * 48, 8 + i * 128],
      [252 + i * 48, 4000],
    ]).flat(),
  ]);

const bochs = (version: number): Uint8Array =>
  build(8192, 'little', [
    [0, 'Bochs Virtual HD Image'],
    [32, 'Redolog'],
    [48, 'Growing'],
    [64, version],
    [68, 512],
    [72, 512],
    [76, 1],
    [80, 4096],
    version === 0x10000 ? [84, 512 * 4096, 8] : [88, 512 * 4096, 8],
    [512, new Uint8Array(2048).fill(0xff)],
  ]);

const cloop = (): Uint8Array =>
  build(1024, 'big', [
    [0, '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n'],
    [128, 65536],
    [132, 3],
    [136, 168, 8],
    [144, 200, 8],
    [152, 210, 8],
    [160, 300, 8],
  ]);

const dmg = (): Uint8Array =>
  build(2048, 'big', [
    [1024, '<plist></plist>'],
    [1536, 'koly'],
    [1540, 4],
    [1544, 512],
    [1536 + 0xd8, 1024, 8],
    [1536 + 0xe0, 15, 8],
    [1536 + 0x1ec, 2048, 8],
  ]);

const dmgFork = (): Uint8Array =>
  build(2048, 'big', [
    [512, 256],
    [516, 300],
    [520, 24],
    [768, 4],
    [776, 12],
    [1536, 'koly'],
    [1536 + 0x28, 512, 8],
    [1536 + 0x30, 512, 8],
    [1536 + 0x1ec, 4096, 8],
  ]);

const sealFirst = (bytes: Uint8Array): void => sealVhd(bytes, 0);
/** All but the name of the extent. */
const description: readonly (readonly [number, number])[] = [
  [0, 113],
  [119, 160],
];

export const images: Readonly<Record<string, SmallImage>> = {
  qcow: { format: 'qcow', size: MIB + 512, telling: [[0, 48]], bytes: qcow },
  qed: { format: 'qed', size: 100 * MIB, telling: [[0, 64]], bytes: qed },
  vdi: {
    format: 'vdi',
    size: 3 * MIB - 512,
    telling: [
      [0x40, 0x54],
      [0x154, 0x1c8],
    ],
    bytes: vdi,
  },
  'vhd, size by geometry': {
    format: 'vpc',
    size: 150 * 4 * 17 * 512,
    telling: [
      [0, 64],
      [512, 548],
      [1536, 1548],
    ],
    seal: sealFirst,
    bytes: () => vhdDynamic('vpc '),
  },
  ...Object.fromEntries(
    ['win ', 'qem2', 'd2v ', 'tap\0'].map((creator) => [
      `vhd, size by ${creator.slice(0, 3)}`,
      { format: 'vpc', size: 5 * MIB, telling: [], bytes: () => vhdDynamic(creator) },
    ]),
  ),
  'vhd, fixed, by geometry': {
    format: 'vpc',
    size: 150 * 4 * 17 * 512,
    telling: [[4096, 4168]],
    seal: (bytes) => sealVhd(bytes, 4096),
    bytes: () => vhdFixed('vs  '),
  },
  'vhd, fixed, by size': { format: 'vpc', size: 5 * MIB, telling: [], bytes: () => vhdFixed('win ') },
  'vhd, fixed, footer of 511 bytes': {
    format: 'vpc',
    size: 5 * MIB,
    telling: [],
    bytes: () => vhdFixed('win ').subarray(0, -1),
  },
  vhdx: {
    format: 'vhdx',
    size: 37 * MIB + 512,
    telling: [
      [128 * KIB, 128 * KIB + 4],
      [128 * KIB + 8, 128 * KIB + 16],
      [128 * KIB + 48, 128 * KIB + 80],
      [192 * KIB + 8, 192 * KIB + 12],
      [192 * KIB + 16, 192 * KIB + 80],
      [VHDX_METADATA, VHDX_METADATA + 32 + 5 * 32],
      [VHDX_METADATA + VHDX_VALUES, VHDX_METADATA + VHDX_VALUES + 16],
      [VHDX_METADATA + VHDX_VALUES + 32, VHDX_METADATA + VHDX_VALUES + 40],
      [VHDX_BAT, VHDX_BAT + 24],
    ],
    seal: sealVhdx,
    bytes: vhdx,
  },
  'vmdk, sparse': {
    format: 'vmdk',
    size: 2 * MIB,
    telling: [
      [0, 80],
      [512, 700],
    ],
    bytes: vmdkSparse,
  },
  'vmdk, streamed': {
    format: 'vmdk',
    size: 2 * MIB,
    telling: [
      [4, 80],
      [24 * 512, 24 * 512 + 16],
      [25 * 512, 25 * 512 + 80],
    ],
    bytes: vmdkStream,
  },
  'vmdk, esx': { format: 'vmdk', size: MIB, telling: [[4, 28]], bytes: vmdkEsx },
  'vmdk, description': {
    format: 'vmdk',
    fileName: 'disk',
    size: 7 * 512,
    telling: description,
    bytes: () =>
      build(400, 'big', [[0, DESCRIPTOR(['RW 7 FLAT "disk" 0', 'RW 9 ZERO', 'RDONLY 5 FLAT "disk" 0'], 'vmfs')]]),
  },
  parallels: {
    format: 'parallels',
    size: 2048 * 512,
    telling: [[16, 56]],
    bytes: () => parallels('WithoutFreeSpace', (7n << 32n) + 2048n),
  },
  'parallels, extended': {
    format: 'parallels',
    size: 2048 * 512,
    telling: [[16, 56]],
    bytes: () => parallels('WithouFreSpacExt', 2048n),
  },
  luks: {
    format: 'luks',
    size: 65536,
    telling: [
      [0, 112],
      [164, 168],
      [208, 304],
    ],
    bytes: luks,
  },
  'bochs, version 1': { format: 'bochs', size: 2 * MIB, telling: [[64, 96]], bytes: () => bochs(0x10000) },
  'bochs, version 2': { format: 'bochs', size: 2 * MIB, telling: [[0, 96]], bytes: () => bochs(0x20000) },
  cloop: { format: 'cloop', size: 3 * 65536, telling: [[128, 168]], bytes: cloop },
  dmg: {
    format: 'dmg',
    fileName: 'disk.dmg',
    size: 2048 * 512,
    telling: [
      [1536, 1592],
      [1752, 1768],
      [2028, 2036],
    ],
    bytes: dmg,
  },
  'dmg, resource fork': {
    format: 'dmg',
    fileName: 'disk.dmg',
    size: 4096 * 512,
    telling: [
      [512, 524],
      [768, 784],
      [1576, 1592],
    ],
    bytes: dmgFork,
  },
};
