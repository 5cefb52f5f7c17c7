import { HoldfastError } from '../../../core/errors.ts';
import type { DatabaseCharset } from '../contents.ts';
import type { Restored, SwapPlan } from '../../source.ts';
import { isDatabase } from '../names.ts';
import { movedFrom, readPrograms, withoutDefiner, type Program } from './programs.ts';
import type { MysqlSession } from '../session.ts';

/** What a swap moves and makes. */
export interface MysqlSwap {
  target: string;
  fresh: string;
  keep: string;
  /** Of the target, as it is and as it shall be. */
  oldCharset: DatabaseCharset;
  freshCharset: DatabaseCharset;
  /** Tables and sequences of the target, and of the new database. */
  oldTables: string[];
  freshTables: string[];
  /** What the target shall have beside tables. */
  wanted: Program[];
  /** The same for the old one under its new name, in which no event runs. */
  kept: Program[];
  /** What of the target has to go before tables can be renamed, and comes back if they are not. */
  inTheWay: Program[];
}

/** Reads both databases; changes nothing. Throws `rights_missing` where it may not see what it would have to make. */
export async function planSwap(
  session: MysqlSession,
  target: string,
  { fresh, keep, loaded }: { fresh: string; keep: string; loaded: Restored },
): Promise<SwapPlan> {
  const freshTables = await listTables(session, fresh);
  const old = await readPrograms(session, target);
  const made = await readPrograms(session, fresh);
  const unseen = made.find(({ create }) => create === null);
  if (unseen !== undefined) throw notSeen(unseen, session.account);
  const swap: MysqlSwap = {
    target,
    fresh,
    keep,
    oldCharset: await charsetOf(session, target),
    freshCharset: await charsetOf(session, fresh),
    oldTables: await listTables(session, target),
    freshTables,
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

function notSeen({ kind, name }: Program, account: string): HoldfastError {
  return new HoldfastError(
    'rights_missing',
    `${account} may not see the ${kind.toLowerCase()} ${name} that it has just restored`,
    { hint: 'Restore as an administrator (docs/runbook.md, "Restore as another user"), or with --no-owner.' },
  );
}
