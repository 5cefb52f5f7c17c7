import { HoldfastError, describeError } from '../core/errors.ts';
import type { JobName } from '../core/glossary.ts';
import type { RunFacts } from '../ledger/ledger.ts';

/** A named verb, ready to run once. It returns what it did or throws; it never logs and goes on, and never writes the ledger. */
export interface Job {
  name: JobName;
  /** Null for jobs of the whole repository. */
  source: string | null;
  /** A run that takes longer is ended. */
  timeoutMs: number;
  /** What is known before it begins: among the facts of every end, also of a kill, and of a run that was skipped. */
  facts?: RunFacts;
  run(context: JobContext): Promise<Outcome>;
}

/**
 * An end that is no success and has facts to keep: thrown in place of the cause, whose kind, message and hint it takes over.
 * `interrupted`: it was told to stop, and what it stored stays. `skipped`: it could not be tried at all.
 */
export class EndedRun extends HoldfastError {
  readonly result: 'failed' | 'interrupted' | 'skipped';
  readonly facts: RunFacts;
  /** What it says was found out before the run was told to stop, and stands; otherwise a run that was told to stop ends as just that. */
  readonly stands: boolean;

  constructor(
    result: 'failed' | 'interrupted' | 'skipped',
    cause: unknown,
    facts: RunFacts,
    { stands = false }: { stands?: boolean } = {},
  ) {
    const { kind, message, hint } = describeError(cause);
    super(kind, message, { cause, ...(hint === null ? {} : { hint }) });
    this.result = result;
    this.facts = facts;
    this.stands = stands;
  }
}

export interface JobContext {
  signal: AbortSignal;
  /** For a person at a terminal; called often, also where there is none. */
  onProgress: (progress: Progress) => void;
  /** Whether anybody sees it: what takes work of its own is told to nobody else. */
  watched?: boolean;
}

export interface Progress {
  /** What is being done, as a sentence part: "dumping orders_tracker". */
  step: string;
  dumpBytes: number;
  storedBytes: number;
  /** What `dumpBytes` comes to in the end, where that is known: how long it still takes follows from it. */
  totalBytes?: number;
  /** What of it is under way, as a sentence part: "table 12 of 40: orders". */
  detail?: string;
  /** How long the whole step may take, by the last time; how long it still takes follows from it. */
  expectedMs?: number;
}

export interface Outcome {
  /** What was done, one sentence part: "stored 12.4 MB as 1f3a09bc". */
  reason: string;
  warnings: string[];
  facts: RunFacts;
  /** Of a backup: the names of the tables that it was to hold, for the guard. No run keeps them. */
  tableNames?: string[];
}
