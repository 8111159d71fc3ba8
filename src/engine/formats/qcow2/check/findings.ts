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

  leak(text: string): void {
    this.leaks++;
    if (this.list.length < MAX_FINDINGS) this.list.push({ severity: 'leak', text });
  }
}
