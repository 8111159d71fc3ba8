/** What a person gets with these options: facts for the sizes card, the full image, other preallocations. */
import { formatBytes } from '../../bytes/units.ts';
import { DiskwrightError } from '../../errors.ts';
import type { Fact, Forecast } from '../../image/format.ts';
import type { ImageLayout } from '../../image/layout.ts';
import { filesOf } from './image-layout.ts';
import { layoutOf, type Qcow2Layout } from './layout.ts';
import { largestDisk } from './limits.ts';
import { type Parameters, type Preallocation, withPreallocation } from './parameters.ts';

/** What QEMU on Linux gives its L2 cache unless told otherwise. */
const DEFAULT_L2_CACHE = 32 * 1024 * 1024;

interface Since {
  readonly version: string;
  readonly date: string;
  readonly applies: (parameters: Parameters) => boolean;
}

/** Newest first: the first that applies decides. */
const introductions: readonly Since[] = [
  { version: '5.2', date: 'December 2020, for extended L2', applies: (p) => p.extendedL2 },
  { version: '5.1', date: 'August 2020, for zstd', applies: (p) => p.compressionType === 'zstd' },
  { version: '4.0', date: 'April 2019, for the data file', applies: (p) => p.dataFile !== undefined },
  { version: '2.10', date: 'August 2017, for LUKS', applies: (p) => p.encryption?.kind === 'luks' },
  { version: '2.3', date: 'April 2015, for the refcount width', applies: (p) => p.geometry.refcountBits !== 16 },
  { version: '1.1', date: 'June 2012', applies: (p) => p.compat === '1.1' },
  { version: '0.10', date: 'March 2009', applies: () => true },
];

function oldestQemu(parameters: Parameters): Fact {
  const since = introductions.find((one) => one.applies(parameters));
  return { label: 'Oldest QEMU', text: since?.version ?? '', note: since?.date ?? '' };
}

function cacheFact({ geometry }: Parameters): Fact {
  const bytes = geometry.guestClusters * geometry.l2EntryBytes;
  const covered = bytes <= DEFAULT_L2_CACHE;
  const note = covered ? "QEMU's default 32 MiB covers it" : "above QEMU's default 32 MiB: set l2-cache-size";
  return { label: 'L2 cache, full coverage', bytes, note };
}

/** Bytes of header and tables; counted from the layout's lists, which may be millions long. */
function metadataBytes({ geometry, table, blocks, l2, luks }: Qcow2Layout): number {
  const present = blocks.reduce((count, block) => count + (block === 0 ? 0 : 1), 0);
  return (1 + table.count + present + l2.length + (luks?.count ?? 0)) * geometry.clusterSize + geometry.l1Entries * 8;
}

function metadataFact(full: Qcow2Layout): Fact {
  const { guestSize } = full.parameters;
  const bytes = metadataBytes(full);
  const share = guestSize === 0 ? 0 : (bytes / guestSize) * 100;
  const percent = share >= 100 ? Math.round(share).toString() : share.toPrecision(2);
  return { label: 'Metadata when full', bytes, note: guestSize === 0 ? 'an empty disk' : `${percent} % of the disk` };
}

/** The layout, or undefined where this choice would exceed a limit. */
function attempt(parameters: Parameters): Qcow2Layout | undefined {
  try {
    return layoutOf(parameters);
  } catch (error) {
    if (error instanceof DiskwrightError && error.kind === 'out-of-range') return undefined;
    throw error;
  }
}

export function forecastOf(parameters: Parameters): Forecast {
  const { guestSize, geometry, extendedL2, preallocation } = parameters;
  const layouts: Partial<Record<Preallocation, Qcow2Layout>> = {};
  const files: Partial<Record<Preallocation, ImageLayout>> = {};
  for (const choice of ['off', 'metadata', 'falloc'] as const) {
    const layout = attempt(withPreallocation(parameters, choice));
    if (!layout) continue;
    layouts[choice] = layout;
    files[choice] = filesOf(layout);
  }
  // The two differ only in how a host takes the space: one layout serves both.
  if (layouts.falloc) layouts.full = layouts.falloc;
  if (files.falloc) files.full = files.falloc;
  const fullest = preallocation === 'falloc' || preallocation === 'full' ? preallocation : 'metadata';
  const full = layouts[fullest];
  const now = files[parameters.preallocation] ?? filesOf(layoutOf(parameters));
  return {
    guestSize,
    now,
    facts: [
      ...(full ? [metadataFact(full)] : []),
      cacheFact(parameters),
      {
        label: 'Largest disk',
        bytes: largestDisk(geometry.clusterSize, extendedL2),
        note: `with clusters of ${formatBytes(geometry.clusterSize)}`,
      },
      oldestQemu(parameters),
    ],
    ...(files[fullest] ? { full: files[fullest] } : {}),
    alternatives: { preallocation: files },
  };
}
