/** A qcow2 layout as the generic contract sees it: pieces in file order and their bytes. */
import { assert } from '../../errors.ts';
import { type FileLayout, type ImageLayout, type Piece, plainLayout } from '../../image/layout.ts';
import { fillL1, fillL2, fillRefcountBlock, fillRefcountTable } from './content.ts';
import { headerCluster } from './header-cluster.ts';
import { layoutOf, type Qcow2Layout } from './layout.ts';
import type { Parameters } from './parameters.ts';
import { piecesOf, totalsOf } from './pieces.ts';

function fillStaleTable(layout: Qcow2Layout, piece: Piece, from: number, into: Uint8Array): void {
  const { clusterSize } = layout.geometry;
  const table = layout.staleTables[piece.index];
  assert(table !== undefined, 'stale clusters belong to a table');
  fillRefcountTable(table.blocks, clusterSize, piece.at - table.first * clusterSize + from, into);
}

function imageFile(layout: Qcow2Layout, luksHeader: Uint8Array | undefined): FileLayout {
  let header: Uint8Array | undefined;
  return {
    length: layout.fileLength,
    pieces: () => piecesOf(layout),
    totals: () => totalsOf(layout),
    fill(piece, from, into) {
      switch (piece.part) {
        case 'header':
          header ??= headerCluster(layout);
          into.set(header.subarray(from, from + into.length));
          return;
        case 'refcount-table':
          fillRefcountTable(layout.blocks, layout.geometry.clusterSize, from, into);
          return;
        case 'refcount-block':
          fillRefcountBlock(layout, piece.index, from, into);
          return;
        case 'l1':
          fillL1(layout, from, into);
          return;
        case 'l2':
          fillL2(layout, piece.index, from, into);
          return;
        case 'luks':
          assert(luksHeader !== undefined, 'an encrypted image is written with the header that was made for it');
          into.fill(0);
          into.set(luksHeader.subarray(from, from + into.length));
          return;
        case 'free':
          fillStaleTable(layout, piece, from, into);
          return;
        case 'data':
          into.fill(0);
      }
    },
  };
}

/** The files of a layout. Without `luksHeader` an encrypted one has sizes and places only. */
export function filesOf(layout: Qcow2Layout, luksHeader?: Uint8Array): ImageLayout {
  const image = imageFile(layout, luksHeader);
  const name = layout.parameters.dataFile;
  if (name === undefined) return { image };
  // Guest clusters lie at their own offsets there, so it is one stretch of zeros.
  const data = plainLayout(layout.dataFileLength, layout.dataTaken ? 'zeros' : 'hole');
  return { image, dataFile: { name, layout: data } };
}

/** Throws `out-of-range` when the tables would exceed what the format can address. */
export const imageLayoutOf = (parameters: Parameters, luksHeader?: Uint8Array): ImageLayout =>
  filesOf(layoutOf(parameters), luksHeader);
