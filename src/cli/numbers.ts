/** Numbers as C prints them, for texts that are qemu-img's. */

/**
 * `%.{places}f`: a value exactly between two goes to the even one, where `toFixed` takes the larger. Only odd multiples
 * of 1/2^(places + 1) lie there, and doubles hold those exactly.
 */
export function fixed(value: number, places: number): string {
  const text = value.toFixed(places);
  const between = (value * 2 ** (places + 1)) % 2 === 1;
  return between && Number(text.at(-1)) % 2 === 1 ? (value - 0.5 / 10 ** places).toFixed(places) : text;
}

/** `%.3g` of a value below 1000, and the few above: three significant digits, no trailing zeros. */
function threeDigits(value: number): string {
  if (value >= 999.5) {
    const [mantissa = '', exponent = ''] = value.toExponential(2).split('e+');
    return `${mantissa.replace(/\.?0+$/, '')}e+${exponent.padStart(2, '0')}`;
  }
  const text = fixed(value, value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

const UNITS = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** `1.27 MiB`; from 1000 of a unit on the next one is taken. */
export function humanSize(bytes: number | bigint): string {
  const value = Number(bytes);
  let power = 0;
  while (power < UNITS.length - 1 && value / 1024 ** power >= 1000) power++;
  return `${threeDigits(value / 1024 ** power)} ${UNITS[power]}B`;
}

/** `%#x`. */
export const hex = (value: number): string => (value === 0 ? '0' : `0x${value.toString(16)}`);

/** `%.2f`. */
export const twoDecimals = (value: number): string => fixed(value, 2);
