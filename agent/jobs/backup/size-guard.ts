import { counted, humanBytes } from '../../core/units.ts';
import type { Run, RunFacts } from '../../ledger/ledger.ts';
import type { Notes } from '../init.ts';
import type { Job } from '../job.ts';
import { knownTables, rememberTables, vanishedTables } from './known-tables.ts';

/** What a dump is held against: `tables`: its size, how many tables it has, and that none is gone by its name; `size`: its size alone. */
export type Guard = 'tables' | 'size' | 'off';

export interface GuardSettings {
  guard: Guard;
  /** Where the names of the tables are known from one backup to the next. */
  notes: Notes;
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
export function guarded(backup: Job, { guard, good, notes }: GuardSettings): Job {
  return {
    ...backup,
    run: async (context) => {
      const before = good();
      const { tableNames: names = null, ...outcome } = await backup.run(context);
      const facts = before.map((run) => run.facts);
      const source = backup.source ?? '';
      const last = facts[0]?.snapshotId ?? null;
      const known = last === null ? null : knownTables(notes, source, last);
      const vanished = names === null || known === null ? [] : vanishedTables(known, names);
      const suspect = suspicion(outcome.facts, facts, guard, vanished);
      const { snapshotId } = outcome.facts;
      if (names !== null && snapshotId !== undefined) {
        rememberTables(notes, source, { snapshotId, names, beside: suspect === null ? null : last });
      }
      if (suspect === null) return outcome;
      const then = `if that is right, say so with \`holdfast accept ${source} --reason "…"\``;
      return {
        ...outcome,
        warnings: [`suspect, and not counted as a good backup: ${suspect}; ${then}`, ...outcome.warnings],
        facts: { ...outcome.facts, suspect },
      };
    },
  };
}

/**
 * Why a dump is suspect, as a sentence part; null where nothing is. `good`: what the good ones before it told, newest first; `vanished`: the
 * tables of the newest of them that are gone.
 */
export function suspicion(
  dump: RunFacts,
  good: RunFacts[],
  guard: Guard,
  vanished: string[] = [],
): string | null {
  if (guard === 'off') return null;
  const sizes = good.slice(0, USUAL_OF).flatMap(({ dumpBytes }) => dumpBytes ?? []);
  const usual = median(sizes);
  if (usual !== null && dump.dumpBytes !== undefined && dump.dumpBytes * 2 < usual) {
    return `the dump has ${humanBytes(dump.dumpBytes)}, less than half of the usual ${humanBytes(usual)} (the middle one of the last ${sizes.length})`;
  }
  if (guard !== 'tables') return null;
  const tables = good[0]?.tables;
  if (tables !== undefined && dump.tables !== undefined && dump.tables < tables) {
    const gone = vanished.length === 0 ? '' : `: ${named(vanished)} gone`;
    return `it has ${counted(dump.tables, 'table')}, ${tables - dump.tables} fewer than the last good backup${gone}`;
  }
  // As many others have come: a table that was renamed looks so, too.
  return vanished.length === 0 ? null : `of the tables of the last good backup ${named(vanished)} gone`;
}

const NAMED = 5;

function named(tables: string[]): string {
  const first = tables.slice(0, NAMED).join(', ');
  if (tables.length === 1) return `${first} is`;
  return tables.length > NAMED ? `${first} and ${tables.length - NAMED} more are` : `${first} are`;
}

/** Of an even number the smaller of the two in the middle: when in doubt, no alarm. */
function median(values: number[]): number | null {
  return values.toSorted((one, other) => one - other)[Math.ceil(values.length / 2) - 1] ?? null;
}
