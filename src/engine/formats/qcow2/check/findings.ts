/** Collects what a check finds: data, never thrown. */
import type { Finding } from '../../../image/report.ts';

/** Kept in words; a broken table can have millions. */
const MAX_FINDINGS = 1000;

export class Findings {
  readonly list: Finding[] = [];
  corruptions = 0;
  leaks = 0;

  corruption(text: string): void {
    this.corruptions++;
    if (this.list.length < MAX_FINDINGS) this.list.push({ severity: 'corruption', text });
  }

  /** `detail` is asked for only while findings are kept. */
  copied(text: string, detail: () => NonNullable<Finding['copied']>): void {
    this.corruptions++;
    if (this.list.length < MAX_FINDINGS) this.list.push({ severity: 'corruption', text, copied: detail() });
  }

  /** A stored refcount that is not the number of references: too many are a leak, too few a corruption. */
  difference(cluster: number, stored: number, references: number): void {
    const severity = stored < references ? 'corruption' : 'leak';
    if (severity === 'corruption') this.corruptions++;
    else this.leaks++;
    if (this.list.length >= MAX_FINDINGS) return;
    const text = `cluster ${cluster} counts ${stored} and is referenced ${references} times`;
    this.list.push({ severity, text, counts: { cluster, stored, references } });
  }
}
