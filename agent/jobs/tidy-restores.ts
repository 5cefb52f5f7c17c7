import { describeError } from '../core/errors.ts';
import type { Run } from '../ledger/ledger.ts';
import type { Repository } from '../repository/repository.ts';
import type { Source } from '../sources/source.ts';
import type { Tenants } from '../sources/tenants.ts';
import { sweepBeside } from './beside.ts';
import type { Notes } from './init.ts';
import { dropKept } from './kept-database.ts';
import { dropKeptSchemas } from './kept-schema.ts';
import { sweepRestorePoints } from './restore-point.ts';

interface Tidying {
  repository: Repository;
  notes: Notes;
  host: string;
  sources: Source[];
  tell: (finding: string) => void;
}

/**
 * Removes what killed restores left: the database beside the target, and a restore point that nobody confirmed. Called under
 * the run lock; what cannot be done now is told, and never keeps a run from beginning.
 */
export async function tidyAfterRestores(
  interrupted: Run[],
  tidying: Tidying,
  signal: AbortSignal,
): Promise<void> {
  const { sources, notes, host, tell } = tidying;
  for (const source of sources) {
    const attempt = async (work: () => Promise<unknown>) =>
      work().catch((error: unknown) =>
        tell(
          `what a killed restore of ${source.name} left is not removed yet: ${describeError(error).message}`,
        ),
      );
    await attempt(async () => {
      const swept = await sweepBeside(source, { host, notes }, signal);
      if (swept !== null) tell(`dropped ${swept}, which a restore of ${source.name} left when it was killed`);
    });
    for (const run of interrupted) {
      if (run.job !== 'restore' || run.source !== source.name) continue;
      await attempt(() => sweepRestorePoints(source.name, tidying, new Date(run.startedAt), signal));
    }
  }
}

/** Drops the databases and schemas whose week has passed; what could not be dropped is a sentence part each. */
export async function dropReplaced(
  sources: { source: Source; tenants: Tenants | null }[],
  notes: Notes,
  now: Date,
  signal: AbortSignal,
): Promise<{ dropped: string[]; failures: string[] }> {
  const dropped: string[] = [];
  const failures: string[] = [];
  for (const { source, tenants } of sources) {
    const drop = async () => {
      dropped.push(...(await dropKept(source, notes, { now, all: false }, signal)));
      if (tenants === null) return;
      const kept = { name: source.name, tenants };
      dropped.push(...(await dropKeptSchemas(kept, notes, { now, all: false }, signal)));
    };
    await drop().catch((error: unknown) => {
      signal.throwIfAborted();
      failures.push(
        `what a restore of ${source.name} replaced a week ago is not dropped: ${describeError(error).message}`,
      );
    });
  }
  return { dropped, failures };
}
