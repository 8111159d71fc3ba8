/**
 * How the verdict of a check or a repair is printed. Findings about counts and COPIED are worded as qemu-img words
 * them, because scripts read them; so are the reports.
 */
import type { CheckReport, Finding, RepairReport } from '../engine/image/report.ts';
import { qemuJson } from '../jobs/qemu-json.ts';
import { type Io, printable, say } from './io.ts';
import { twoDecimals } from './numbers.ts';

function findingLine({ severity, text, counts, copied, repaired }: Finding): string {
  const error = repaired ? 'Repairing' : 'ERROR';
  if (severity === 'note') return text;
  if (counts) {
    const what = severity === 'leak' && !repaired ? 'Leaked' : error;
    return `${what} cluster ${counts.cluster} refcount=${counts.stored} reference=${counts.references}`;
  }
  if (!copied) return `${error} ${text}`;
  const { l1Index, entry, stored } = copied;
  const what =
    l1Index === undefined
      ? `data cluster: l2_entry=${entry.toString(16)}`
      : `L2 cluster: l1_index=${l1Index} l1_entry=${entry.toString(16)}`;
  return `${error} OFLAG_COPIED ${what} refcount=${stored}`;
}

/** One line for each finding, on stderr. */
export function sayFindings(io: Io, { findings, moreFindings }: CheckReport): void {
  for (const finding of findings) io.stderr(`${printable(findingLine(finding))}\n`);
  if (moreFindings > 0) say(io, `${moreFindings} more like these`);
}

export function humanReport(report: CheckReport): string {
  const { corruptions, leaks, failures, totalClusters: total, allocatedClusters: allocated } = report;
  const percent = (part: number, of: number): string => `${twoDecimals((part * 100) / of)}%`;
  let text = corruptions + leaks + failures === 0 ? 'No errors were found on the image.\n' : '';
  if (corruptions > 0) {
    text += `\n${corruptions} errors were found on the image.\n`;
    text += 'Data may be corrupted, or further writes to the image may corrupt it.\n';
  }
  if (leaks > 0) {
    text += `\n${leaks} leaked clusters were found on the image.\n`;
    text += 'This means waste of disk space, but no harm to data.\n';
  }
  if (failures > 0) text += `\n${failures} internal errors have occurred during the check.\n`;
  if (total > 0 && allocated > 0) {
    const shares = [
      `${percent(allocated, total)} allocated`,
      `${percent(report.fragmentedClusters, allocated)} fragmented`,
      `${percent(report.compressedClusters, allocated)} compressed clusters`,
    ];
    text += `${allocated}/${total} = ${shares.join(', ')}\n`;
  }
  return report.imageEndOffset > 0 ? `${text}Image end offset: ${report.imageEndOffset}\n` : text;
}

/** What stands before the second report. */
export const humanRepairs = ({ leaksFixed, corruptionsFixed }: RepairReport): string =>
  'The following inconsistencies were found and repaired:\n\n' +
  `    ${leaksFixed} leaked clusters\n    ${corruptionsFixed} corruptions\n\n` +
  'Double checking the fixed image now...\n';

export function jsonReport(
  file: { readonly name: string; readonly format: string },
  report: CheckReport,
  repair?: RepairReport,
): string {
  const counts = {
    'image-end-offset': report.imageEndOffset,
    'total-clusters': report.totalClusters,
    'allocated-clusters': report.allocatedClusters,
    'fragmented-clusters': report.fragmentedClusters,
    'compressed-clusters': report.compressedClusters,
    corruptions: report.corruptions,
    leaks: report.leaks,
    'corruptions-fixed': repair?.corruptionsFixed ?? 0,
    'leaks-fixed': repair?.leaksFixed ?? 0,
  };
  const there = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  return qemuJson({ ...there, 'check-errors': report.failures, filename: file.name, format: file.format });
}
