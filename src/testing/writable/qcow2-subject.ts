/** qcow2 as the contract of writable images sees it: shapes of images, and one of them open in memory. */
import { MemoryDevice } from '../../engine/device/memory.ts';
import { type Chain, readGuest } from '../../engine/image/access.ts';
import type { WritableImage } from '../../engine/image/writable.ts';
import type { OptionTexts } from '../../engine/options/declare.ts';
import type { OpenSubject, WritableSubject } from './contract.ts';
import { filledImage, newImage, openForWriting, problemsOf, qcow2Chain, rawChain } from './qcow2-images.ts';

export interface Qcow2Shape {
  /** Options of create beside the size. */
  readonly texts: OptionTexts;
  /** What the image rests on: its kind, and its length against the disk's. */
  readonly backing?: 'short raw' | 'long raw' | 'short qcow2' | 'long qcow2';
  /** The file begins full up to a few clusters before the end of its first refcount block. */
  readonly fullBlock?: boolean;
}

const SECTOR = 512;
/** Beyond this, disks are no longer written to at their far edges: a hole of a petabyte is not cheap to compare. */
const FARTHEST = 2 ** 43;
/** One write. */
const MOST = 8 * 1024 * 1024;

export function shapeName({ texts, backing, fullBlock }: Qcow2Shape): string {
  const options = Object.entries(texts).map(([name, text]) => `${name}=${text}`);
  return [...options, ...(backing ? [`over a ${backing}`] : []), ...(fullBlock ? ['a full refcount block'] : [])].join(
    ', ',
  );
}

/** The devices of one image, for those who look at the file itself. */
export interface Qcow2Subject extends WritableSubject {
  readonly size: number;
  /** The file of the latest image. */
  file(): MemoryDevice;
}

export function qcow2Subject(shape: Qcow2Shape): Qcow2Subject {
  const { texts } = shape;
  const clusterSize = Number(texts.cluster_size ?? 65536);
  const extended = texts.extended_l2 === 'on';
  const entries = clusterSize / (extended ? 16 : 8);
  const span = clusterSize * entries;
  const l1Edge = (clusterSize / 8) * span;
  const unit = extended ? clusterSize / 32 : clusterSize / 2;
  const withL1 = l1Edge <= FARTHEST && !shape.fullBlock && !shape.backing && texts.data_file_raw !== 'on';
  const large = clusterSize >= 2 ** 20;
  // Behind the last edge a few clusters and a part of one.
  const wanted = (withL1 ? l1Edge : large ? 4 * clusterSize : 2 * span) + 5 * clusterSize + 3 * SECTOR;
  const perBlock = (clusterSize * 8) / Number(texts.refcount_bits ?? 16);
  // A file that begins full: its disk goes on behind what the full block counts.
  const size = shape.fullBlock ? Math.max(wanted, (perBlock + 200) * clusterSize) : wanted;
  const edges = [0, clusterSize, 2 * clusterSize, size - clusterSize, size];
  if (!large || shape.fullBlock) edges.push(span);
  if (withL1) edges.push(l1Edge);
  if (shape.fullBlock) edges.push((perBlock - 20) * clusterSize, (perBlock + 6) * clusterSize);
  const lengths = [1, SECTOR, unit, clusterSize - 1, clusterSize, clusterSize + 1, 3 * clusterSize];
  const below = backingLength(shape, size);
  let latest = new MemoryDevice();
  return {
    name: shapeName(shape),
    size,
    clusterSize,
    // Without zero clusters, giving up a cluster would show what lies below.
    discardUnit: texts.compat === '0.10' && shape.backing ? 0 : clusterSize,
    edges: edges.filter((edge) => edge <= size),
    lengths: [...new Set(lengths)].filter((length) => length > 0 && length <= MOST),
    file: () => latest,
    open() {
      const image = shape.fullBlock ? filledImage(texts, size, perBlock - 5) : newImage({ ...texts, size: `${size}` });
      latest = image;
      const backing = backingOf(shape, below);
      const model = new MemoryDevice();
      copyDisk(backing, model, Math.min(below, size));
      model.resize(size);
      const data = texts.data_file === undefined ? undefined : new MemoryDevice();
      data?.resize(size);
      const devices = { image, ...(data ? { data } : {}), ...(backing ? { backing } : {}) };
      const subject = (writable: WritableImage): OpenSubject => ({
        image: writable,
        chain: [writable, ...(backing ?? [])],
        model,
        problems: () => (texts.lazy_refcounts === 'on' ? [] : problemsOf(image)),
        reopened() {
          writable.close();
          const problems = problemsOf(image);
          if (problems.length > 0) throw new Error(`closed: ${problems.slice(0, 5).join('; ')}`);
          return subject(openForWriting(devices, { unmap: true }));
        },
      });
      return subject(openForWriting(devices, { unmap: true }));
    },
  };
}

function backingLength({ backing }: Qcow2Shape, size: number): number {
  if (!backing) return 0;
  const longest = Math.min(size, 2 ** 23);
  return backing.startsWith('short') ? Math.floor(longest / 3 / SECTOR) * SECTOR : longest + 100 * SECTOR;
}

function backingOf({ backing }: Qcow2Shape, length: number): Chain | undefined {
  if (!backing) return undefined;
  return backing.endsWith('raw') ? rawChain(length) : qcow2Chain(length);
}

function copyDisk(chain: Chain | undefined, into: MemoryDevice, length: number): void {
  if (!chain) return;
  const piece = new Uint8Array(1 << 20);
  for (let at = 0; at < length; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, length - at));
    readGuest(chain, at, part);
    into.write(at, part);
  }
}
