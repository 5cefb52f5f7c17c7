import { describeError } from '../../core/errors.ts';
import type { Ledger, Run } from '../../ledger/ledger.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Source } from '../../sources/source.ts';
import type { Tenants } from '../../sources/tenants.ts';
import { sweepBeside } from './beside.ts';
import type { Notes } from '../init.ts';
import type { Dropped } from './drop-each.ts';
import { tellNotDropped } from './kept-database.ts';
import { dropAllKept } from './kept-schema.ts';
import { sweepRestorePoints } from './restore-point.ts';
import { settleUnfinishedSwap } from './settle-swap.ts';
import { sweepRoles } from './with-roles.ts';

interface Tidying {
  repository: Repository;
  ledger: Pick<Ledger, 'recent'> & Notes;
  host: string;
  sources: Source[];
  tell: (finding: string) => void;
}

/**
 * Ends or undoes a swap that was cut off, and removes what killed restores left: the database beside the target, and a restore point that nobody confirmed. Called under
 * the run lock; what cannot be done now is told, and never keeps a run from beginning.
 */
export async function tidyAfterRestores(
  interrupted: Run[],
  tidying: Tidying,
  signal: AbortSignal,
): Promise<void> {
  const { sources, ledger, host, tell } = tidying;
  for (const source of sources) {
    const attempt = async (work: () => Promise<unknown>) =>
      work().catch((error: unknown) =>
        tell(
          `what a killed restore of ${source.name} left is not removed yet: ${describeError(error).message}`,
        ),
      );
    await attempt(async () => {
      const settled = await settleUnfinishedSwap(source, ledger, signal);
      if (settled !== null) tell(told(source, settled));
      const swept = await sweepBeside(source, { host, notes: ledger }, signal);
      if (swept !== null) tell(`dropped ${swept}, which a restore of ${source.name} left when it was killed`);
      const roles = await sweepRoles(source, ledger, signal);
      if (roles !== null) tell(roles);
    });
    for (const run of interrupted) {
      if (run.job !== 'restore' || run.source !== source.name) continue;
      await attempt(() => sweepRestorePoints(source.name, tidying, new Date(run.startedAt), signal));
    }
  }
}

function told({ name, database }: Source, end: 'undone' | 'done'): string {
  return end === 'undone'
    ? `a restore of ${name} was killed before it took its place: ${database} is as it was before it`
    : `ended a restore of ${name} that was killed: ${database} has what it restored`;
}

/** Drops the databases and schemas whose week has passed; what could not be dropped is a sentence part each. */
export async function dropReplaced(
  sources: { source: Source; tenants: Tenants | null }[],
  notes: Notes,
  now: Date,
  signal: AbortSignal,
): Promise<Dropped> {
  const dropped: string[] = [];
  const failures: string[] = [];
  for (const one of sources) {
    const ended = await dropAllKept(one, notes, { now, all: false }, signal);
    dropped.push(...ended.dropped);
    failures.push(...ended.failures.map((failure) => tellNotDropped(one.source.name, failure)));
  }
  return { dropped, failures };
}
