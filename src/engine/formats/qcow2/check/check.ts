/**
 * Checks an image: counts every reference and compares with the stored refcounts (contract:
 * qcow2-format.md §11; the same verdict and numbers as `qemu-img check`).
 */
import { divideUp } from '../../../bytes/math.ts';
import type { ReadableDevice } from '../../../device/device.ts';
import type { CheckProgress, CheckReport } from '../../../image/report.ts';
import type { ImageHeader } from '../image-header.ts';
import { compareRefcounts } from './compare.ts';
import { Findings } from './findings.ts';
import type { Tally } from './l2-tables.ts';
import { openSubject, survey } from './survey.ts';

export function reportOf(header: ImageHeader, findings: Findings, tally: Tally, highest: number): CheckReport {
  return {
    corruptions: findings.corruptions,
    leaks: findings.leaks,
    failures: findings.failures,
    totalClusters: divideUp(header.virtualSize, header.clusterSize),
    allocatedClusters: tally.allocated,
    fragmentedClusters: tally.fragmented,
    compressedClusters: tally.compressed,
    imageEndOffset: (highest + 1) * header.clusterSize,
    findings: findings.list,
    moreFindings: findings.told - findings.list.length,
  };
}

/** Checks without changing anything. Throws where the image cannot be opened at all. */
export function* checkImage(device: ReadableDevice): Generator<CheckProgress, CheckReport> {
  const subject = openSubject(device, 'check', false);
  const { header, snapshots } = subject;
  const findings = new Findings();
  const surveyed = yield* survey(device, subject, findings, { copied: true });
  const { highest } = yield* compareRefcounts(device, header, surveyed, findings);
  for (const i of snapshots.incomplete) findings.corruption(`snapshot table entry ${i}: its extra data is too short`);
  return reportOf(header, findings, surveyed.tally, highest);
}

/** Runs a check to its end. */
export function checkAtOnce(device: ReadableDevice): CheckReport {
  const steps = checkImage(device);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
