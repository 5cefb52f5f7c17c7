import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../core/errors.ts';
import type { SwapPlan } from '../../source.ts';
import { errorFields } from '../../error-fields.ts';
import { codeOf, statementError } from '../errors.ts';
import { readGrants } from '../grants.ts';
import { isDatabase, quoteName } from '../names.ts';
import { createDatabase, dropDatabase, systemUserError } from '../objects.ts';
import { listSequences } from '../proof/objects.ts';
import type { MysqlSession } from '../session.ts';
import { GATES, renameWithWritersHeld, type Connect } from './hold-writers.ts';
import {
  makeProgram,
  makeProgramsAlike,
  makeProgramUnderItsCollation,
  setCollation,
  tellMissing,
} from './make-programs.ts';
import { charsetOf, listTables, readPlan, type MysqlSwap } from './plan.ts';
import { dropKeysOut, pointKeys } from './outward-keys.ts';
import { pointDefaults } from './point-defaults.ts';
import type { Program } from './programs.ts';
import { allTables, readTablesLeft, renaming, type TablesLeft } from './rename.ts';
import { refuseTied, tiedToKept } from './tie.ts';
import { Untriggered } from './untriggered.ts';

/** Everything that reads or writes one of the tables is waited for so long, and all that comes after it waits too. */
const LOCK_WAIT_SECONDS = 5;
/** Nobody waits behind it any more, but for who makes use of a view that is replaced. */
const SETTLE_WAIT_SECONDS = 60;
/** A killed agent's statement ends when the server finds its connection closed, or its wait is over. */
const PREDECESSOR_SECONDS = 6 * LOCK_WAIT_SECONDS;

/**
 * Puts the new tables in the place of the old ones by one statement, and then what no rename moves. Returns what the kept
 * database lacks, as sentence parts. Throws while the target is as it was or may be put in order by `settleTables`.
 */
export async function swapTables(session: MysqlSession, connect: Connect, plan: SwapPlan): Promise<string[]> {
  const swap = readPlan(plan);
  try {
    await beAlone(session, swap);
    await session.query(`SET SESSION lock_wait_timeout = ${LOCK_WAIT_SECONDS}`);
    await createDatabase(session, swap.keep, { own: swap.target, charset: swap.oldCharset });
    await dropTriggers(session, swap.fresh, swap.wanted);
    await pointAhead(session, swap);
    await renameTables(session, connect, swap);
    const { warnings, keysLeft } = await complete(session, swap);
    const tied = swap.isOfSome === true ? await tiedToKept(session, swap.keep) : [];
    return [...warnings, ...keysLeft, ...tied];
  } catch (error) {
    throw error instanceof Untriggered
      ? error.toldWith(swapError(swap, error.cause))
      : swapError(swap, error);
  }
}

/** Puts in order what a swap left that was cut off: back to the old state where no table was renamed, to the new one otherwise. */
export async function settleTables(session: MysqlSession, plan: SwapPlan): Promise<'undone' | 'done'> {
  const swap = readPlan(plan);
  try {
    await beAlone(session, swap);
    await session.query(`SET SESSION lock_wait_timeout = ${SETTLE_WAIT_SECONDS}`);
    const left = await readTablesLeft(session, swap);
    if (left === null) {
      await putBack(session, swap);
      return 'undone';
    }
    const rest = renaming(swap, left);
    if (rest !== null) await session.query(rest);
    const { keysLeft } = await complete(session, swap);
    if (keysLeft.length === 0) return 'done';
    throw new HoldfastError(
      'restore_failed',
      `${swap.target} has what was restored, and ${keysLeft.join('; ')}`,
    );
  } catch (error) {
    throw statementError(error, `cannot put ${swap.target} in order after a swap that was cut off`, null);
  }
}

/** Ends with the session: whoever settles waits until the statements of a killed agent are over. */
async function beAlone(session: MysqlSession, { target }: MysqlSwap): Promise<void> {
  // A name has 64 characters at most.
  const name = `holdfast_swap_${createHash('sha256').update(target).digest('hex').slice(0, 32)}`;
  const [row] = await session.query('SELECT GET_LOCK(?, ?) AS got', [name, PREDECESSOR_SECONDS]);
  if (Number(row?.got) === 1) return;
  throw new HoldfastError('restore_failed', `another restore of ${target} is still at work on the server`, {
    hint: 'Wait until its statements have ended (SHOW PROCESSLIST), then try again.',
  });
}

/**
 * The new tables draw from the target's sequences from their first moment there. Where it has not got one of them yet, its default cannot name
 * it: inserts that draw from it fail for the moment between the renaming and `complete`.
 */
async function pointAhead(session: MysqlSession, { target, fresh, oldTables }: MysqlSwap): Promise<void> {
  const missing = (await listSequences(session, fresh)).filter((name) => !oldTables.includes(name));
  if (missing.length === 0) await pointDefaults(session, fresh, { from: fresh, to: target });
}

/** From the first trigger that is dropped to the last that is made, nobody writes to what gets triggers. */
async function renameTables(session: MysqlSession, connect: Connect, swap: MysqlSwap): Promise<void> {
  const { target, inTheWay, wanted } = swap;
  for (const { name } of inTheWay.filter(({ kind }) => kind === 'VIEW'))
    await session.query(`DROP VIEW IF EXISTS ${quoteName(target)}.${quoteName(name)}`);
  const statement = renaming(swap, allTables(swap));
  if (statement === null) return;
  const triggers = wanted.filter(({ kind }) => kind === 'TRIGGER');
  // Mostly all were made under one, which need not be that of today; and no database is altered under a lock.
  await haveCollation(session, target, triggers[0]?.databaseCollation ?? swap.freshCharset.collation);
  if (swap.isOfSome === true)
    await refuseTied(session, target, { tables: swap.freshTables, grants: await readGrants(session) });
  // As late as can be: whoever is killed from here on leaves keys that hold on to tables that live.
  await pointKeys(session, swap.fresh, swap.keys ?? []);
  // Waits until nobody is in the middle of something.
  await session.query(lockingAll(swap, allTables(swap)));
  await dropTriggers(session, target, inTheWay);
  if (session.flavour === 'mysql') {
    await session.query(statement);
    await makeTriggers(session, target, triggers);
    await session.query('UNLOCK TABLES');
    return;
  }
  await session.query('UNLOCK TABLES');
  const of = (table: string) => triggers.filter((trigger) => trigger.table === table);
  const tables = tablesOf(triggers);
  const made = await renameWithWritersHeld(session, connect, { swap, statement, tables }, (holder, table) =>
    makeTriggers(holder, target, of(table)),
  ).catch((error: unknown) => {
    throw new Untriggered(tablesOf([...inTheWay, ...triggers]), error);
  });
  for (const table of tables.filter((name) => !made.includes(name)))
    await makeTriggers(session, target, of(table));
}

function tablesOf(programs: Program[]): string[] {
  const triggers = programs.filter(({ kind }) => kind === 'TRIGGER');
  return [...new Set(triggers.map(({ table }) => table ?? ''))].toSorted();
}

async function makeTriggers(session: MysqlSession, target: string, triggers: Program[]): Promise<void> {
  await session.query(`USE ${quoteName(target)}`);
  const [row] = await session.query('SELECT @@collation_database AS collation');
  // What was made under yet another collation comes with the views.
  for (const trigger of triggers.filter(({ databaseCollation }) => databaseCollation === row?.collation))
    await makeProgram(session, trigger);
}

const TRIES = 3;

/** What is left to do when all tables are where they belong. */
async function complete(
  session: MysqlSession,
  swap: MysqlSwap,
): Promise<{ warnings: string[]; keysLeft: string[] }> {
  const { target, fresh, keep } = swap;
  // First, for what is kept changes with what its keys lead to; and once more at the end, when nobody waits for the rest.
  if (swap.isOfSome === true) await dropKeysOut(session, keep, 1);
  await pointDefaults(session, target, { from: fresh, to: target });
  const astray = await pointKept(session, swap);
  await haveCollation(session, target, swap.freshCharset.collation);
  const [missing] = await makeProgramsAlike(session, target, swap.wanted, scopeOf(swap));
  if (missing !== undefined) {
    throw new HoldfastError('restore_failed', `${target} has its tables, and lacks ${tellMissing(missing)}`, {
      cause: missing.error,
    });
  }
  // Of some tables there may have been none before: nothing is kept then.
  const keepsNone = swap.isOfSome === true && swap.oldTables.length === 0;
  const lacking = keepsNone ? [] : await makeProgramsAlike(session, keep, swap.kept);
  const [left] = await listTables(session, swap.fresh);
  if (left !== undefined)
    throw new HoldfastError('restore_failed', `table ${left} is still in ${swap.fresh}`);
  await dropDatabase(session, swap.fresh);
  if (keepsNone) await dropDatabase(session, keep);
  else
    for (const gate of GATES)
      await session.query(`DROP TABLE IF EXISTS ${quoteName(swap.keep)}.${quoteName(gate)}`);
  return {
    warnings: [...astray, ...lacking.map((one) => `${keep} lacks ${tellMissing(one)}`)],
    keysLeft: swap.isOfSome === true ? await dropKeysOut(session, keep, TRIES) : [],
  };
}

/** The kept tables draw from the sequences that went with them; of some tables none went. */
async function pointKept(session: MysqlSession, { target, keep, isOfSome }: MysqlSwap): Promise<string[]> {
  if (isOfSome === true) return [];
  try {
    await pointDefaults(session, keep, { from: target, to: keep });
    return [];
  } catch (error) {
    // One whose sequence was gone already cannot, and works as little as before.
    return [`defaults in ${keep} may draw from sequences of ${target} (${errorFields(error).message})`];
  }
}

/** The tables whose triggers alone are a swap's business; null where everything in the target is. */
function scopeOf({ isOfSome, oldTables, freshTables }: MysqlSwap): string[] | null {
  return isOfSome === true ? [...oldTables, ...freshTables] : null;
}

/** As if nothing had been begun. */
async function putBack(session: MysqlSession, swap: MysqlSwap): Promise<void> {
  const kept = await listTables(session, swap.keep);
  const isOurs = (name: string) => (GATES as readonly string[]).includes(name);
  if (kept.every(isOurs)) await dropDatabase(session, swap.keep);
  await haveCollation(session, swap.target, swap.oldCharset.collation);
  await session.query(`USE ${quoteName(swap.target)}`);
  const there = await session.query(
    `SELECT 'TRIGGER' AS kind, trigger_name AS name FROM information_schema.triggers WHERE ${isDatabase('trigger_schema', swap.target)}
     UNION ALL SELECT 'VIEW', table_name FROM information_schema.views WHERE ${isDatabase('table_schema', swap.target)}`,
  );
  for (const program of swap.inTheWay) {
    if (there.some(({ kind, name }) => kind === program.kind && name === program.name)) continue;
    await makeProgramUnderItsCollation(
      session,
      { database: swap.target, collation: swap.oldCharset.collation },
      program,
    );
  }
}

async function haveCollation(session: MysqlSession, database: string, collation: string): Promise<void> {
  if ((await charsetOf(session, database)).collation !== collation)
    await setCollation(session, database, collation);
}

async function dropTriggers(session: MysqlSession, database: string, programs: Program[]): Promise<void> {
  for (const { name } of programs.filter(({ kind }) => kind === 'TRIGGER'))
    await session.query(`DROP TRIGGER IF EXISTS ${quoteName(database)}.${quoteName(name)}`);
}

function lockingAll({ target, fresh }: MysqlSwap, tables: TablesLeft): string {
  const locked = [
    ...tables.out.map((name) => `${quoteName(target)}.${quoteName(name)} WRITE`),
    ...tables.in.map((name) => `${quoteName(fresh)}.${quoteName(name)} WRITE`),
  ];
  return `LOCK TABLES ${locked.join(', ')}`;
}

function swapError(swap: MysqlSwap, error: unknown): HoldfastError {
  const what = `cannot put the restored tables in the place of those of ${swap.target}`;
  if (/^ER_LOCK_(WAIT_TIMEOUT|DEADLOCK)$/.test(codeOf(error))) return inUse(what, swap, error);
  return systemUserError(error, what) ?? statementError(error, what, null);
}

function inUse(what: string, { target }: MysqlSwap, cause: unknown): HoldfastError {
  return new HoldfastError(
    'restore_failed',
    codeOf(cause) === 'ER_LOCK_DEADLOCK'
      ? `${what}: the server found a deadlock with somebody who uses them`
      : `${what}: somebody kept using one of them for ${LOCK_WAIT_SECONDS} s`,
    {
      hint: `Stop what is connected to ${target} (SHOW PROCESSLIST), or let its transactions end, and restore again.`,
      cause,
    },
  );
}
