import type { JobName } from '../core/glossary.ts';
import type { RunFacts } from '../ledger/ledger.ts';

/** A named verb, ready to run once. It returns what it did or throws; it never logs and goes on, and never writes the ledger. */
export interface Job {
  name: JobName;
  /** Null for jobs of the whole repository. */
  source: string | null;
  /** A run that takes longer is ended. */
  timeoutMs: number;
  run(context: JobContext): Promise<Outcome>;
}

export interface JobContext {
  signal: AbortSignal;
  /** For a person at a terminal; called often. */
  onProgress: (progress: Progress) => void;
}

export interface Progress {
  /** What is being done, as a sentence part: "dumping orders_tracker". */
  step: string;
  dumpBytes: number;
  storedBytes: number;
  /** What `dumpBytes` comes to in the end, where that is known: how long it still takes follows from it. */
  totalBytes?: number;
}

export interface Outcome {
  /** What was done, one sentence part: "stored 12.4 MB as 1f3a09bc". */
  reason: string;
  warnings: string[];
  facts: RunFacts;
}
