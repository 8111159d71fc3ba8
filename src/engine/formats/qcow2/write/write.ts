/**
 * Writes guest data: claim a run, write the bytes with what has to be copied around them, link (contract:
 * operations.md, Write). A failure before linking gives the clusters back; the disk is as it was.
 */
import { MAX_TRANSFER } from '../../../device/device.ts';
import { MAX_CLUSTERS } from '../encryption/disk-cipher.ts';
import type { ImageState } from '../state.ts';
import { type Claim, type ClaimedRun, claimRun, MAX_REQUEST, releaseClaims } from './claim.ts';
import { linkClaim } from './link.ts';
import type { OldContent } from './old-content.ts';

/** Copies, guest bytes and copies leave in one write up to this length. */
const MERGED = 256 * 1024;

/**
 * Runs of one request that are under way at once in QEMU: what they free comes back only when they are linked, so the
 * next run does not land there.
 */
const UNDER_WAY = 8;

/** Writes `from` at guest offset `at`; any length. */
export function writeGuest(state: ImageState, old: OldContent, at: number, from: Uint8Array): void {
  const { clusterSize } = state.header;
  const underWay: ClaimedRun[] = [];
  const linkFirst = (most: number): void => {
    while (underWay.length > most) linkClaims(state, (underWay.shift() as ClaimedRun).claims);
  };
  try {
    for (let done = 0; done < from.length; ) {
      // A run that goes on in the cluster of the one before waits for it.
      if ((at + done) % clusterSize !== 0) linkFirst(0);
      const transfers = tableTransfers(state);
      const run = claimRun(state, at + done, Math.min(from.length - done, mostAt(state, at + done)));
      try {
        writeRun(state, old, run, at + done, from.subarray(done, done + run.length));
      } catch (error) {
        releaseClaims(state, run.claims);
        throw error;
      }
      // Whoever had to wait for tables met the others linked.
      if (tableTransfers(state) !== transfers) linkFirst(0);
      underWay.push(run);
      linkFirst(UNDER_WAY);
      done += run.length;
    }
  } finally {
    linkAll(state, underWay);
  }
}

/** The most that one request at this place covers. */
function mostAt({ cipher, header }: ImageState, at: number): number {
  return cipher ? MAX_CLUSTERS * header.clusterSize - (at % header.clusterSize) : MAX_REQUEST;
}

/** Tables read and caches flushed so far. */
function tableTransfers({ l2Cache, refcounts }: ImageState): number {
  return l2Cache.loads + l2Cache.flushes + refcounts.cache.loads + refcounts.cache.flushes;
}

/** Links what is written; after a failure the rest is given back. */
function linkAll(state: ImageState, runs: readonly ClaimedRun[]): void {
  for (const [i, run] of runs.entries()) {
    try {
      linkClaims(state, run.claims);
    } catch (error) {
      for (const { claims } of runs.slice(i + 1)) releaseClaims(state, claims);
      throw error;
    }
  }
}

function linkClaims(state: ImageState, claims: readonly Claim[]): void {
  for (const [i, claim] of claims.entries()) {
    try {
      linkClaim(state, claim);
    } catch (error) {
      // What is linked stays: it is sound and holds its bytes.
      releaseClaims(state, claims.slice(i));
      throw error;
    }
  }
}

function writeRun(state: ImageState, old: OldContent, run: ClaimedRun, at: number, from: Uint8Array): void {
  if (!state.external) state.guard(run.host, run.length);
  const [claim, second] = run.claims;
  if (claim && !second && claim.dataTo - claim.dataFrom === run.length && claim.to - claim.from <= MERGED) {
    writeMerged(state, old, claim, from);
    return;
  }
  for (const one of run.claims) copyAround(state, old, one);
  writeBytes(state, at, run.host, from);
}

/** Bytes [from, to) of the claim's clusters in one write. */
function writeMerged(state: ImageState, old: OldContent, claim: Claim, data: Uint8Array): void {
  const { from, dataFrom, dataTo, to, guest, host } = claim;
  if (from === dataFrom && to === dataTo) {
    writeBytes(state, guest + from, host + from, data);
    return;
  }
  const merged = new Uint8Array(to - from);
  if (dataFrom > from) old.read(guest + from, merged.subarray(0, dataFrom - from));
  if (to > dataTo) old.read(guest + dataTo, merged.subarray(dataTo - from));
  merged.set(data, dataFrom - from);
  if (!state.external) state.guard(host + from, merged.length);
  writeBytes(state, guest + from, host + from, merged);
}

/** Copies the head and the tail of a claim to its new place. */
export function copyAround(state: ImageState, old: OldContent, claim: Claim): void {
  const { from, dataFrom, dataTo, to, guest, host } = claim;
  for (const [start, end] of [
    [from, dataFrom],
    [dataTo, to],
  ] as const) {
    if (end <= start) continue;
    const copy = new Uint8Array(end - start);
    old.read(guest + start, copy);
    if (!state.external) state.guard(host + start, copy.length);
    writeBytes(state, guest + start, host + start, copy);
  }
}

/** The guest's bytes from `guest` on go to `host`; the caller keeps them as they are. */
function writeBytes({ guest: device, cipher }: ImageState, guest: number, host: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += MAX_TRANSFER) {
    const part = bytes.subarray(from, from + MAX_TRANSFER);
    device.write(host + from, cipher ? cipher.encrypted(guest + from, host + from, part) : part);
  }
}
