/**
 * The layout's tables and data runs as pieces in file order.
 *
 * L2 tables, data runs and refcount blocks are three sequences, each nearly always ascending; a merge of
 * them with the few single tables yields the file from front to back without a sorted copy of everything.
 */
import { divideUp } from '../../bytes/math.ts';
import { type LayoutTotals, type Part, type Piece, Totals } from '../../image/layout.ts';
import type { Qcow2Layout } from './layout.ts';

interface Sequence {
  readonly part: Part;
  readonly length: number;
  /** Cluster of item i, its length, and what the piece is called. */
  readonly cluster: (i: number) => number;
  readonly bytes: (i: number) => number;
  readonly index: (i: number) => number;
  readonly content: Piece['content'];
}

/**
 * Item numbers in ascending order of cluster; undefined when they ascend as they are. Only few do not: those
 * that took the place of a table that was given up. They are sorted apart and merged in.
 */
function orderOf({ length, cluster }: Sequence): Uint32Array | undefined {
  const fallenBack: number[] = [];
  for (let i = 1, highest = cluster(0); i < length; i++) {
    const place = cluster(i);
    if (place < highest) fallenBack.push(i);
    else highest = place;
  }
  if (fallenBack.length === 0) return undefined;
  const isBack = new Set(fallenBack);
  fallenBack.sort((a, b) => cluster(a) - cluster(b));
  const order = new Uint32Array(length);
  let at = 0;
  let back = 0;
  for (let i = 0; i < length; i++) {
    if (isBack.has(i)) continue;
    for (let next = fallenBack[back]; next !== undefined && cluster(next) < cluster(i); next = fallenBack[++back]) {
      order[at++] = next;
    }
    order[at++] = i;
  }
  for (; back < fallenBack.length; back++) order[at++] = fallenBack[back] ?? 0;
  return order;
}

/** A single table or hole as a sequence of one. */
function single(part: Part, content: Piece['content'], cluster: number, bytes: number, index = 0): Sequence {
  return { part, content, length: 1, cluster: () => cluster, bytes: () => bytes, index: () => index };
}

/** Stale clusters of given-up tables that nothing took again, one sequence per cluster. */
function* staleClusters({ staleTables, holes, geometry }: Qcow2Layout): Generator<Sequence> {
  for (const [number, table] of staleTables.entries()) {
    for (let i = 0; i < table.count; i++) {
      const cluster = table.first + i;
      const free = holes.some((hole) => cluster >= hole.first && cluster < hole.first + hole.count);
      if (free) yield single('free', 'bytes', cluster, geometry.clusterSize, number);
    }
  }
}

/** What is left of the holes between stale clusters. */
function* plainHoles({ holes, staleTables, geometry }: Qcow2Layout): Generator<Sequence> {
  const { clusterSize } = geometry;
  for (const hole of holes) {
    let from = hole.first;
    const end = hole.first + hole.count;
    const inside = staleTables
      .filter((table) => table.first < end && table.first + table.count > hole.first)
      .sort((a, b) => a.first - b.first);
    for (const table of inside) {
      if (table.first > from) yield single('free', 'hole', from, (table.first - from) * clusterSize);
      from = Math.max(from, Math.min(end, table.first + table.count));
    }
    if (end > from) yield single('free', 'hole', from, (end - from) * clusterSize);
  }
}

/** Refcount blocks that exist, as item numbers → block numbers. */
function presentBlocks(blocks: readonly number[]): readonly number[] {
  const present: number[] = [];
  for (let i = 0; i < blocks.length; i++) if (blocks[i]) present.push(i);
  return present;
}

function sequencesOf(layout: Qcow2Layout): Sequence[] {
  const { geometry, l1, l2, luks, data, table, blocks, dataTaken, fileLength } = layout;
  const { clusterSize, l1Entries } = geometry;
  const present = presentBlocks(blocks);
  const sequences: Sequence[] = [
    single('header', 'bytes', 0, clusterSize),
    ...(luks ? [single('luks', 'bytes', luks.first, luks.count * clusterSize)] : []),
    single('refcount-table', 'bytes', table.first, table.count * clusterSize),
    ...staleClusters(layout),
    ...plainHoles(layout),
    {
      part: 'refcount-block',
      content: 'bytes',
      length: present.length,
      cluster: (i) => blocks[present[i] ?? 0] ?? 0,
      bytes: () => clusterSize,
      index: (i) => present[i] ?? 0,
    },
    {
      part: 'l2',
      content: 'bytes',
      length: l2.length,
      cluster: (i) => l2.at(i),
      bytes: () => clusterSize,
      index: (i) => i,
    },
    {
      part: 'data',
      content: dataTaken ? 'zeros' : 'hole',
      length: data.host.length,
      cluster: (i) => data.host.at(i),
      // The last run may end with a subcluster.
      bytes: (i) => Math.min(data.count.at(i) * clusterSize, fileLength - data.host.at(i) * clusterSize),
      index: (i) => data.guest.at(i),
    },
  ];
  if (l1 !== undefined) {
    const allocated = divideUp(l1Entries * 8, clusterSize) * clusterSize;
    sequences.push(single('l1', 'bytes', l1, Math.min(allocated, l1Entries * 8)));
  }
  return sequences;
}

/** The sums of `piecesOf`, without making a piece of each table. */
export function totalsOf(layout: Qcow2Layout): LayoutTotals {
  const { clusterSize } = layout.geometry;
  const totals = new Totals();
  for (const { part, content, length, cluster, bytes } of sequencesOf(layout)) {
    if (length === 0) continue;
    let first = cluster(0);
    let sum = 0;
    for (let i = 0; i < length; i++) {
      first = Math.min(first, cluster(i));
      sum += bytes(i);
    }
    totals.add(part, content, first * clusterSize, sum, length);
  }
  return totals.of(layout.fileLength);
}

export function* piecesOf(layout: Qcow2Layout): Generator<Piece> {
  const { clusterSize } = layout.geometry;
  const heads = sequencesOf(layout)
    .filter((sequence) => sequence.length > 0)
    .map((sequence) => ({ sequence, order: orderOf(sequence), next: 0, cluster: 0 }));
  for (const head of heads) head.cluster = head.sequence.cluster(head.order?.[0] ?? 0);
  while (heads.length > 0) {
    let first = heads[0];
    for (const head of heads) if (first === undefined || head.cluster < first.cluster) first = head;
    if (first === undefined) return;
    const { sequence, order } = first;
    const item = order?.[first.next] ?? first.next;
    yield {
      part: sequence.part,
      index: sequence.index(item),
      at: first.cluster * clusterSize,
      length: sequence.bytes(item),
      content: sequence.content,
    };
    first.next++;
    if (first.next === sequence.length) heads.splice(heads.indexOf(first), 1);
    else first.cluster = sequence.cluster(order?.[first.next] ?? first.next);
  }
}
