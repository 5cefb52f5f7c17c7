import { HoldfastError } from '../../core/errors.ts';
import type { AtOnce, Hurdle } from '../../sources/source.ts';
import { datedName } from './kept-database.ts';
import { isEmpty } from './restore-point.ts';
import type { Planned } from './restoration.ts';

/** How the source's own database becomes what the dump has. */
export type Way =
  /** It is not there. */
  | { kind: 'new' }
  /** Some of them, dropped and loaded: in one transaction for null, otherwise one after another, which `hurdle` says why. */
  | { kind: 'tables'; hurdle: Hurdle | null }
  | { kind: 'swap' }
  /** Where there is no swap; `hurdle` says why, and is null where nothing is there that could be lost. */
  | { kind: 'at-once'; atOnce: AtOnce; hurdle: Hurdle | null }
  | { kind: 'in-place'; hurdle: Hurdle | null };

/**
 * Finds out, before anything begins, which way this user can go, and refuses what would end half way: `rights_missing` with the statement
 * that mends it, or `usage` where a kill would leave the database without its contents and nobody has said that it may.
 */
export async function chooseWay(restoration: Planned, there: boolean): Promise<Way> {
  const { source, tables, settings, context } = restoration;
  if (!there && tables !== null) throw nothingToReplace(restoration);
  if (tables !== null) return wayOfTables(restoration, tables);
  if (!there) return source.renames ? { kind: 'swap' } : { kind: 'new' };
  const hurdle = await source.swapHurdle(datedName(source.database, settings.now()), context.signal);
  if (hurdle === null) return { kind: 'swap' };
  const { atOnce } = source;
  const lacks = (await atOnce?.hurdle(context.signal)) ?? null;
  if (lacks !== null) throw neitherWay(restoration, hurdle, lacks);
  const isInUse = !(await isEmpty(source, settings.asItIs, context.signal));
  if (atOnce !== undefined) return { kind: 'at-once', atOnce, hurdle: isInUse ? hurdle : null };
  if (isInUse && !settings.inPlace) throw unsaid(restoration, hurdle);
  return { kind: 'in-place', hurdle: isInUse ? hurdle : null };
}

/** Where databases are not renamed but their tables, some of them can be swapped alone; elsewhere one transaction replaces them. */
async function wayOfTables({ source, settings, context }: Planned, tables: string[]): Promise<Way> {
  if (source.renames) return { kind: 'tables', hurdle: null };
  const hurdle = await source.swapHurdle(datedName(source.database, settings.now()), context.signal, tables);
  if (hurdle === null) return { kind: 'swap' };
  if (!settings.inPlace) throw unsaidOfTables(source.database, tables, hurdle);
  return { kind: 'tables', hurdle };
}

function nothingToReplace({ source }: Planned): HoldfastError {
  return new HoldfastError(
    'usage',
    `there is no database ${source.database} in which tables could be replaced`,
    { hint: 'Restore them into a new database with --to NAME, or everything without --tables.' },
  );
}

function neitherWay({ source }: Planned, swap: Hurdle, atOnce: Hurdle): HoldfastError {
  return new HoldfastError(
    'rights_missing',
    `${source.database} can neither be swapped for a new one (${swap.detail}) nor be replaced in one transaction (${atOnce.detail}); nothing was changed`,
    { hint: `${atOnce.mend} Or, for the swap: ${swap.mend}` },
  );
}

/** Definitions obey no transaction there: what empties and loads leaves, if it is killed, a part. */
function unsaid({ source }: Planned, hurdle: Hurdle): HoldfastError {
  return new HoldfastError(
    'usage',
    `${source.database} could only be emptied and loaded, not replaced at one moment: ${hurdle.detail}; nothing was changed`,
    {
      hint: `${hurdle.mend} To empty and load it all the same, add --in-place: killed meanwhile it is not whole, and its backups fail, until the restore is run again.`,
    },
  );
}

function unsaidOfTables(database: string, tables: string[], hurdle: Hurdle): HoldfastError {
  return new HoldfastError(
    'usage',
    `${tables.join(', ')} of ${database} could only be dropped and loaded one after another, not replaced at one moment: ${hurdle.detail}; nothing was changed`,
    {
      hint: `${hurdle.mend} To look at them beside, restore them with --to NAME. To drop and load them all the same, add --in-place: who reads them meanwhile finds them missing or half loaded, and killed meanwhile they stay so, and backups fail, until the restore is run again.`,
    },
  );
}
