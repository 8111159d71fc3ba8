/**
 * Sizes as people and qemu-img write them. Two readers, because two places disagree about `MB`:
 * `parseQemuSize` for command lines, recipes and option lists (contract: options.md, "Size strings"),
 * `parseTypedSize` for the form. Both lead to the spelling `printQemuSize` gives.
 */

const SUFFIXES = 'bkmgtpe';
const MAX_U64 = (1n << 64n) - 1n;

export type SizeReading =
  | { readonly ok: true; readonly bytes: bigint; readonly warning?: string }
  | { readonly ok: false; readonly reason: 'syntax' | 'range' };

const SYNTAX = { ok: false, reason: 'syntax' } as const;
const RANGE = { ok: false, reason: 'range' } as const;

function multiplier(suffix: string): bigint {
  return 1n << BigInt(10 * Math.max(0, SUFFIXES.indexOf(suffix.toLowerCase())));
}

/**
 * fraction · unit, rounded half up. qemu-img reads the fraction as a double and cuts it to 64 bits after
 * the point, so a run of nines long enough to round to 1 counts as nothing: kept, bytes must agree.
 */
function scaledFraction(digits: string, unit: bigint): bigint {
  const fixed = BigInt(Math.trunc(Number(`0.${digits}0`) * 2 ** 64)) & MAX_U64;
  return (fixed * unit + (1n << 63n)) >> 64n;
}

/** Reads a size in qemu-img's grammar. */
export function parseQemuSize(text: string): SizeReading {
  const hex = /^[ \t\n\v\f\r]*\+?0x([0-9a-f]+)([bkmgtpe]?)$/i.exec(text);
  if (hex) {
    // `b` and `e` are hex digits, so a suffix can only be one of the others.
    const [, digits = '', suffix = ''] = hex;
    const bytes = BigInt(`0x${digits}`) * multiplier(suffix);
    if (bytes > MAX_U64) return RANGE;
    if (!suffix) return { ok: true, bytes };
    return { ok: true, bytes, warning: `A unit letter after a hexadecimal number is deprecated: ${text.trim()}` };
  }
  const decimal = /^[ \t\n\v\f\r]*\+?([0-9]+)(?:\.([0-9]*))?([bkmgtpe]?)$/i.exec(text);
  if (!decimal) return SYNTAX;
  const [, whole = '0', fraction = '', suffix = ''] = decimal;
  const unit = multiplier(suffix);
  if (/[1-9]/.test(fraction) && unit === 1n) return SYNTAX;
  const bytes = BigInt(whole) * unit + scaledFraction(fraction, unit);
  return bytes > MAX_U64 ? RANGE : { ok: true, bytes };
}

const DECIMAL_UNITS: Readonly<Record<string, bigint>> = {
  kb: 10n ** 3n,
  mb: 10n ** 6n,
  gb: 10n ** 9n,
  tb: 10n ** 12n,
  pb: 10n ** 15n,
  eb: 10n ** 18n,
};

/**
 * Reads a size as typed into the form: `32G`, `32 GiB`, `32 GB` (decimal), `1.5 TiB`, `34,359,738,368`,
 * `512 bytes`.
 */
export function parseTypedSize(text: string): SizeReading {
  const compact = text.trim().replace(/(?<=\d)[,_\u00a0\u202f ](?=\d{3}(?!\d))/g, '');
  const parts = /^(\d+)(?:\.(\d*))?\s*([a-z]*)$/i.exec(compact);
  if (!parts) return parseQemuSize(text.trim());
  const [, whole = '0', fraction = '', word = ''] = parts;
  const unitWord = word.toLowerCase();
  let unit: bigint | undefined;
  if (/^(|b|bytes?)$/.test(unitWord)) unit = 1n;
  else if (/^[kmgtpe](ib)?$/.test(unitWord)) unit = multiplier(unitWord.charAt(0));
  else unit = DECIMAL_UNITS[unitWord];
  if (unit === undefined) return SYNTAX;
  if (unit === 1n && /[1-9]/.test(fraction)) return SYNTAX;
  const bytes = BigInt(whole) * unit + scaledFraction(fraction, unit);
  return bytes > MAX_U64 ? RANGE : { ok: true, bytes };
}

/** Shortest exact spelling that qemu-img reads back as the same number: `32G`, `1536M`, `513`. */
export function printQemuSize(bytes: bigint): string {
  if (bytes === 0n) return '0';
  for (let power = SUFFIXES.length - 1; power > 0; power--) {
    const unit = 1n << BigInt(10 * power);
    if (bytes % unit === 0n) return `${bytes / unit}${SUFFIXES.charAt(power).toUpperCase()}`;
  }
  return bytes.toString();
}

/**
 * Reads qemu-img's whole numbers (`refcount_bits`): decimal, 0x hex or 0 octal. A minus sign wraps around
 * 2^64, as it does there.
 */
export function parseQemuNumber(text: string): bigint | undefined {
  const [, sign, digits] = /^[ \t\n\v\f\r]*([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value > MAX_U64) return undefined;
  return sign === '-' ? BigInt.asUintN(64, -value) : value;
}
