import { HoldfastError } from '../../core/errors.ts';
import { isDatabase } from './names.ts';
import type { MysqlSession } from './session.ts';

/**
 * A server with lower_case_table_names (as on Windows and macOS) takes `Shop` for `shop`, and tells of `shop` alone: asked for the other
 * spelling, it would seem not to have what it has. Throws `configuration` where the server would spell the name otherwise.
 */
export async function requireSpelling(session: MysqlSession, name: string): Promise<void> {
  const [row] = await session.query('SELECT @@lower_case_table_names AS folds, LOWER(?) AS lower', [name]);
  const folds = Number(row?.folds);
  if (folds === 0) return;
  const spelled = folds === 1 ? String(row?.lower) : await asMade(session, name);
  if (spelled === name) return;
  throw new HoldfastError(
    'configuration',
    `the server writes the database ${name} as ${spelled} (lower_case_table_names is ${folds})`,
    { hint: `Write its name as SHOW DATABASES does, in the configuration or the command: ${spelled}.` },
  );
}

/** Such a server keeps a name as it was made, and compares it without regard to case. */
async function asMade(session: MysqlSession, name: string): Promise<string> {
  const [exactly] = await session.query(
    `SELECT 1 FROM information_schema.schemata WHERE ${isDatabase('schema_name', name)}`,
  );
  if (exactly !== undefined) return name;
  const [row] = await session.query(
    'SELECT schema_name AS name FROM information_schema.schemata WHERE LOWER(schema_name) = LOWER(?)',
    [name],
  );
  return row === undefined ? name : String(row.name);
}
