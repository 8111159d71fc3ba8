/** Names of what a stretch of a file is for, as the picture and its table say them. */
import type { Part } from '../../engine/image/layout.ts';

const NAMES: Readonly<Record<Part, readonly [one: string, many: string]>> = {
  header: ['Header', 'Headers'],
  'refcount-table': ['Refcount table', 'Refcount tables'],
  'refcount-block': ['Refcount block', 'Refcount blocks'],
  l1: ['L1 table', 'L1 tables'],
  l2: ['L2 table', 'L2 tables'],
  data: ['Guest data', 'Guest data'],
  free: ['Free', 'Free'],
};

export const partName = (part: Part, count: number): string => NAMES[part][count === 1 ? 0 : 1];

/** Rows of the table, in the order in which the parts explain each other. */
export const PART_ORDER = Object.keys(NAMES) as readonly Part[];
