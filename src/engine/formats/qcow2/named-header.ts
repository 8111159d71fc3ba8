/** The named fields of cluster 0: header, extensions, backing file name. Nothing is validated: damage is to be seen. */
import { roundUp } from '../../bytes/math.ts';
import { cString, decodeUtf8 } from '../../bytes/text.ts';
import { formatBytes } from '../../bytes/units.ts';
import type { ReadableDevice } from '../../device/device.ts';
import type { NamedField } from '../../image/named-fields.ts';
import { readBytes } from '../../image/recognise.ts';
import { ExtensionType } from './header.ts';

const FEATURES: Readonly<Record<number, readonly string[]>> = {
  72: ['dirty', 'corrupt', 'external data file', 'compression type', 'extended L2'],
  80: ['lazy refcounts'],
  88: ['bitmaps', 'raw external data'],
};
const CRYPT: Readonly<Record<number, string>> = { 0: 'none', 1: 'AES (broken, do not use)', 2: 'LUKS' };
const FEATURE_KINDS = ['incompatible', 'compatible', 'autoclear'];
const FEATURE_ROW = 48;
const MOST_EXTENSIONS = 64;

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** Names of the bits that are set. */
function bitsNote(at: number, value: bigint): string | undefined {
  if (value === 0n) return undefined;
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if (((value >> BigInt(bit)) & 1n) === 1n) names.push(`bit ${bit}, ${FEATURES[at]?.[bit] ?? 'not known here'}`);
  }
  return `Set: ${names.join('; ')}.`;
}

const sized = (bytes: bigint): string => (bytes < 2n ** 62n ? formatBytes(bytes) : hex(bytes));

function fixedFields(view: DataView, version: number): NamedField[] {
  const u32 = (at: number): number => view.getUint32(at);
  const u64 = (at: number): bigint => view.getBigUint64(at);
  const field = (at: number, length: number, name: string, value: string, note?: string): NamedField => ({
    at,
    length,
    name,
    value,
    ...(note === undefined ? {} : { note }),
  });
  const place = (at: number, name: string, note: string): NamedField => {
    const value = u64(at);
    const leads = value > 0n && value < 2n ** 53n ? { leads: { space: 'file', at: Number(value) } as const } : {};
    return { ...field(at, 8, name, value === 0n ? '0' : sized(value), note), ...leads };
  };
  const common = [
    field(0, 4, 'magic', u32(0) === 0x514649fb ? '"QFI\\xfb"' : hex(u32(0)), 'What tells qcow2 from any other file.'),
    field(4, 4, 'version', String(version), version === 2 ? 'compat 0.10' : version === 3 ? 'compat 1.1' : undefined),
    place(8, 'backing name at', 'Where the name of the backing file stands; 0: there is none.'),
    field(16, 4, 'backing name length', String(u32(16)), 'Bytes, at most 1023.'),
    field(
      20,
      4,
      'cluster bits',
      String(u32(20)),
      u32(20) < 32 ? `Clusters of ${formatBytes(2 ** u32(20))}.` : undefined,
    ),
    field(24, 8, 'disk size', sized(u64(24)), `${u64(24)} bytes, as the guest sees it.`),
    field(32, 4, 'encryption', CRYPT[u32(32)] ?? String(u32(32))),
    field(36, 4, 'L1 entries', String(u32(36)), 'One for each L2 table.'),
    place(40, 'L1 table at', 'Where the L1 table begins.'),
    place(48, 'refcount table at', 'Where the refcount table begins.'),
    field(56, 4, 'refcount table clusters', String(u32(56))),
    field(60, 4, 'snapshots', String(u32(60))),
    place(64, 'snapshot table at', 'Where the snapshot table begins; 0: there is none.'),
  ];
  if (version < 3) return common;
  const length = u32(100);
  return [
    ...common,
    field(
      72,
      8,
      'incompatible features',
      hex(u64(72)),
      bitsNote(72, u64(72)) ?? 'Who does not know one of these must refuse the image. None is set.',
    ),
    field(80, 8, 'compatible features', hex(u64(80)), bitsNote(80, u64(80)) ?? 'May be ignored. None is set.'),
    field(
      88,
      8,
      'autoclear features',
      hex(u64(88)),
      bitsNote(88, u64(88)) ?? 'Cleared by a writer that does not know them. None is set.',
    ),
    field(96, 4, 'refcount order', String(u32(96)), u32(96) < 7 ? `Refcounts of ${2 ** u32(96)} bits.` : undefined),
    field(100, 4, 'header length', String(length)),
    ...(length > 104
      ? [
          field(
            104,
            1,
            'compression type',
            view.getUint8(104) === 0 ? 'zlib' : view.getUint8(104) === 1 ? 'zstd' : String(view.getUint8(104)),
          ),
        ]
      : []),
  ];
}

function extensionName(type: number): string {
  const names: Readonly<Record<number, string>> = {
    [ExtensionType.backingFormat]: 'backing format',
    [ExtensionType.dataFile]: 'data file name',
    [ExtensionType.crypto]: 'encryption header',
    [ExtensionType.featureNames]: 'feature names',
    [ExtensionType.bitmaps]: 'bitmaps',
    0: 'end of extensions',
  };
  return names[type] ?? `extension ${hex(type)}`;
}

function* featureRows(bytes: Uint8Array, at: number): Generator<NamedField> {
  for (let from = 0; from + FEATURE_ROW <= bytes.length; from += FEATURE_ROW) {
    const kind = FEATURE_KINDS[bytes[from] ?? 0] ?? `kind ${bytes[from]}`;
    yield {
      at: at + from,
      length: FEATURE_ROW,
      name: `name of ${kind} bit ${bytes[from + 1]}`,
      value: cString(bytes.subarray(from + 2, from + FEATURE_ROW)),
    };
  }
}

function* extensionData(type: number, bytes: Uint8Array, at: number): Generator<NamedField> {
  const name = extensionName(type);
  if (type === ExtensionType.featureNames) yield* featureRows(bytes, at);
  else if (type === ExtensionType.backingFormat || type === ExtensionType.dataFile) {
    yield { at, length: bytes.length, name, value: decodeUtf8(bytes) };
  } else if (type === ExtensionType.crypto && bytes.length === 16) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
    const leads = { space: 'file', at: Number(view.getBigUint64(0)) } as const;
    yield { at, length: 8, name: 'LUKS header at', value: sized(view.getBigUint64(0)), leads };
    yield { at: at + 8, length: 8, name: 'LUKS header length', value: sized(view.getBigUint64(8)) };
  } else if (type === ExtensionType.bitmaps && bytes.length === 24) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, 24);
    yield { at, length: 4, name: 'bitmaps', value: String(view.getUint32(0)) };
    yield { at: at + 8, length: 8, name: 'bitmap directory length', value: sized(view.getBigUint64(8)) };
    const leads = { space: 'file', at: Number(view.getBigUint64(16)) } as const;
    yield { at: at + 16, length: 8, name: 'bitmap directory at', value: sized(view.getBigUint64(16)), leads };
  } else if (bytes.length > 0) yield { at, length: bytes.length, name, value: `${bytes.length} bytes` };
}

/** All fields of the header and behind it, in file order. */
export function* headerFields(device: ReadableDevice): Generator<NamedField> {
  const head = readBytes(device, 0, 112);
  const view = new DataView(head.buffer);
  const version = view.getUint32(4);
  yield* fixedFields(view, version);
  const bits = view.getUint32(20);
  const clusterSize = bits >= 9 && bits <= 21 ? 2 ** bits : 65536;
  const nameAt = Number(view.getBigUint64(8));
  const limit = nameAt > 0 && nameAt < clusterSize ? nameAt : clusterSize;
  let at = version === 3 ? roundUp(view.getUint32(100), 8) : 72;
  for (let count = 0; count < MOST_EXTENSIONS && at + 8 <= limit; count++) {
    const extension = new DataView(readBytes(device, at, 8).buffer);
    const type = extension.getUint32(0);
    const length = extension.getUint32(4);
    yield { at, length: 4, name: 'extension', value: extensionName(type), note: `Type ${hex(type)}.` };
    yield { at: at + 4, length: 4, name: 'extension length', value: String(length) };
    if (type === 0 || at + 8 + length > limit) break;
    yield* extensionData(type, readBytes(device, at + 8, length), at + 8);
    at += 8 + roundUp(length, 8);
  }
  const nameLength = Math.min(1023, view.getUint32(16));
  if (nameAt > 0 && nameAt + nameLength <= clusterSize && nameLength > 0) {
    yield {
      at: nameAt,
      length: nameLength,
      name: 'backing file',
      value: decodeUtf8(readBytes(device, nameAt, nameLength)),
    };
  }
}
