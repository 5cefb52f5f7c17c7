import { HoldfastError } from '../../../core/errors.ts';
import type { DatabaseCharset } from '../contents.ts';
import type { Restored, SwapPlan } from '../../source.ts';
import { isDatabase } from '../names.ts';
import { readOutwardKeys, type OutwardKey } from './outward-keys.ts';
import { movedFrom, readPrograms, withoutDefiner, type Program } from './programs.ts';
import type { MysqlSession } from '../session.ts';

/** What a swap moves and makes. */
export interface MysqlSwap {
  target: string;
  fresh: string;
  keep: string;
  /** Some tables are swapped, and everything else in the target stays as it is. Not there for a swap of everything. */
  isOfSome?: true;
  /** Of the target, as it is and as it shall be. */
  oldCharset: DatabaseCharset;
  freshCharset: DatabaseCharset;
  /** Tables and sequences of the target that move out, and those of the new database, which move in. */
  oldTables: string[];
  freshTables: string[];
  /** Of some tables. */
  keys?: OutwardKey[];
  /** What the target shall have beside tables; of some tables, their triggers. */
  wanted: Program[];
  /** The same for the old one under its new name, in which no event runs. */
  kept: Program[];
  /** What of the target has to go before tables can be renamed, and comes back if they are not. */
  inTheWay: Program[];
}

/**
 * Reads both databases; changes nothing. `ofSome`: the new one holds some tables alone, and only these are replaced. Throws `rights_missing`
 * where it may not see what it would have to make.
 */
export async function planSwap(
  session: MysqlSession,
  target: string,
  { fresh, keep, loaded, ofSome }: { fresh: string; keep: string; loaded: Restored; ofSome: boolean },
): Promise<SwapPlan> {
  const freshTables = await listTables(session, fresh);
  const present = await listTables(session, target);
  const old = await readPrograms(session, target, ofSome ? freshTables : null);
  const made = await readPrograms(session, fresh);
  const unseen = made.find(({ create }) => create === null);
  if (unseen !== undefined) throw notSeen(unseen, session.account);
  if (ofSome) await refuseTriggerTwice(session, target, { tables: freshTables, made });
  const oldCharset = await charsetOf(session, target);
  const swap: MysqlSwap = {
    target,
    fresh,
    keep,
    ...(ofSome ? { isOfSome: true } : {}),
    oldCharset,
    freshCharset: ofSome ? oldCharset : await charsetOf(session, fresh),
    oldTables: ofSome ? present.filter((name) => freshTables.includes(name)) : present,
    freshTables,
    ...(ofSome ? { keys: await readOutwardKeys(session, { target, fresh, tables: freshTables }) } : {}),
    wanted: made
      .map((program) => movedFrom(fresh, program))
      // In a copy none runs: which of them did is known from the dump.
      .map((program) => ({ ...program, enabled: program.enabled || isStilled(program, loaded) })),
    kept: old
      .filter(({ create }) => create !== null)
      .map((program) => ({ ...withoutDefiner(movedFrom(target, program)), enabled: false })),
    inTheWay: old.filter(
      ({ kind, name }) => kind === 'TRIGGER' || (kind === 'VIEW' && freshTables.includes(name)),
    ),
  };
  return { fresh, keep, details: JSON.stringify(swap) };
}

export function readPlan({ details }: SwapPlan): MysqlSwap {
  return JSON.parse(details) as MysqlSwap;
}

/** Tables and MariaDB's sequences, which are tables too. */
export async function listTables(session: MysqlSession, database: string): Promise<string[]> {
  const rows = await session.query(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE ${isDatabase('table_schema', database)} AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')
      ORDER BY table_name`,
  );
  return rows.map(({ name }) => String(name));
}

/** Of a database that is there. */
export async function charsetOf(session: MysqlSession, database: string): Promise<DatabaseCharset> {
  const [row] = await session.query(
    `SELECT default_character_set_name AS charset, default_collation_name AS collation
      FROM information_schema.schemata WHERE ${isDatabase('schema_name', database)}`,
  );
  return { charset: String(row?.charset), collation: String(row?.collation) };
}

function isStilled({ kind, name }: Program, { stilledEvents }: Restored): boolean {
  return kind === 'EVENT' && stilledEvents.includes(name);
}

/** Throws `restore_failed` where a trigger of the new tables bears the name of one of a table that stays: a database has each name once. */
async function refuseTriggerTwice(
  session: MysqlSession,
  target: string,
  { tables, made }: { tables: string[]; made: Program[] },
): Promise<void> {
  const others = (await readPrograms(session, target)).filter(
    ({ kind, table }) => kind === 'TRIGGER' && !tables.includes(table ?? ''),
  );
  const plain = (name: string) => name.toLowerCase();
  for (const { name, table } of made) {
    const other = others.find((trigger) => plain(trigger.name) === plain(name));
    if (other === undefined) continue;
    throw new HoldfastError(
      'restore_failed',
      `trigger ${name} of the restored ${table} cannot be made: ${other.table}, which stays, has one of that name; ${target} was not touched`,
      {
        hint: `Restore ${other.table} together with it (--tables), or everything; or drop that trigger first.`,
      },
    );
  }
}

function notSeen({ kind, name }: Program, account: string): HoldfastError {
  return new HoldfastError(
    'rights_missing',
    `${account} may not see the ${kind.toLowerCase()} ${name} that it has just restored`,
    { hint: 'Restore as an administrator (docs/runbook.md, "Restore as another user"), or with --no-owner.' },
  );
}
