import { isDatabase, quoteName } from '../names.ts';
import { withoutDatabase } from '../proof/canonical.ts';
import type { MysqlSession } from '../session.ts';
import { listTables } from './plan.ts';

/**
 * MariaDB keeps a sequence in a default by its database's name, which no rename changes: lets the defaults of the tables in `database`
 * that draw from `from` draw from the database `to`. Nothing to do where none does. May be called again.
 */
export async function pointDefaults(
  session: MysqlSession,
  database: string,
  { from, to }: { from: string; to: string },
): Promise<void> {
  if (session.flavour !== 'mariadb') return;
  const columns = await session.query(
    `SELECT table_name AS tab, column_name AS name, column_default AS def FROM information_schema.columns
      WHERE ${isDatabase('table_schema', database)} AND column_default REGEXP '(next|last|set)val'
      ORDER BY table_name, ordinal_position`,
  );
  if (columns.length === 0) return;
  // A column of a view has the default of what it shows.
  const tables = new Set(await listTables(session, database));
  const changes = new Map<string, string[]>();
  for (const { tab, name, def } of columns.filter((column) => tables.has(String(column.tab)))) {
    const wanted = withoutDatabase(String(def), from, to);
    if (wanted === def) continue;
    const ofTable = changes.get(String(tab)) ?? [];
    changes.set(String(tab), [...ofTable, `ALTER ${quoteName(String(name))} SET DEFAULT ${wanted}`]);
  }
  if (changes.size === 0) return;
  // Or it refuses to alter a table with system versioning.
  await session.query('SET SESSION system_versioning_alter_history = KEEP');
  for (const [table, ofTable] of changes)
    await session.query(`ALTER TABLE ${quoteName(database)}.${quoteName(table)} ${ofTable.join(', ')}`);
}
