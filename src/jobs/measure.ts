/** How much of a disk holds data, in whole clusters of the image that it is to be copied into. */
import { type Chain, locateInChain } from '../engine/image/access.ts';
import type { Steps } from '../engine/image/writable.ts';

/** Returns bytes. A cluster counts whole as soon as any byte of it is data. */
export function* dataInClusters(chain: Chain, clusterSize: number): Steps<number> {
  const total = chain[0].virtualSize;
  let sum = 0;
  for (let at = 0; at < total; ) {
    const { extent } = locateInChain(chain, at, total - at);
    if (extent.kind === 'data' || extent.kind === 'coded') {
      const end = Math.ceil((at + extent.length) / clusterSize) * clusterSize;
      sum += end - (at - (at % clusterSize));
      at = end;
    } else at += extent.length;
    yield { done: Math.min(at, total), total };
  }
  return sum;
}
