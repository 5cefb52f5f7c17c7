import type { Run } from '../ledger/ledger.ts';
import type { VerifiedSource } from '../reports/verified.ts';

/** How one source stands, as `status` shows it and `status --json` prints it: stable. */
export interface SourceLine {
  source: string;
  gates: boolean;
  lastSuccess: string | null;
  /** Seconds since the data of the last good backup was read; null while there is none. */
  ageSeconds: number | null;
  stale: boolean;
  /** Older than the schedule lets expect: its widest gap and a quarter of it, or sooner where that would be stale already. */
  overdue: boolean;
  /** Why the newest backup does not count; null where it does. */
  suspect: string | null;
  lastRun: Run | null;
  verification: VerifiedSource & {
    /**
     * Whether the last good one is older than the schedule lets expect; where there is none, whether the first backup is, or the newest could
     * not be run.
     */
    overdue: boolean;
  };
  /** What the operator set as goals, and whether they are met; null where there is none, or nothing to hold against it. */
  objectives: {
    rpoSeconds: number | null;
    rpoMet: boolean | null;
    rtoSeconds: number | null;
    rtoMet: boolean | null;
  };
}
