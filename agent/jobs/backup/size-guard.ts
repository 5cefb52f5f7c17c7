import { counted, humanBytes } from '../../core/units.ts';
import type { Run, RunFacts } from '../../ledger/ledger.ts';
import type { Job } from '../job.ts';

/** What a dump is held against: `tables`: its size and that no table is gone; `size`: its size alone. */
export type Guard = 'tables' | 'size' | 'off';

export interface GuardSettings {
  guard: Guard;
  /** The newest backups of the source that count, newest first, those before a person's last word left out. */
  good: () => Run[];
}

/** How many good backups the usual size is taken from. */
export const USUAL_OF = 7;

/**
 * The same backup, held against the ones before it when it is done: one that shrank below half of what is usual, or
 * lacks tables, is stored and marked as suspect. It does not count as the last good one until a person accepts it,
 * for a database that lost its rows dumps as well as any other.
 */
export function guarded(backup: Job, { guard, good }: GuardSettings): Job {
  return {
    ...backup,
    run: async (context) => {
      const before = good();
      const outcome = await backup.run(context);
      const suspect = suspicion(
        outcome.facts,
        before.map(({ facts }) => facts),
        guard,
      );
      if (suspect === null) return outcome;
      const then = `if that is right, say so with \`holdfast accept ${backup.source ?? ''} --reason "…"\``;
      return {
        ...outcome,
        warnings: [`suspect, and not counted as a good backup: ${suspect}; ${then}`, ...outcome.warnings],
        facts: { ...outcome.facts, suspect },
      };
    },
  };
}

/** Why a dump is suspect, as a sentence part; null where nothing is. `good`: what the good ones before it told, newest first. */
export function suspicion(dump: RunFacts, good: RunFacts[], guard: Guard): string | null {
  if (guard === 'off') return null;
  const sizes = good.slice(0, USUAL_OF).flatMap(({ dumpBytes }) => dumpBytes ?? []);
  const usual = median(sizes);
  if (usual !== null && dump.dumpBytes !== undefined && dump.dumpBytes * 2 < usual) {
    return `the dump has ${humanBytes(dump.dumpBytes)}, less than half of the usual ${humanBytes(usual)} (the middle one of the last ${sizes.length})`;
  }
  const tables = good[0]?.tables;
  if (guard === 'tables' && tables !== undefined && dump.tables !== undefined && dump.tables < tables) {
    return `it has ${counted(dump.tables, 'table')}, ${tables - dump.tables} fewer than the last good backup`;
  }
  return null;
}

/** Of an even number the smaller of the two in the middle: when in doubt, no alarm. */
function median(values: number[]): number | null {
  return values.toSorted((one, other) => one - other)[Math.ceil(values.length / 2) - 1] ?? null;
}
