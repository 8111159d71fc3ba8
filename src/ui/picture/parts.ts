/** Names of what a stretch of a file is for, as the picture and its table say them. */
import type { Part } from '../../engine/image/layout.ts';

const NAMES: Readonly<Record<Part, readonly [one: string, many: string, short: string]>> = {
  header: ['Header', 'Headers', 'Header'],
  luks: ['LUKS header', 'LUKS headers', 'LUKS'],
  'refcount-table': ['Refcount table', 'Refcount tables', 'Ref. table'],
  'refcount-block': ['Refcount block', 'Refcount blocks', 'Ref. blocks'],
  l1: ['L1 table', 'L1 tables', 'L1'],
  l2: ['L2 table', 'L2 tables', 'L2'],
  data: ['Guest data', 'Guest data', 'Data'],
  free: ['Free', 'Free', 'Free'],
};

export const partName = (part: Part, count: number): string => NAMES[part][count === 1 ? 0 : 1];

/** For places where the whole name has no room. */
export const shortPartName = (part: Part): string => NAMES[part][2];

/** Rows of the table, in the order in which the parts explain each other. */
export const PART_ORDER = Object.keys(NAMES) as readonly Part[];
