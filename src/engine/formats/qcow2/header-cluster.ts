/** Cluster 0 of a new image: header, extensions in fixed order, end marker, backing file name. */
import { log2, roundUp } from '../../bytes/math.ts';
import { encodeUtf8 } from '../../bytes/text.ts';
import { Autoclear, Compatible, featureNameTable, Incompatible } from './features.ts';
import { ExtensionType, extensionHead, headerV2, headerV3, QCOW2_MAGIC } from './header.ts';
import { hasFeatureTable } from './header-size.ts';
import type { Qcow2Layout } from './layout.ts';
import type { Parameters } from './parameters.ts';

function incompatibleFeatures({ dataFile, compressionType, extendedL2 }: Parameters): bigint {
  let bits = 0n;
  if (dataFile !== undefined) bits |= Incompatible.externalDataFile;
  if (compressionType !== 'zlib') bits |= Incompatible.compressionType;
  if (extendedL2) bits |= Incompatible.extendedL2;
  return bits;
}

/** Extensions in the order of create-layout.md §1 and qcow2-format.md §3. */
function extensionsOf(parameters: Parameters): readonly (readonly [type: number, data: Uint8Array])[] {
  const { backingFormat, dataFile, compat, geometry } = parameters;
  const extensions: (readonly [number, Uint8Array])[] = [];
  if (backingFormat !== undefined) extensions.push([ExtensionType.backingFormat, encodeUtf8(backingFormat)]);
  if (dataFile !== undefined) extensions.push([ExtensionType.dataFile, encodeUtf8(dataFile)]);
  if (hasFeatureTable(compat, geometry.clusterSize)) {
    extensions.push([ExtensionType.featureNames, featureNameTable()]);
  }
  return extensions;
}

function writeHeader(layout: Qcow2Layout, backing: { at: number; length: number }, into: Uint8Array): void {
  const { parameters, geometry, l1, table } = layout;
  const { clusterSize, clusterBits, l1Entries, refcountBits } = geometry;
  const common = {
    magic: QCOW2_MAGIC,
    backingFileOffset: backing.at,
    backingFileSize: backing.length,
    clusterBits,
    size: BigInt(parameters.guestSize),
    cryptMethod: 0,
    l1Size: l1Entries,
    l1TableOffset: (l1 ?? 0) * clusterSize,
    refcountTableOffset: table.first * clusterSize,
    refcountTableClusters: table.count,
    nbSnapshots: 0,
    snapshotsOffset: 0,
  };
  if (parameters.compat === '0.10') {
    headerV2.write({ ...common, version: 2 }, into);
    return;
  }
  headerV3.write(
    {
      ...common,
      version: 3,
      incompatibleFeatures: incompatibleFeatures(parameters),
      compatibleFeatures: parameters.lazyRefcounts ? Compatible.lazyRefcounts : 0n,
      autoclearFeatures: parameters.dataFileRaw ? Autoclear.rawExternalData : 0n,
      refcountOrder: log2(refcountBits),
      headerLength: headerV3.size,
      compressionType: parameters.compressionType === 'zstd' ? 1 : 0,
      padding: new Uint8Array(7),
    },
    into,
  );
}

/** All of cluster 0, padded with zeros. That everything fits was a rule of the options. */
export function headerCluster(layout: Qcow2Layout): Uint8Array {
  const { parameters, geometry } = layout;
  const cluster = new Uint8Array(geometry.clusterSize);
  let at = parameters.compat === '0.10' ? headerV2.size : headerV3.size;
  for (const [type, data] of extensionsOf(parameters)) {
    extensionHead.write({ type, length: data.length }, cluster, at);
    cluster.set(data, at + extensionHead.size);
    at += extensionHead.size + roundUp(data.length, 8);
  }
  at += extensionHead.size;
  const name = encodeUtf8(parameters.backingFile ?? '');
  cluster.set(name, at);
  writeHeader(layout, name.length > 0 ? { at, length: name.length } : { at: 0, length: 0 }, cluster);
  return cluster;
}
