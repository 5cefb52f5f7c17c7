import { quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import { listTables, type MysqlSwap } from './plan.ts';

/**
 * All tables of the target out, then all new ones in, by one statement: names of constraints are unique in a database, and
 * foreign keys follow what is renamed. Null where there is nothing to rename.
 */
export function renaming({ target, fresh, keep }: MysqlSwap, left: TablesLeft): string | null {
  const moves = [
    ...left.out.map((name) => move(target, keep, name)),
    ...left.in.map((name) => move(fresh, target, name)),
  ];
  return moves.length === 0 ? null : `RENAME TABLE ${moves.join(', ')}`;
}

/** What is still to be renamed. */
export interface TablesLeft {
  out: string[];
  in: string[];
}

/** Before anything was. */
export function allTables({ oldTables, freshTables }: MysqlSwap): TablesLeft {
  return { out: oldTables, in: freshTables };
}

/**
 * Null while nothing was renamed. On servers that keep their promise it is all or nothing afterwards; what a crash of one that does
 * not leaves is in between.
 */
export async function readTablesLeft(session: MysqlSession, swap: MysqlSwap): Promise<TablesLeft | null> {
  const kept = new Set(await listTables(session, swap.keep));
  const fresh = new Set(await listTables(session, swap.fresh));
  const present = new Set(await listTables(session, swap.target));
  const out = swap.oldTables.filter((name) => !kept.has(name));
  const left = swap.freshTables.filter((name) => fresh.has(name));
  const isBegun =
    swap.oldTables.length > 0
      ? out.length < swap.oldTables.length
      : left.length === 0 && swap.freshTables.every((name) => present.has(name));
  return isBegun ? { out, in: left } : null;
}

function move(from: string, to: string, name: string): string {
  const table = quoteName(name);
  return `${quoteName(from)}.${table} TO ${quoteName(to)}.${table}`;
}
