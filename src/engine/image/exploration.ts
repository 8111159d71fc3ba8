/**
 * Looking into an image file: what each of its clusters is for, what its bytes are called, what leads where. Loaded
 * apart from the driver: only who looks inside needs it.
 */
import type { ReadableDevice } from '../device/device.ts';
import type { ClusterKinds } from './cluster-kinds.ts';
import type { NamedField } from './named-fields.ts';
import type { CheckProgress } from './report.ts';

export interface ClusterOwner {
  /** What the cluster is for, one or two sentences. */
  readonly text: string;
  /** The first of the guest's bytes that it belongs to. */
  readonly guest?: number;
  /** Where the entry that leads here stands in the file. */
  readonly entry?: number;
}

/** A part of the file that one may want to go to. */
export interface Landmark {
  readonly name: string;
  readonly at: number;
}

export interface Exploration {
  readonly clusterSize: number;
  /** Clusters of the file; complete when `steps` has ended. */
  readonly kinds: ClusterKinds;
  /** Clusters of the guest's disk; `free` is what the image does not hold. */
  readonly guest: ClusterKinds;
  /** What could not be read, in words. */
  readonly notes: readonly string[];
  readonly landmarks: readonly Landmark[];
  /** Reads every table once. */
  readonly steps: Generator<CheckProgress, void>;
  /** What a cluster of the file is for; a search through tables, in steps. */
  ownerOf(device: ReadableDevice, cluster: number): Generator<void, ClusterOwner>;
  /** The count that the file stores for a cluster. */
  countOf(device: ReadableDevice, cluster: number): number;
  /** Where the entries for a guest address stand in the file, the most telling last. */
  entriesFor(device: ReadableDevice, guest: number): readonly number[];
  /** Fields that touch [at, at + length) of the file, in order. */
  fieldsIn(device: ReadableDevice, at: number, length: number): NamedField[];
}

export interface FormatExplorer {
  /** Throws where not even the header leads anywhere. */
  explore(device: ReadableDevice): Exploration;
  /** The header's fields alone, of a file however damaged. */
  headerFields(device: ReadableDevice): readonly NamedField[];
}
