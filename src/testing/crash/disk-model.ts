/**
 * What a disk may hold after a crash. Every sector is filled with one 32-bit number that tells which operation wrote it
 * and where; 0 is zeros. A sector holds what was there at the last flush, or anything written since.
 */
const SECTOR = 512;
const WORDS = SECTOR / 4;

export interface SavedDisk {
  readonly name: string;
  readonly values: Int32Array;
}

export class DiskModel {
  /** What the guest sees now, one number a sector. */
  values: Int32Array;
  /** What a crash may bring back, sector → numbers beside the current one. */
  readonly #older = new Map<number, Set<number>>();
  /** Lengths in sectors that the disk may have beside the current one. */
  readonly #olderLengths = new Set<number>();
  snapshots: SavedDisk[] = [];
  /** Lists that a crash may bring back, beside the current one. */
  #olderLists: SavedDisk[][] = [];

  constructor(values: Int32Array) {
    this.values = values;
  }

  get sectors(): number {
    return this.values.length;
  }

  /** `value`: the number of each sector. */
  put(first: number, count: number, value: (sector: number) => number): void {
    for (let sector = first; sector < first + count; sector++) {
      this.#remember(sector, this.values[sector] ?? 0);
      this.values[sector] = value(sector);
    }
  }

  /** `also`: what a sector may show while the disk is shortened. */
  resize(sectors: number, also: (sector: number) => readonly number[]): void {
    const before = this.values;
    for (let sector = Math.min(sectors, before.length); sector < Math.max(sectors, before.length); sector++) {
      this.#remember(sector, before[sector] ?? 0);
      for (const value of also(sector)) this.#remember(sector, value);
    }
    this.#olderLengths.add(before.length);
    this.values = new Int32Array(sectors);
    this.values.set(before.subarray(0, sectors));
  }

  takeSnapshot(name: string): void {
    this.#olderLists.push(this.snapshots);
    this.snapshots = [...this.snapshots, { name, values: this.values.slice() }];
  }

  dropSnapshot(index: number): void {
    this.#olderLists.push(this.snapshots);
    this.snapshots = this.snapshots.filter((_, i) => i !== index);
  }

  /** `also`: as for `resize`; the disk gets the snapshot's length first. */
  applySnapshot(index: number, also: (sector: number) => readonly number[]): void {
    const saved = this.snapshots[index];
    if (!saved) throw new Error(`there is no snapshot ${index}`);
    this.resize(saved.values.length, also);
    this.put(0, saved.values.length, (sector) => saved.values[sector] ?? 0);
  }

  /** Everything up to here is on the medium. */
  flushed(): void {
    this.#older.clear();
    this.#olderLengths.clear();
    this.#olderLists = [];
  }

  /** What is wrong with a disk read after a crash; undefined if nothing is. */
  fault(disk: Int32Array): string | undefined {
    const sectors = disk.length / WORDS;
    if (sectors !== this.values.length && !this.#olderLengths.has(sectors)) {
      return `the disk has ${sectors} sectors, expected ${this.values.length}`;
    }
    for (let sector = 0; sector < sectors; sector++) {
      const value = disk[sector * WORDS] as number;
      for (let i = sector * WORDS + 1; i < (sector + 1) * WORDS; i++) {
        if (disk[i] !== value) return `sector ${sector} is neither old nor new but mixed`;
      }
      if (value === (this.values[sector] ?? 0)) continue;
      if (this.#older.get(sector)?.has(value)) continue;
      const older = [...(this.#older.get(sector) ?? [])].map(valueText);
      const expected = [valueText(this.values[sector] ?? 0), ...older].join(' or ');
      return `sector ${sector} holds ${valueText(value)}, expected ${expected}`;
    }
    return undefined;
  }

  /** The snapshots that an image lists after a crash, with what they must hold; undefined: no such list was ever. */
  listNamed(names: readonly string[]): readonly SavedDisk[] | undefined {
    const same = (list: readonly SavedDisk[]): boolean =>
      list.length === names.length && list.every((one, i) => one.name === names[i]);
    return [this.snapshots, ...this.#olderLists].find(same);
  }

  #remember(sector: number, value: number): void {
    const known = this.#older.get(sector);
    if (known) known.add(value);
    else this.#older.set(sector, new Set([value]));
  }
}

/** The first sector of a disk that is not what was saved, −1 if none. */
export function savedDifference(disk: Int32Array, saved: SavedDisk): number {
  if (disk.length !== saved.values.length * WORDS) return Math.min(disk.length / WORDS, saved.values.length);
  for (let i = 0; i < disk.length; i++)
    if (disk[i] !== saved.values[Math.floor(i / WORDS)]) return Math.floor(i / WORDS);
  return -1;
}

/** Numbers that operation `step` writes. */
export const stepValue = (step: number, sector: number): number => step * 8192 + (sector % 8192);
/** Numbers of the backing image. */
export const backingValue = (sector: number): number => 0x7000_0000 + sector;

function valueText(value: number): string {
  if (value === 0) return 'zeros';
  if (value >= 0x7000_0000) return `backing sector ${value - 0x7000_0000}`;
  return `sector ${value % 8192} of step ${Math.floor(value / 8192)}`;
}

/** The bytes of sectors: one number each. */
export function sectorBytes(count: number, value: (index: number) => number): Uint8Array {
  const words = new Int32Array(count * WORDS);
  for (let i = 0; i < count; i++) words.fill(value(i), i * WORDS, (i + 1) * WORDS);
  return new Uint8Array(words.buffer);
}
