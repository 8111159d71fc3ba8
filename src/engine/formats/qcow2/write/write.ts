/**
 * Writes guest data: claim a run, write the bytes with what has to be copied around them, link (contract:
 * operations.md, Write). A failure before linking gives the clusters back; the disk is as it was.
 */
import { MAX_TRANSFER } from '../../../device/device.ts';
import type { ImageState } from '../state.ts';
import { type Claim, type ClaimedRun, claimRun, MAX_REQUEST, releaseClaims } from './claim.ts';
import { linkClaim } from './link.ts';
import type { OldContent } from './old-content.ts';

/** Copies, guest bytes and copies leave in one write up to this length. */
const MERGED = 256 * 1024;

/** Writes `from` at guest offset `at`; any length. */
export function writeGuest(state: ImageState, old: OldContent, at: number, from: Uint8Array): void {
  for (let done = 0; done < from.length; ) {
    const run = claimRun(state, at + done, Math.min(from.length - done, MAX_REQUEST));
    try {
      writeRun(state, old, run, from.subarray(done, done + run.length));
    } catch (error) {
      releaseClaims(state, run.claims);
      throw error;
    }
    linkClaims(state, run.claims);
    done += run.length;
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

function writeRun(state: ImageState, old: OldContent, run: ClaimedRun, from: Uint8Array): void {
  if (!state.external) state.guard(run.host, run.length);
  const [claim, second] = run.claims;
  if (claim && !second && claim.dataTo - claim.dataFrom === run.length && claim.to - claim.from <= MERGED) {
    writeMerged(state, old, claim, from);
    return;
  }
  for (const one of run.claims) copyAround(state, old, one);
  writeBytes(state, run.host, from);
}

/** Bytes [from, to) of the claim's clusters in one write. */
function writeMerged(state: ImageState, old: OldContent, claim: Claim, data: Uint8Array): void {
  const { from, dataFrom, dataTo, to, guest, host } = claim;
  if (from === dataFrom && to === dataTo) {
    writeBytes(state, host + from, data);
    return;
  }
  const merged = new Uint8Array(to - from);
  if (dataFrom > from) old.read(guest + from, merged.subarray(0, dataFrom - from));
  if (to > dataTo) old.read(guest + dataTo, merged.subarray(dataTo - from));
  merged.set(data, dataFrom - from);
  if (!state.external) state.guard(host + from, merged.length);
  writeBytes(state, host + from, merged);
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
    writeBytes(state, host + start, copy);
  }
}

function writeBytes(state: ImageState, host: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += MAX_TRANSFER) {
    state.guest.write(host + from, bytes.subarray(from, from + MAX_TRANSFER));
  }
}
