/** Cluster 0 of a new image: what the layout says, through the one writer of cluster 0. */
import { encodeUtf8 } from '../../bytes/text.ts';
import { CryptMethod } from './encryption/disk-cipher.ts';
import { Autoclear, Compatible, Incompatible } from './features.ts';
import type { Qcow2Layout } from './layout.ts';
import type { Parameters } from './parameters.ts';
import { encodeHeaderCluster } from './rewrite-header.ts';

function incompatibleFeatures({ dataFile, compressionType, extendedL2 }: Parameters): bigint {
  let bits = 0n;
  if (dataFile !== undefined) bits |= Incompatible.externalDataFile;
  if (compressionType !== 'zlib') bits |= Incompatible.compressionType;
  if (extendedL2) bits |= Incompatible.extendedL2;
  return bits;
}

const textBytes = (text: string | undefined): Uint8Array | undefined =>
  text === undefined || text === '' ? undefined : encodeUtf8(text);

/** All of cluster 0, padded with zeros. That everything fits was a rule of the options. */
export function headerCluster({ parameters, geometry, l1, luks, table }: Qcow2Layout): Uint8Array {
  const { clusterSize, clusterBits, l1Entries, refcountBits } = geometry;
  const { encryption } = parameters;
  return encodeHeaderCluster(
    {
      version: parameters.compat === '0.10' ? 2 : 3,
      clusterBits,
      virtualSize: parameters.guestSize,
      cryptMethod: CryptMethod[encryption?.kind ?? 'none'],
      l1: { offset: (l1 ?? 0) * clusterSize, entries: l1Entries },
      refcountTable: { offset: table.first * clusterSize, clusters: table.count },
      snapshots: { offset: 0, count: 0 },
      incompatible: incompatibleFeatures(parameters),
      compatible: parameters.lazyRefcounts ? Compatible.lazyRefcounts : 0n,
      autoclear: parameters.dataFileRaw ? Autoclear.rawExternalData : 0n,
      refcountBits,
      compressionType: parameters.compressionType,
    },
    {
      backingName: textBytes(parameters.backingFile),
      backingFormat: parameters.backingFormat === undefined ? undefined : encodeUtf8(parameters.backingFormat),
      dataFileName: parameters.dataFile === undefined ? undefined : encodeUtf8(parameters.dataFile),
      crypto: luks && { offset: luks.first * clusterSize, length: encryption?.headerBytes ?? 0 },
      unknownExtensions: [],
      unknownFields: new Uint8Array(0),
    },
  );
}
