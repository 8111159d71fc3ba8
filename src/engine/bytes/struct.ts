/**
 * Structs on disk, declared once in disk order: from the declaration come type, size, offsets, read and
 * write.
 *
 *   const footer = struct('VHD footer', 'big', { cookie: ascii(8), features: u32, dataOffset: u64, … });
 *   footer.size; footer.offsets.features; footer.read(bytes).dataOffset; footer.write(values, into, at);
 *
 * For headers, which are read once. Table entries are words and never become objects (see `u64.ts`).
 */
import { assert, DiskwrightError } from '../errors.ts';
import { getBigU64, putU64 } from './u64.ts';

export type ByteOrder = 'big' | 'little';

/** How one field looks on disk. `where` names it for an error. */
export interface Field<Value> {
  readonly bytes: number;
  get(view: DataView, at: number, little: boolean, where: () => string): Value;
  put(view: DataView, at: number, value: Value, little: boolean): void;
}

const unsigned = (bits: 8 | 16 | 32): Field<number> => ({
  bytes: bits / 8,
  get: (view, at, little) => view[`getUint${bits}`](at, little),
  put(view, at, value, little) {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** bits, `${value} does not fit ${bits} bits`);
    view[`setUint${bits}`](at, value, little);
  },
});

export const u8 = unsigned(8);
export const u16 = unsigned(16);
export const u32 = unsigned(32);

/** 64 bits as a number: what a double cannot hold exactly is refused while reading. */
export const u64: Field<number> = {
  bytes: 8,
  get(view, at, little, where) {
    const value = getBigU64(view, at, little);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw new DiskwrightError(
      'unsupported',
      `${where()} is 0x${value.toString(16)}: only values below 2^53 work here.`,
    );
  },
  put(view, at, value, little) {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 64, `${value} does not fit 64 bits`);
    if (!little) putU64(view, at, value);
    else {
      const upper = Math.floor(value / 2 ** 32);
      view.setUint32(at, value - upper * 2 ** 32, true);
      view.setUint32(at + 4, upper, true);
    }
  },
};

/** 64 bits without loss: feature bits, and values whose range the reader checks in its own words. */
export const bigU64: Field<bigint> = {
  bytes: 8,
  get: (view, at, little) => getBigU64(view, at, little),
  put(view, at, value, little) {
    assert(value >= 0n && value >> 64n === 0n, `${value} does not fit 64 bits`);
    view.setBigUint64(at, value, little);
  },
};

/** A copy of so many bytes. */
export const bytes = (length: number): Field<Uint8Array> => ({
  bytes: length,
  get: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, length).slice(),
  put(view, at, value) {
    assert(value.length === length, `${value.length} bytes for a field of ${length}`);
    new Uint8Array(view.buffer, view.byteOffset + at, length).set(value);
  },
});

/** Text of one byte per character that ends at the first NUL or fills the field. */
export const ascii = (length: number): Field<string> => ({
  bytes: length,
  get(view, at) {
    let text = '';
    for (let i = 0; i < length; i++) {
      const code = view.getUint8(at + i);
      if (code === 0) break;
      text += String.fromCharCode(code);
    }
    return text;
  },
  put(view, at, value) {
    assert(value.length <= length, `"${value}" does not fit ${length} bytes`);
    for (let i = 0; i < length; i++) {
      const code = i < value.length ? value.charCodeAt(i) : 0;
      assert(code < 256, `"${value}" is not one byte per character`);
      view.setUint8(at + i, code);
    }
  },
});

/** Bytes without meaning: not read, written as zeros. */
export const reserved = (length: number): Field<undefined> => ({
  bytes: length,
  get: () => undefined,
  put: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, length).fill(0),
});

type AnyField = Field<number> | Field<bigint> | Field<string> | Field<Uint8Array> | Field<undefined>;
type ValueOf<F> = F extends Field<infer Value> ? Value : never;
type Named<F> = { [Name in keyof F as F[Name] extends Field<undefined> ? never : Name]: F[Name] };

export type StructValues<F> = { readonly [Name in keyof Named<F>]: ValueOf<Named<F>[Name]> };

export interface Struct<F extends Readonly<Record<string, AnyField>>> {
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Byte offset of each field. */
  readonly offsets: { readonly [Name in keyof F]: number };
  /** All fields; `from` must reach to the end of the struct. */
  read(from: Uint8Array, at?: number): StructValues<F>;
  /** One field, when the others may be anything or missing (a magic). */
  get<Name extends keyof F & string>(name: Name, from: Uint8Array, at?: number): ValueOf<F[Name]>;
  write(values: StructValues<F>, into: Uint8Array, at?: number): void;
}

/** What `read` of this struct gives: `type Footer = Values<typeof footer>`. */
export type Values<S> = S extends Struct<infer F> ? StructValues<F> : never;

export function struct<const F extends Readonly<Record<string, AnyField>>>(
  name: string,
  order: ByteOrder,
  fields: F,
): Struct<F> {
  const little = order === 'little';
  const offsets: Record<string, number> = {};
  let size = 0;
  for (const [field, { bytes: length }] of Object.entries(fields)) {
    offsets[field] = size;
    size += length;
  }
  const viewOf = (from: Uint8Array, at: number, length: number): DataView => {
    assert(at >= 0 && at + length <= from.length, `${name}: ${from.length} bytes do not reach ${at + length}`);
    return new DataView(from.buffer, from.byteOffset + at, length);
  };
  const getFrom = (view: DataView, field: string): unknown => {
    const at = offsets[field] ?? 0;
    return fields[field]?.get(view, at, little, () => `${name}, byte ${at}: ${field}`);
  };
  return {
    name,
    size,
    offsets: offsets as { [Name in keyof F]: number },
    read(from, at = 0) {
      const view = viewOf(from, at, size);
      const values: Record<string, unknown> = {};
      for (const field of Object.keys(fields)) {
        const value = getFrom(view, field);
        if (value !== undefined) values[field] = value;
      }
      return values as StructValues<F>;
    },
    get(field, from, at = 0) {
      const end = (offsets[field] ?? 0) + (fields[field]?.bytes ?? 0);
      return getFrom(viewOf(from, at, end), field) as ValueOf<F[typeof field]>;
    },
    write(values, into, at = 0) {
      const view = viewOf(into, at, size);
      for (const [field, format] of Object.entries(fields)) {
        const value = (values as Record<string, unknown>)[field];
        (format as Field<unknown>).put(view, offsets[field] ?? 0, value, little);
      }
    },
  };
}
