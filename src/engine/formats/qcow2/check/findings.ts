/** Collects what a check or a repair finds: data, never thrown. */
import type { Finding } from '../../../image/report.ts';

/** Kept in words; a broken table can have millions. */
const MAX_FINDINGS = 1000;

/** What is still wrong, as far as it has been counted. */
export interface Verdict {
  readonly corruptions: number;
  readonly leaks: number;
}

export class Findings {
  readonly list: Finding[] = [];
  corruptions = 0;
  leaks = 0;
  failures = 0;
  corruptionsFixed = 0;
  leaksFixed = 0;
  /** How many findings there were, kept or not. */
  told = 0;

  /** `times`: the same thing is wrong so often. `repaired`: not any more. */
  corruption(text: string, repaired = false, times = 1): void {
    if (repaired) this.corruptionsFixed += times;
    else this.corruptions += times;
    this.#tell(() => ({ severity: 'corruption', text }), repaired);
  }

  /** `detail` is asked for only while findings are kept. */
  copied(text: string, detail: () => NonNullable<Finding['copied']>, repaired = false): void {
    if (repaired) this.corruptionsFixed++;
    else this.corruptions++;
    this.#tell(() => ({ severity: 'corruption', text, copied: detail() }), repaired);
  }

  /** A stored refcount that is not the number of references: too many are a leak, too few a corruption. */
  difference(cluster: number, stored: number, references: number, repaired = false): void {
    const severity = stored < references ? 'corruption' : 'leak';
    if (severity === 'corruption') {
      if (repaired) this.corruptionsFixed++;
      else this.corruptions++;
    } else if (repaired) this.leaksFixed++;
    else this.leaks++;
    this.#tell(() => {
      const text = `cluster ${cluster} counts ${stored} and is referenced ${references} times`;
      return { severity, text, counts: { cluster, stored, references } };
    }, repaired);
  }

  failure(text: string): void {
    this.failures++;
    this.#tell(() => ({ severity: 'failure', text }), false);
  }

  note(text: string): void {
    this.#tell(() => ({ severity: 'note', text }), false);
  }

  get verdict(): Verdict {
    return { corruptions: this.corruptions, leaks: this.leaks };
  }

  /** Goes on from an earlier verdict: what has been counted since is counted again. What is told stays. */
  resume({ corruptions, leaks }: Verdict): void {
    this.corruptions = corruptions;
    this.leaks = leaks;
  }

  #tell(finding: () => Finding, repaired: boolean): void {
    this.told++;
    if (this.list.length < MAX_FINDINGS) this.list.push(repaired ? { ...finding(), repaired } : finding());
  }
}
