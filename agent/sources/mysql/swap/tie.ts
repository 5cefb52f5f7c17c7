import { HoldfastError } from '../../../core/errors.ts';
import type { Hurdle } from '../../source.ts';
import type { MysqlGrants } from '../grants.ts';
import { isDatabase, quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import { listTables } from './plan.ts';

/**
 * What of a database would not stay as it is if these of its tables were swapped alone: foreign keys follow what they point to, so that
 * those of other tables would go with the old one. Those that go out of a chosen table are no hurdle: see `outward-keys.ts`.
 */
export async function findTie(
  session: MysqlSession,
  target: string,
  tables: string[],
  grants: MysqlGrants,
): Promise<Hurdle | null> {
  // MariaDB looks for names without regard to case there, whatever they are on the disk.
  const view = (
    await session.query(
      `SELECT table_name AS name FROM information_schema.views WHERE ${isDatabase('table_schema', target)}`,
    )
  ).find(({ name }) => tables.includes(String(name)));
  if (view !== undefined) {
    const name = `${quoteName(target)}.${quoteName(String(view.name))}`;
    return {
      detail: `${String(view.name)} is a view there by now, and no table`,
      mend: `Drop it before the restore (DROP VIEW ${name};).`,
    };
  }
  const present = (await listTables(session, target)).filter((name) => tables.includes(name));
  const key = (await keysTo(session, target, grants)).find(
    ({ parent, child, database }) =>
      present.includes(parent) && !(database === target && tables.includes(child)),
  );
  if (key === undefined) return null;
  const child = key.database === target ? key.child : `${key.database}.${key.child}`;
  return {
    detail: `a foreign key goes from ${child} to ${key.parent}, and would go with the old table`,
    mend:
      key.database === target
        ? `Restore ${key.child} together with it (--tables), or everything.`
        : 'Drop it before the restore and make it anew afterwards.',
  };
}

/** Throws `restore_failed` for such a tie: what was seen before the load may have changed meanwhile. */
export async function refuseTied(
  session: MysqlSession,
  target: string,
  { tables, grants }: { tables: string[]; grants: MysqlGrants },
): Promise<void> {
  const tie = await findTie(session, target, tables, grants);
  if (tie === null) return;
  throw new HoldfastError(
    'restore_failed',
    `${tables.join(', ')} of ${target} cannot be swapped alone any more: ${tie.detail}; ${target} was not touched`,
    { hint: tie.mend },
  );
}

/**
 * Keys that were made while the tables were swapped, and lead to the old ones now, as sentence parts with what drops them. MariaDB gives its locks
 * back before it renames, so that somebody may come in between.
 */
export async function tiedToKept(session: MysqlSession, keep: string): Promise<string[]> {
  const keys = await seenKeysTo(session, keep);
  return keys
    .filter(({ db }) => db !== keep)
    .map(({ db, child, name, parent }) => {
      const table = `${quoteName(String(db))}.${quoteName(String(child))}`;
      return `a foreign key that was made meanwhile goes from ${table} to the old table, ${keep}.${String(parent)}: drop it (ALTER TABLE ${table} DROP FOREIGN KEY ${quoteName(String(name))};) and make it anew`;
    });
}

/** A foreign key to a table of the target. */
interface Key {
  database: string;
  child: string;
  parent: string;
}

async function keysTo(session: MysqlSession, target: string, grants: MysqlGrants): Promise<Key[]> {
  const seen = await seenKeysTo(session, target);
  const hidden = grants.globally('PROCESS') ? await hiddenKeysTo(session, target) : [];
  return [...seen, ...hidden].map(({ db, child, parent }) => ({
    database: String(db),
    child: String(child),
    parent: String(parent),
  }));
}

/** Of tables on which one has a right. */
function seenKeysTo(session: MysqlSession, database: string): Promise<Record<string, unknown>[]> {
  return session.query(
    `SELECT DISTINCT table_schema AS db, table_name AS child, constraint_name AS name, referenced_table_name AS parent
      FROM information_schema.key_column_usage WHERE ${isDatabase('referenced_table_schema', database)}`,
  );
}

/** What InnoDB itself tells shows tables on which one has no right. */
async function hiddenKeysTo(session: MysqlSession, target: string): Promise<Record<string, unknown>[]> {
  // Other names stand there in another spelling.
  if (!/^\w+$/.test(target)) return [];
  const from = session.flavour === 'mariadb' ? 'innodb_sys_foreign' : 'innodb_foreign';
  const part = (column: string, at: 1 | -1) => `SUBSTRING_INDEX(${column}, '/', ${at})`;
  return session.query(
    `SELECT ${part('for_name', 1)} AS db, ${part('for_name', -1)} AS child, ${part('ref_name', -1)} AS parent
      FROM information_schema.${from}
      WHERE ${isDatabase(part('ref_name', 1), target)} AND CAST(${part('for_name', 1)} AS BINARY) <> CAST(${part('ref_name', 1)} AS BINARY)`,
  );
}
