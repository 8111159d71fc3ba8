/**
 * A qcow2 image open for writing: its header, tables, caches and allocator, and the order in which they reach the
 * disk. Reading, writing, snapshots, bitmaps, resizing and amending all work on this one object.
 *
 * Rules of order (contract: operations.md, Crash and ordering rules): data and copies before the L2 entry, counts
 * before what they count is used, a table before the pointer to it; what is freed is unlinked first.
 */
import { putU64 } from '../../bytes/u64.ts';
import type { WritableDevice } from '../../device/device.ts';
import { FlushOnce } from '../../device/flush-once.ts';
import { assert, DiskwrightError } from '../../errors.ts';
import type { Chain } from '../../image/access.ts';
import type { OpenSettings, Steps, WritableDevices } from '../../image/writable.ts';
import type { ImageBitmaps } from './bitmaps/bitmap-control.ts';
import { type DiskCipher, diskCipherOf } from './encryption/disk-cipher.ts';
import type { Extension } from './extensions.ts';
import { Incompatible } from './features.ts';
import { headerV3 } from './header.ts';
import type { ImageHeader } from './image-header.ts';
import { Locator } from './locate.ts';
import { openHeader } from './open-header.ts';
import { Allocator } from './refcounts/allocator.ts';
import { FreedSpace } from './refcounts/freed-space.ts';
import { Refcounts, readBlockOffsets } from './refcounts/refcounts.ts';
import { TableMaker } from './refcounts/table-growth.ts';
import { encodeHeaderCluster, type HeaderContents, readHeaderContents } from './rewrite-header.ts';
import { type RuntimeOptions, readRuntimeOptions } from './runtime-options.ts';
import { readSnapshots, type Snapshot } from './snapshots.ts';
import { L1Table, readL1 } from './tables/l1-table.ts';
import { type Metadata, MetadataMap } from './tables/metadata-map.ts';
import { TableCache, type TableWriter } from './tables/table-cache.ts';

const { offsets } = headerV3;

export class ImageState {
  #header: ImageHeader;
  /** What cluster 0 holds behind the header fields. */
  contents: HeaderContents;
  readonly image: WritableDevice;
  /** Holds the guest's bytes: the image, or its external data file. */
  readonly guest: WritableDevice;
  readonly external: boolean;
  readonly backing: Chain | undefined;
  /** Undefined: the guest's bytes are stored as they are. */
  readonly cipher: DiskCipher | undefined;
  readonly settings: OpenSettings;
  options: RuntimeOptions;
  readonly l1: L1Table;
  readonly l2Cache: TableCache;
  readonly refcounts: Refcounts;
  readonly allocator: Allocator;
  readonly freed: FreedSpace;
  readonly tables: TableMaker;
  readonly map: MetadataMap;
  readonly locator: Locator;
  /** In the order of the table on the disk. */
  snapshots: readonly Snapshot[];
  /** Bytes of the snapshot table, padding of its last entry left out. */
  snapshotTableBytes: number;
  /** The dirty bitmaps, in an image that was opened to be changed. */
  bitmaps: ImageBitmaps | undefined;
  /** Told of every stretch of the disk that a guest changes. */
  onGuestWrite: ((at: number, length: number) => void) | undefined;
  /** Work of other parts that is due when the image is closed, before the caches are flushed. */
  readonly atClose: (() => void)[] = [];
  /** Opening could not make it sound: the next one tries again. */
  readonly #staysDirty: boolean;
  #repairedIfCut = false;
  /** Why nothing works any more: metadata was found damaged. */
  #broken: string | undefined;

  constructor(
    devices: WritableDevices,
    header: ImageHeader,
    extensions: readonly Extension[],
    settings: OpenSettings = {},
  ) {
    this.#header = header;
    this.#staysDirty = this.countsLag;
    this.settings = settings;
    this.image = new FlushOnce(devices.image);
    this.external = (header.incompatible & Incompatible.externalDataFile) !== 0n;
    assert(!this.external || devices.data !== undefined, 'the data file of an image is open');
    const apart = this.external ? devices.data : devices.clusters;
    this.guest = apart ? new FlushOnce(apart) : this.image;
    this.backing = devices.backing;
    this.cipher = diskCipherOf(header.cryptMethod, settings.cipher);
    this.contents = readHeaderContents(this.image, header, extensions);
    this.options = readRuntimeOptions(settings.texts ?? {}, header, header.virtualSize, settings.unmap);
    const { clusterSize } = header;
    const { l2EntryBytes, l2CacheBytes, refcountCacheBytes, passDiscard, overlapChecks } = this.options;
    const cache = (bytes: number, most: number, own: Metadata): TableCache =>
      new TableCache(this.image, bytes, most, this.#writerOf(own));
    this.l2Cache = cache(l2EntryBytes, l2CacheBytes / l2EntryBytes, 'activeL2');
    const blockCache = cache(clusterSize, refcountCacheBytes / clusterSize, 'refcountBlock');
    const table = header.refcountTable;
    const blocks = readBlockOffsets(this.image, table.offset, table.clusters * clusterSize);
    this.refcounts = new Refcounts(header, this.image, blocks, blockCache, (fact) => this.corrupt(fact));
    this.freed = new FreedSpace(this.image, clusterSize, this.l2Cache, passDiscard);
    this.map = new MetadataMap(clusterSize, this.#stretches(), overlapChecks);
    this.map.setBlocks(blocks);
    this.tables = this.#tableMaker();
    this.allocator = new Allocator({
      clusterSize,
      refcounts: this.refcounts,
      l2Cache: this.l2Cache,
      tables: this.tables,
      freed: this.freed,
      corrupt: (fact) => this.corrupt(fact),
    });
    const snapshots = readSnapshots(this.image, header);
    this.snapshots = snapshots.snapshots;
    this.snapshotTableBytes = snapshots.bytes;
    this.l1 = this.#openL1();
    this.locator = new Locator(this);
  }

  get header(): ImageHeader {
    return this.#header;
  }

  /** The active L1 table, big-endian entries. */
  get l1View(): DataView {
    return this.l1.view;
  }

  get hasBacking(): boolean {
    return this.backing !== undefined;
  }

  /** Refcounts are written late, under the dirty bit. */
  get countsLag(): boolean {
    return (this.#header.incompatible & Incompatible.dirty) !== 0n && !this.#repairedIfCut;
  }

  /**
   * Runs work during which marks and counts cannot agree at every moment, however it is ordered. The dirty bit stands
   * meanwhile, so that after a cut the next writable open repairs the image. Version 2 has no such bit.
   */
  *repairedIfCut<Result>(work: Steps<Result>): Steps<Result> {
    if (this.#header.version < 3 || (this.#header.incompatible & Incompatible.dirty) !== 0n) return yield* work;
    this.flush();
    this.#repairedIfCut = true;
    this.setFeatures({ incompatible: this.#header.incompatible | Incompatible.dirty });
    try {
      return yield* work;
    } finally {
      this.#leaveRepairedIfCut();
    }
  }

  /** The work is done, or undone: where the bit cannot be cleared now it stays, and closing the image tries again. */
  #leaveRepairedIfCut(): void {
    try {
      this.flush();
      this.setFeatures({ incompatible: this.#header.incompatible & ~Incompatible.dirty });
    } catch (error) {
      if (!(error instanceof DiskwrightError)) throw error;
      this.settings.onWarning?.(`the image stays marked as not closed cleanly: ${error.message}`);
    } finally {
      this.#repairedIfCut = false;
    }
  }

  /** Throws once metadata was found damaged: what is in memory cannot be trusted to be written. */
  assertUsable(): void {
    if (this.#broken !== undefined) throw new DiskwrightError('corrupt', this.#broken);
  }

  /** Marks the image corrupt, so that nobody writes to it before it is repaired, and throws. */
  corrupt(fact: string): never {
    this.#broken ??= `qcow2: ${fact}. The image is damaged and was marked as corrupt; nothing more is written to it.`;
    if (this.#header.version === 3 && (this.#header.incompatible & Incompatible.corrupt) === 0n) {
      this.setFeatures({ incompatible: this.#header.incompatible | Incompatible.corrupt });
    }
    throw new DiskwrightError('corrupt', this.#broken, { fix: 'Repair it: check -r all.' });
  }

  /** Refuses a write that would hit metadata other than its `own`. */
  guard(at: number, bytes: number, own?: Metadata): void {
    const hit = this.map.hit(at, bytes, own);
    if (hit !== undefined) this.corrupt(`a write at ${at} would hit ${hit}`);
  }

  /** Before L2 entries point at what was just allocated: counts first, or with lazy refcounts the dirty bit. */
  beforeLinking(): void {
    if (this.options.lazyRefcounts && !this.countsLag && !this.#repairedIfCut) {
      this.setFeatures({ incompatible: this.#header.incompatible | Incompatible.dirty });
    }
    if (!this.countsLag) this.l2Cache.dependsOn(this.refcounts.cache);
    this.l2Cache.dependsOnFlush();
  }

  /** Writes tables and data to the medium. Refcounts may lag behind under the dirty bit. */
  flush(): void {
    this.assertUsable();
    if (this.guest !== this.image) this.guest.flush();
    this.l2Cache.write();
    if (!this.countsLag) this.refcounts.cache.write();
    this.image.flush();
  }

  /** Everything, refcounts included, and the dirty bit goes. */
  settle(): void {
    this.flush();
    this.refcounts.cache.flush();
    if (!this.countsLag || this.#staysDirty) return;
    this.updateHeader({ incompatible: this.#header.incompatible & ~Incompatible.dirty });
  }

  close(): void {
    try {
      for (const work of this.atClose) work();
    } finally {
      this.freed.giveBack();
      this.settle();
    }
  }

  /** Feature bits alone, in one write of 8 bytes each; synced. */
  setFeatures(bits: Partial<Pick<ImageHeader, 'incompatible' | 'autoclear'>>): void {
    const word = new DataView(new ArrayBuffer(8));
    const put = (at: number, value: bigint): void => {
      word.setBigUint64(0, value);
      this.image.write(at, new Uint8Array(word.buffer));
    };
    if (bits.incompatible !== undefined) put(offsets.incompatibleFeatures, bits.incompatible);
    if (bits.autoclear !== undefined) put(offsets.autoclearFeatures, bits.autoclear);
    this.#header = { ...this.#header, ...bits };
    this.image.flush();
  }

  /** Points the header at another L1 table; the L1 table in memory is the caller's business. */
  switchL1(l1: ImageHeader['l1']): void {
    this.#writeFields(offsets.l1Size, l1.entries, l1.offset);
    this.#header = { ...this.#header, l1 };
  }

  /** Both tables begin elsewhere, the refcount table one cluster long: their fields lie side by side. */
  switchTables({ l1, refcountTable }: { readonly l1: number; readonly refcountTable: number }): void {
    const fields = new DataView(new ArrayBuffer(20));
    putU64(fields, 0, l1);
    putU64(fields, 8, refcountTable);
    fields.setUint32(16, 1);
    this.image.write(offsets.l1TableOffset, new Uint8Array(fields.buffer));
    this.image.flush();
    this.#header = {
      ...this.#header,
      l1: { ...this.#header.l1, offset: l1 },
      refcountTable: { offset: refcountTable, clusters: 1 },
    };
  }

  switchSnapshots(snapshots: ImageHeader['snapshots']): void {
    this.#writeFields(offsets.nbSnapshots, snapshots.count, snapshots.offset);
    this.#header = { ...this.#header, snapshots };
  }

  setVirtualSize(virtualSize: number): void {
    const size = new DataView(new ArrayBuffer(8));
    putU64(size, 0, virtualSize);
    this.image.write(offsets.size, new Uint8Array(size.buffer));
    this.#header = { ...this.#header, virtualSize };
    this.image.flush();
  }

  /** Writes all of cluster 0 anew with these fields and contents changed; throws with nothing changed if they do not fit. */
  updateHeader(fields: Partial<ImageHeader>, contents: Partial<HeaderContents> = {}): void {
    const header = { ...this.#header, ...fields };
    const all = { ...this.contents, ...contents };
    const cluster = encodeHeaderCluster(header, all);
    this.image.write(0, cluster);
    this.image.flush();
    this.#header = openHeader(this.image, 'check');
    this.contents = all;
  }

  /** A 32-bit and a 64-bit field that lie side by side change in one write, synced. */
  #writeFields(at: number, first: number, second: number): void {
    const fields = new DataView(new ArrayBuffer(12));
    fields.setUint32(0, first);
    putU64(fields, 4, second);
    this.image.write(at, new Uint8Array(fields.buffer));
    this.image.flush();
  }

  #writerOf(own: Metadata): TableWriter {
    return {
      write: (at, bytes) => {
        this.guard(at, bytes.length, own);
        this.image.write(at, bytes);
      },
      flush: () => {
        if (this.guest !== this.image) this.guest.flush();
        this.image.flush();
      },
    };
  }

  #openL1(): L1Table {
    const { offset, entries } = this.#header.l1;
    const table = new L1Table(
      {
        device: this.image,
        guard: (at, bytes, own) => this.guard(at, bytes, own),
        l2TableAdded: (at) => this.map.addL2(at),
        l2TableRemoved: (at) => this.map.removeL2(at),
      },
      offset,
      readL1(this.image, offset, entries),
    );
    for (let i = 0; i < table.entries; i++) if (table.offsetOf(i) !== 0) this.map.addL2(table.offsetOf(i));
    return table;
  }

  #tableMaker(): TableMaker {
    const { clusterSize } = this.#header;
    const { refcounts } = this;
    return new TableMaker({
      device: this.image,
      geometry: {
        clusterSize,
        get blockRefcounts() {
          return refcounts.perBlock;
        },
        tableEntries: clusterSize / 8,
      },
      refcounts,
      refcountTable: () => this.#header.refcountTable,
      switchRefcountTable: (refcountTable) => {
        const fields = new DataView(new ArrayBuffer(12));
        putU64(fields, 0, refcountTable.offset);
        fields.setUint32(8, refcountTable.clusters);
        this.image.write(offsets.refcountTableOffset, new Uint8Array(fields.buffer));
        this.image.flush();
        this.#header = { ...this.#header, refcountTable };
      },
      guard: (at, bytes, own) => this.guard(at, bytes, own),
      blockAdded: (offset) => this.map.addBlock(offset),
      blocksReplaced: () => this.map.setBlocks(this.refcounts.blocks),
    });
  }

  #stretches(): ConstructorParameters<typeof MetadataMap>[1] {
    return {
      activeL1: () => ({ offset: this.l1.offset, bytes: this.l1.view.byteLength }),
      refcountTable: () => {
        const { offset, clusters } = this.#header.refcountTable;
        return { offset, bytes: clusters * this.#header.clusterSize };
      },
      snapshotTable: () => ({ offset: this.#header.snapshots.offset, bytes: this.snapshotTableBytes }),
      inactiveL1: () => this.snapshots.map(({ l1 }) => ({ offset: l1.offset, bytes: l1.entries * 8 })),
      readInactiveL1: ({ offset, bytes }) => readL1(this.image, offset, bytes / 8),
      bitmapDirectory: () => {
        const place = this.contents.bitmaps;
        return place && { offset: place.offset, bytes: place.bytes };
      },
    };
  }
}
