/**
 * What `qemu-img measure` predicts (create-layout.md §7). It is an estimate, not the layout: the file that
 * `falloc` makes can differ by a few clusters. BigInt because sizes go up to 2^63 and nothing here is hot.
 */
import type { Estimate } from '../../image/format.ts';
import type { OptionTexts, Problem, ValuesOf } from '../../options/declare.ts';
import { acceptedValues } from '../../options/read.ts';
import { encryptionParameters } from './encryption/wish.ts';
import { qcow2Options } from './options.ts';

const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;
const roundUp = (value: bigint, to: bigint): bigint => divideUp(value, to) * to;

/** Refcount blocks and table, in clusters, for so many clusters and themselves. */
function refcountClusters(clusters: bigint, blockRefcounts: bigint, tableEntries: bigint): bigint {
  let blocks = 0n;
  let table = 0n;
  for (let before = -1n; before !== blocks + table; ) {
    before = blocks + table;
    blocks = divideUp(clusters + table + blocks, blockRefcounts);
    table = divideUp(blocks, tableEntries);
  }
  return blocks + table;
}

/** measure looks at these options alone; what else create would refuse does not change the answer. */
const MEASURED = new Set(['size', 'cluster_size', 'extended_l2', 'preallocation', 'refcount_bits', 'compat']);

/** The values that measure goes by; texts that cannot be read are refused wherever they stand. */
function measuredValues(texts: OptionTexts): ValuesOf<typeof qcow2Options.declarations> {
  acceptedValues(qcow2Options, texts, ({ stage, option }) => stage === 'syntax' || option.startsWith('encrypt'));
  const measured = Object.fromEntries(Object.entries(texts).filter(([name]) => MEASURED.has(name)));
  // That extended L2 needs compat 1.1 is create's business.
  const matters = ({ option }: Problem, { clusterSize }: { readonly clusterSize: bigint }): boolean =>
    option !== 'extended_l2' || clusterSize < 16384n;
  return acceptedValues(qcow2Options, measured, matters);
}

export function estimateOf(texts: OptionTexts): Estimate {
  const values = measuredValues(texts);
  const { clusterSize, extendedL2, preallocation } = values;
  const entryBytes = extendedL2 ? 16n : 8n;
  const tableEntries = clusterSize / 8n;
  const data = roundUp(roundUp(values.size ?? 0n, 512n), clusterSize);
  const l2Bytes = roundUp(data / clusterSize, clusterSize / entryBytes) * entryBytes;
  const l1Bytes = roundUp(l2Bytes / clusterSize, tableEntries) * 8n;
  const tables = clusterSize + l2Bytes + l1Bytes;
  const blockRefcounts = (clusterSize * 8n) / BigInt(values.refcountBits);
  const counts = refcountClusters((tables + data) / clusterSize, blockRefcounts, tableEntries) * clusterSize;
  const luks = BigInt(encryptionParameters(texts)?.headerBytes ?? 0);
  const fullyAllocated = tables + counts + data + roundUp(luks, clusterSize);
  const taken = preallocation === 'falloc' || preallocation === 'full';
  return { required: taken ? fullyAllocated : fullyAllocated - data, fullyAllocated };
}
