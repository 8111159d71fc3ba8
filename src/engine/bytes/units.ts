/** Sizes for people: binary units, 3 to 4 significant digits, value and unit apart. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

export interface Measure {
  readonly value: string;
  readonly unit: string;
}

/** `196768` → `{ value: '192.2', unit: 'KiB' }`; whole numbers stay whole. */
export function measureBytes(bytes: number | bigint): Measure {
  let scaled = Number(bytes);
  let power = 0;
  while (scaled >= 1024 && power < UNITS.length - 1) {
    scaled /= 1024;
    power++;
  }
  const places = scaled >= 1000 ? 0 : scaled >= 100 ? 1 : 2;
  let value = scaled.toFixed(places);
  if (value.includes('.')) value = value.replace(/\.?0+$/, '');
  if (value === '1024' && power < UNITS.length - 1) return { value: '1', unit: UNITS[power + 1] ?? '' };
  return { value, unit: power === 0 && bytes === 1 ? 'byte' : (UNITS[power] ?? '') };
}

export function formatBytes(bytes: number | bigint): string {
  const { value, unit } = measureBytes(bytes);
  return `${value} ${unit}`;
}

/** `34359738368` → `34,359,738,368`. */
export function groupDigits(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
