import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../errors.ts';
import { quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import type { MysqlSwap } from './plan.ts';

/** Another connection for the time of the work. */
export type Connect = <T>(work: (session: MysqlSession) => Promise<T>) => Promise<T>;

/** Of our own, in the database that is kept: whatever comes later in the order of names is locked later. */
export const GATES = ['~holdfast gate', '~holdfast gate opened'] as const;

const LOOK_EVERY_MS = 5;
/** Each table takes a connection. Triggers of those beyond are made right after the renaming. */
const MOST_TABLES = 20;

/**
 * MariaDB renames nothing that is locked. So that nobody writes to a new table before its triggers are there, the renaming is
 * made to stop at its last table, a gate that another connection holds, when it has locked all others. Then a lock of each table
 * that gets triggers waits behind it, and ahead of everybody else's statements; and only then the gate is opened. `make` makes what
 * the table needs while it is locked; returns the tables for which it was called.
 */
export async function renameWithWritersHeld(
  session: MysqlSession,
  connect: Connect,
  { swap, statement, tables }: { swap: MysqlSwap; statement: string; tables: string[] },
  make: (holder: MysqlSession, table: string) => Promise<void>,
): Promise<string[]> {
  const held = tables.slice(0, MOST_TABLES);
  const isLast = Buffer.compare(Buffer.from(swap.keep), Buffer.from(swap.target)) > 0;
  if (held.length === 0 || !isLast) {
    await session.query(statement);
    return [];
  }
  const [gate, opened] = GATES.map((name) => `${quoteName(swap.keep)}.${quoteName(name)}`);
  await session.query(`CREATE TABLE ${gate} (id int)`);
  await connect(async (keeper) => {
    await keeper.query(`LOCK TABLES ${gate} WRITE`);
    // Both are awaited below, where what became of them is told.
    let isOver = false;
    const renaming = session.query(`${statement}, ${gate} TO ${opened}`).finally(() => (isOver = true));
    renaming.catch(() => undefined);
    const over = () => isOver;
    const targets = held.map((table) => `${quoteName(swap.target)}.${quoteName(table)}`);
    await Promise.race([renaming, connect((probe) => untilLocked(probe, targets, over))]);
    const waiting: number[] = [];
    const holders = held.map((table, i) =>
      connect(async (holder) => {
        const [row] = await holder.query('SELECT CONNECTION_ID() AS id');
        waiting.push(Number(row?.id));
        await holder.query(`LOCK TABLES ${targets[i]} WRITE`);
        await renaming;
        await make(holder, table);
      }),
    );
    const made = Promise.all(holders);
    made.catch(() => undefined);
    await Promise.race([made, untilWaiting(keeper, waiting, held.length, over)]);
    await keeper.query('UNLOCK TABLES');
    await renaming;
    await made;
  });
  return held;
}

/** Until nobody gets at any of these any more. */
async function untilLocked(probe: MysqlSession, tables: string[], over: () => boolean): Promise<void> {
  await probe.query('SET SESSION lock_wait_timeout = 0');
  for (const table of tables) {
    while (!over() && !(await isLocked(probe, table))) await delay(LOOK_EVERY_MS);
  }
}

async function isLocked(probe: MysqlSession, table: string): Promise<boolean> {
  try {
    await probe.query(`LOCK TABLES ${table} READ`);
    await probe.query('UNLOCK TABLES');
    return false;
  } catch (error) {
    return codeOf(error) === 'ER_LOCK_WAIT_TIMEOUT';
  }
}

async function untilWaiting(
  session: MysqlSession,
  ids: number[],
  count: number,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    const [row] = await session.query(
      `SELECT COUNT(*) AS n FROM information_schema.processlist WHERE id IN (0${ids.map((id) => `, ${id}`).join('')})
        AND state LIKE 'Waiting for table%'`,
    );
    if (Number(row?.n) === count) return;
    await delay(LOOK_EVERY_MS);
  }
}
