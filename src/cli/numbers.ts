/** Numbers as C prints them, for texts that are qemu-img's. */

/** `%.3g`: three significant digits, no trailing zeros. */
function threeDigits(value: number): string {
  const text = value.toPrecision(3);
  const [mantissa = '', exponent] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  if (exponent === undefined) return short;
  return `${short}e${exponent.charAt(0)}${exponent.slice(1).padStart(2, '0')}`;
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

/** `%.2f`: a value exactly between two goes to the even one, where `toFixed` takes the larger. */
export function twoDecimals(value: number): string {
  const between = value * 8;
  return (between % 4 === 1 ? value - 0.005 : value).toFixed(2);
}
