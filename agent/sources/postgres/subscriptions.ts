import type { WholeEntry } from './archive-contents.ts';
import { quoteIdentifier } from './names.ts';
import type { PostgresSession } from './session.ts';

/** The names of the subscriptions in an archive. */
export function subscriptionsIn(entries: WholeEntry[]): string[] {
  return entries.filter(isSubscription).map(({ tag }) => tag);
}

/**
 * A copy may have none: it would take what the original is sent, whose slot on the other server it names, and the server drops no database
 * that has one.
 */
export function withoutSubscriptions<E extends WholeEntry>(entries: E[]): E[] {
  const left = new Set(entries.filter(isSubscription).map(({ id }) => id));
  if (left.size === 0) return entries;
  return entries.filter(
    ({ id, dependencies }) => !left.has(id) && !dependencies.some((other) => left.has(other)),
  );
}

/** What is to be known of those that a copy lacks, as sentence parts. */
export function tellLeftOut(names: string[], target: string): string[] {
  if (names.length === 0) return [];
  return [
    `${target} lacks what the original subscribes to, for it would take from the same slot: ${names.join(', ')}`,
  ];
}

/** What a person has to do so that those which came back go on, as sentence parts. pg_dump lets none of them begin by itself. */
export function tellDisabled(names: string[], database: string): string[] {
  return names.map((name) => {
    const alter = `ALTER SUBSCRIPTION ${quoteIdentifier(name)}`;
    return `subscription ${name} of ${database} came back disabled, and gets nothing until somebody has seen where its slot stands (docs/runbook.md, "Subscriptions") and says ${alter} ENABLE; ${alter} REFRESH PUBLICATION WITH (copy_data = false);`;
  });
}

/** How many of them a database has, which may be another than the session's. */
export async function countSubscriptions(session: PostgresSession, database: string): Promise<number> {
  const [row] = await session.query(
    'SELECT count(*) AS n FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = $1',
    [database],
  );
  return Number(row?.n);
}

/** Drops those of the database that the session is in. The slots on the other servers stay: they may be the original's. */
export async function forgetSubscriptions(session: PostgresSession): Promise<void> {
  const rows = await session.query(
    `SELECT subname AS name FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
      WHERE d.datname = current_database()`,
  );
  for (const { name } of rows) {
    const called = quoteIdentifier(String(name));
    await session.query(`ALTER SUBSCRIPTION ${called} DISABLE`);
    await session.query(`ALTER SUBSCRIPTION ${called} SET (slot_name = NONE)`);
    await session.query(`DROP SUBSCRIPTION ${called}`);
  }
}

function isSubscription({ kind }: WholeEntry): boolean {
  return kind === 'SUBSCRIPTION';
}
