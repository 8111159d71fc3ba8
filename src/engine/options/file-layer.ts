/**
 * Options of the file underneath, which qemu-img appends to every format's own (contract: options.md,
 * protocol layer). `size` and `preallocation` are declared by the formats; duplicates keep the first.
 */
import type { FlagOption, Rule, SizeOption } from './declare.ts';

export const fileLayerOptions = {
  nocow: {
    kind: 'flag',
    qemu: 'nocow',
    label: 'No copy-on-write',
    help: 'A btrfs attribute; takes effect only where the file system and the host program can set it.',
    place: { group: 'extras', fold: 'file', order: 1 },
    layer: 'file',
  },
  extentSizeHint: {
    kind: 'size',
    qemu: 'extent_size_hint',
    label: 'Extent size hint',
    help: 'An XFS hint of how much space to take at once; takes effect only where the host program can set it.',
    place: { group: 'extras', fold: 'file', order: 2 },
    layer: 'file',
  },
} as const satisfies Record<string, FlagOption | SizeOption>;

export const fileLayerRules: readonly Rule<{ readonly extentSizeHint: bigint | undefined }>[] = [
  {
    option: 'extent_size_hint',
    broken: (v) => (v.extentSizeHint ?? 0n) > 0xffff_ffffn,
    message: 'The extent size hint is below 4 GiB.',
    why: 'XFS keeps it in 32 bits.',
    fixes: [{ label: 'Remove the hint', set: { extent_size_hint: null } }],
  },
];
