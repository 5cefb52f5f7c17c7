import type { Run } from '../ledger/ledger.ts';
import type { RunStatus } from '../../sentinel/heartbeat.ts';

const MOST_CHARACTERS = 400;
const MOST_NOTES = 3;

/** A run as the status folder tells it: bounded, however much a server had to say. */
export function runStatus(run: Run): RunStatus {
  return {
    job: run.job,
    source: run.source,
    trigger: run.trigger,
    result: run.result,
    warnings: run.warnings.length > 0,
    notes: run.warnings.slice(0, MOST_NOTES).map(clip),
    reason: clip(run.reason),
    hint: run.hint === null ? null : clip(run.hint),
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    bytes: run.facts.dumpBytes ?? null,
  };
}

/** So long a text may be there at most. */
export function clip(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1).trimEnd()}…`;
}
