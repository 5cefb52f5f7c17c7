import { SCRATCH } from '../../../core/scratch-name.ts';
import { mayNameDefiners, readGrants, type MysqlGrants } from '../grants.ts';
import { isTransactional } from '../contents.ts';
import { findMysqlHurdles } from '../hurdles.ts';
import { isDatabase, quoteAccount, quoteName, quotePattern } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import type { Hurdle } from '../../source.ts';
import { atLeast } from '../version.ts';
import { findTie } from './tie.ts';

/** What would keep tables of `target`, these or all of them, from being swapped with new ones and staying as `keep`; changes nothing. */
export async function findSwapHurdle(
  session: MysqlSession,
  target: string,
  keep: string,
  tables: string[] | null = null,
): Promise<Hurdle | null> {
  const grants = await readGrants(session);
  return (
    tooOld(session) ??
    lacksRights(session, grants, { target, keep, tables }) ??
    (await strangers(session, target, tables)) ??
    (tables === null
      ? await foreignKeys(session, target, grants)
      : await findTie(session, target, tables, grants)) ??
    (await triggers(session, target, { grants, tables }))
  );
}

/** Several tables are renamed all or none, whatever happens to the server; and MySQL does it while they are locked. */
function tooOld({ flavour, version }: MysqlSession): Hurdle | null {
  const [name, ...since] =
    flavour === 'mariadb' ? (['MariaDB', 10, 6, 1] as const) : (['MySQL', 8, 0, 13] as const);
  if (atLeast(version, ...since)) return null;
  return {
    detail: `${name} ${version} cannot rename several tables at one moment`,
    mend: `${name} ${since.join('.')} and later can.`,
  };
}

const FOR_TABLES = ['SELECT', 'INSERT', 'CREATE', 'DROP', 'ALTER', 'LOCK TABLES', 'TRIGGER'];
const NEEDED_ON_TARGET = [
  ...FOR_TABLES,
  'EVENT',
  'SHOW VIEW',
  'CREATE VIEW',
  'CREATE ROUTINE',
  'ALTER ROUTINE',
];

function lacksRights(
  session: MysqlSession,
  grants: MysqlGrants,
  { target, keep, tables }: { target: string; keep: string; tables: string[] | null },
): Hurdle | null {
  const needed = tables === null ? NEEDED_ON_TARGET : [...FOR_TABLES, 'REFERENCES'];
  const lacking = (database: string) => needed.filter((privilege) => !grants.onDatabase(privilege, database));
  const hurdle = (database: string, pattern: string) => ({
    detail: `${session.account} lacks ${lacking(database).slice(0, 3).join(', ')} on ${database}`,
    mend: `Run as an administrator of the server: GRANT ALL PRIVILEGES ON ${pattern}.* TO ${quoteAccount(session.account)};`,
  });
  if (lacking(target).length > 0) return hurdle(target, quotePattern(target));
  // Its name ends in the time, which is another one in the next restore.
  if (lacking(keep).length > 0)
    return hurdle(keep, quotePattern(keep.replace(/\d+_\d+$/, '')).replace(/`$/, '%`'));
  // Of everything it is told when the database beside is made.
  if (tables === null || lacking(`${SCRATCH}restore`).length === 0) return null;
  return hurdle(`${SCRATCH}…`, quotePattern(SCRATCH).replace(/`$/, '%`'));
}

/** Tables that cannot be renamed so that all is well, or not at one moment. */
async function strangers(
  session: MysqlSession,
  target: string,
  tables: string[] | null,
): Promise<Hurdle | null> {
  const rows = await session.query(
    `SELECT table_name AS name, engine AS engine FROM information_schema.tables
      WHERE ${isDatabase('table_schema', target)} AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')`,
  );
  const odd = rows.find(({ name: table, engine }) => {
    if (tables !== null && !tables.includes(String(table))) return false;
    const name = String(engine);
    // MariaDB's own log covers every engine. A MERGE table names its parts together with their database.
    return session.flavour === 'mysql' ? !isTransactional(name) : name === 'MRG_MyISAM';
  });
  if (odd === undefined) return null;
  return {
    detail: `table ${String(odd.name)} is ${String(odd.engine)}, which is not renamed together with others at one moment`,
    mend: `Make it InnoDB (ALTER TABLE ${quoteName(target)}.${quoteName(String(odd.name))} ENGINE = InnoDB;).`,
  };
}

/** Foreign keys follow what they point to, and hold on to it: the old tables must have none with other databases. */
async function foreignKeys(
  session: MysqlSession,
  target: string,
  grants: MysqlGrants,
): Promise<Hurdle | null> {
  const [across] = await session.query(
    `SELECT CONCAT(table_schema, '.', table_name) AS child, CONCAT(referenced_table_schema, '.', referenced_table_name) AS parent
      FROM information_schema.key_column_usage
      WHERE CAST(referenced_table_schema AS BINARY) <> CAST(table_schema AS BINARY)
        AND (${isDatabase('table_schema', target)} OR ${isDatabase('referenced_table_schema', target)})
      LIMIT 1`,
  );
  const found = across ?? (grants.globally('PROCESS') ? await hiddenForeignKey(session, target) : undefined);
  if (found === undefined) return null;
  return {
    detail: `a foreign key goes from ${String(found.child)} to ${String(found.parent)}, and would go with the old table`,
    mend: 'Drop it before the restore and make it anew afterwards.',
  };
}

/** What InnoDB itself tells shows tables on which one has no right. */
async function hiddenForeignKey(
  session: MysqlSession,
  target: string,
): Promise<Record<string, unknown> | undefined> {
  // Other names stand there in another spelling.
  if (!/^\w+$/.test(target)) return undefined;
  const from = session.flavour === 'mariadb' ? 'innodb_sys_foreign' : 'innodb_foreign';
  const database = (column: string) => `SUBSTRING_INDEX(${column}, '/', 1)`;
  const [row] = await session.query(
    `SELECT REPLACE(for_name, '/', '.') AS child, REPLACE(ref_name, '/', '.') AS parent FROM information_schema.${from}
      WHERE CAST(${database('for_name')} AS BINARY) <> CAST(${database('ref_name')} AS BINARY)
        AND (${isDatabase(database('for_name'), target)} OR ${isDatabase(database('ref_name'), target)}) LIMIT 1`,
  );
  return row;
}

/** They are dropped for the moment of the renaming, and must be made again as they were if it fails. */
async function triggers(
  session: MysqlSession,
  target: string,
  { grants, tables }: { grants: MysqlGrants; tables: string[] | null },
): Promise<Hurdle | null> {
  const all = await session.query(
    `SELECT trigger_name AS name, definer AS definer, event_manipulation AS what, event_object_table AS tab
      FROM information_schema.triggers WHERE ${isDatabase('trigger_schema', target)}`,
  );
  const rows = tables === null ? all : all.filter(({ tab }) => tables.includes(String(tab)));
  if (rows.length === 0) return null;
  const foreign = rows.find(({ definer }) => String(definer) !== session.account);
  if (foreign !== undefined && !mayNameDefiners(grants)) {
    return {
      detail: `trigger ${String(foreign.name)} belongs to ${String(foreign.definer)}, and ${session.account} could not make it again if the swap failed`,
      mend: `Restore as an administrator, who may (docs/runbook.md, "Restore as another user").`,
    };
  }
  const several = rows.find(({ what }) => !/^(INSERT|UPDATE|DELETE)$/.test(String(what)));
  if (several !== undefined) {
    return {
      detail: `trigger ${String(several.name)} fires at ${String(several.what)}, which is not known here`,
      mend: 'Make a trigger for each of these.',
    };
  }
  const [hurdle] = await findMysqlHurdles(session, target, grants);
  return hurdle ?? null;
}
