/** What an image says about itself, in the names of `qemu-img info --output=json`. */
import type { Facts, ImageDescription, SnapshotFacts } from '../engine/image/description.ts';

const SECOND = 1_000_000_000n;

const snapshotFacts = (one: SnapshotFacts): Facts => ({
  ...(one.icount === undefined ? {} : { icount: one.icount }),
  'vm-clock-nsec': one.clock % SECOND,
  name: one.name,
  'date-sec': one.seconds,
  'date-nsec': one.nanoseconds,
  'vm-clock-sec': one.clock / SECOND,
  id: one.id,
  'vm-state-size': one.vmStateSize,
});

export interface DescribedFile {
  readonly name: string;
  readonly format: string;
  readonly description: ImageDescription;
  /** Bytes that the file takes on the disk; absent: the host does not tell. */
  readonly diskSize?: number;
  /** The backing file's name as it is opened from here. */
  readonly fullBackingName?: string;
}

export function infoFacts({ name, format, description, diskSize, fullBackingName }: DescribedFile): Facts {
  const { backing, snapshots = [], specific, clusterSize, encrypted, dirty = false, virtualSize } = description;
  return {
    ...(snapshots.length > 0 ? { snapshots: snapshots.map(snapshotFacts) } : {}),
    'virtual-size': virtualSize,
    filename: name,
    ...(clusterSize === undefined ? {} : { 'cluster-size': clusterSize }),
    format,
    ...(diskSize === undefined ? {} : { 'actual-size': diskSize }),
    ...(specific ? { 'format-specific': { type: specific.type, data: specific.data } } : {}),
    ...(backing ? { 'backing-filename': backing.name } : {}),
    ...(backing && fullBackingName !== undefined ? { 'full-backing-filename': fullBackingName } : {}),
    ...(backing?.format === undefined ? {} : { 'backing-filename-format': backing.format }),
    ...(encrypted ? { encrypted } : {}),
    'dirty-flag': dirty,
  };
}
