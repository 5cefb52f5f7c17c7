import { HoldfastError } from '../../core/errors.ts';
import { errorFields } from '../error-fields.ts';
import { codeOf, statementError } from './errors.ts';
import type { DatabaseCharset } from './contents.ts';
import { isDatabase, quoteAccount, quoteName, quotePattern } from './names.ts';
import type { MysqlSession } from './session.ts';
import { requireSpelling } from './spelling.ts';
import { SCRATCH } from '../../core/scratch-name.ts';
import type { Inventory } from '../source.ts';

/** Exact counts, all tables at one moment. */
export async function inspectDatabase(session: MysqlSession, database: string): Promise<Inventory> {
  await requireDatabase(session, database);
  const objects = await listObjects(session, database);
  const tables: Inventory['tables'] = [];
  try {
    await session.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    for (const { name } of objects.filter(({ kind }) => kind === 'TABLE')) {
      const [row] = await session.query(
        `SELECT COUNT(*) AS n FROM ${quoteName(database)}.${quoteName(name)}`,
      );
      tables.push({ name, rows: Number(row?.n) });
    }
    await session.query('COMMIT');
  } catch (error) {
    throw denied(error, `cannot count the rows of ${database}`);
  }
  const count = (...kinds: string[]) => objects.filter(({ kind }) => kinds.includes(kind)).length;
  return {
    tables,
    views: count('VIEW'),
    routines: count('PROCEDURE', 'FUNCTION', 'PACKAGE'),
    triggers: count('TRIGGER'),
    events: count('EVENT'),
  };
}

/**
 * Throws `target_not_empty` when there is one of that name, `rights_missing` with the GRANT that allows it. `own` is the source's database,
 * which nobody is told to drop.
 */
export async function createDatabase(
  session: MysqlSession,
  target: string,
  { own, charset }: { own: string; charset: DatabaseCharset | null },
): Promise<void> {
  await requireSpelling(session, target);
  const like = charset === null ? '' : ` CHARACTER SET ${charset.charset} COLLATE ${charset.collation}`;
  try {
    await session.query(`CREATE DATABASE ${quoteName(target)}${like}`);
  } catch (error) {
    if (codeOf(error) === 'ER_DB_CREATE_EXISTS') {
      throw new HoldfastError('target_not_empty', `there is a database ${target} already`, {
        hint:
          target === own
            ? 'It is the one that is backed up: restore over it, without --to, and what is in it is kept.'
            : 'Choose another name, or drop that database first.',
        cause: error,
      });
    }
    throw statementError(error, `cannot create the database ${target}`, grantAll(session, target));
  }
}

/** Removes every object. Events go first, so that none runs meanwhile. */
export async function emptyDatabase(session: MysqlSession, target: string): Promise<void> {
  await requireDatabase(session, target);
  // Before anything is dropped: tables refer to each other in any order, and circles.
  await session.query('SET SESSION foreign_key_checks = 0');
  const order = ['EVENT', 'VIEW', 'TABLE', 'SEQUENCE', 'PROCEDURE', 'FUNCTION', 'PACKAGE'];
  const objects = await listObjects(session, target);
  try {
    for (const kind of order) {
      for (const object of objects.filter((candidate) => candidate.kind === kind)) {
        await session.query(`DROP ${kind} IF EXISTS ${quoteName(target)}.${quoteName(object.name)}`);
      }
    }
  } catch (error) {
    const what = `cannot empty the database ${target}`;
    throw systemUserError(error, what) ?? statementError(error, what, grantAll(session, target));
  }
  const [left] = (await listObjects(session, target)).filter(({ kind }) => kind !== 'TRIGGER');
  if (left === undefined) return;
  throw new HoldfastError(
    'target_not_empty',
    `${left.kind.toLowerCase()} ${left.name} is still in ${target}`,
    {
      hint: 'Somebody creates objects there while it is emptied: stop the application first.',
    },
  );
}

export async function dropDatabase(session: MysqlSession, target: string): Promise<void> {
  try {
    await session.query(`DROP DATABASE IF EXISTS ${quoteName(target)}`);
  } catch (error) {
    throw statementError(error, `cannot drop the database ${target}`, grantAll(session, target));
  }
}

/** Throws `configuration` where the server would write such a name otherwise. */
export async function listDatabases(session: MysqlSession, prefix: string): Promise<string[]> {
  await requireSpelling(session, prefix);
  const rows = await session.query('SELECT schema_name AS name FROM information_schema.schemata');
  return rows
    .map(({ name }) => String(name))
    .filter((name) => name.startsWith(prefix))
    .sort();
}

async function requireDatabase(session: MysqlSession, database: string): Promise<void> {
  const rows = await session.query(
    `SELECT 1 FROM information_schema.schemata WHERE ${isDatabase('schema_name', database)}`,
  );
  if (rows.length > 0) return;
  throw new HoldfastError(
    'source_denied',
    `there is no database ${database}, or ${session.account} has no right on it`,
  );
}

async function listObjects(
  session: MysqlSession,
  database: string,
): Promise<{ kind: string; name: string }[]> {
  const kinds: Record<string, string> = {
    'BASE TABLE': 'TABLE',
    'SYSTEM VERSIONED': 'TABLE',
    // Dropping a package drops its body, which is listed beside it.
    'PACKAGE BODY': 'PACKAGE BODY',
  };
  const rows = await session.query(
    `SELECT table_type AS kind, table_name AS name FROM information_schema.tables WHERE ${isDatabase('table_schema', database)}
     UNION ALL SELECT routine_type, routine_name FROM information_schema.routines WHERE ${isDatabase('routine_schema', database)}
     UNION ALL SELECT 'TRIGGER', trigger_name FROM information_schema.triggers WHERE ${isDatabase('trigger_schema', database)}
     UNION ALL SELECT 'EVENT', event_name FROM information_schema.events WHERE ${isDatabase('event_schema', database)}`,
  );
  const objects = rows.map(({ kind, name }) => ({
    kind: kinds[String(kind)] ?? String(kind),
    name: String(name),
  }));
  return objects.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** MySQL 8: what an account with SYSTEM_USER defined, none without may drop, whatever it was granted on the database. Null for other errors. */
export function systemUserError(error: unknown, what: string): HoldfastError | null {
  const { message } = errorFields(error);
  if (!message.includes('SYSTEM_USER')) return null;
  return new HoldfastError('rights_missing', `${what}: ${message}`, {
    hint: 'Restore as an administrator: one of them made what is in it (docs/runbook.md, "Restore as another user").',
    cause: error,
  });
}

/** Scratch databases have a new name every time: their grant is for all of them. */
function grantAll(session: MysqlSession, target: string): string {
  const pattern = target.startsWith(SCRATCH)
    ? quotePattern(SCRATCH).replace(/`$/, '%`')
    : quotePattern(target);
  return `GRANT ALL PRIVILEGES ON ${pattern}.* TO ${quoteAccount(session.account)};`;
}

function denied(error: unknown, what: string): HoldfastError {
  const told = statementError(error, what, null);
  return told.kind === 'rights_missing'
    ? new HoldfastError('source_denied', told.message, { cause: error })
    : told;
}
