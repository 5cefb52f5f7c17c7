import { isDatabase, quoteDefiner, quoteName } from '../names.ts';
import { withoutDatabase, withoutEnd } from '../proof/canonical.ts';
import type { MysqlSession } from '../session.ts';

/** What no table's rename moves: a view, a routine, a trigger or an event, as the statement that makes it. */
export interface Program {
  kind: ProgramKind;
  name: string;
  /** For a session that has chosen the database. An event's says DISABLE. Null where this account may not see it, or it is damaged. */
  create: string | null;
  /** What it was made under; null where its kind keeps none. */
  sqlMode: string | null;
  client: string;
  connection: string;
  databaseCollation: string | null;
  timeZone: string | null;
  /** Of a trigger. */
  table: string | null;
  /** Of an event that runs. */
  enabled: boolean;
}

/** In the order in which they are made: views and triggers may call functions, and a package's body wants the package. */
export const PROGRAM_KINDS = [
  'FUNCTION',
  'PROCEDURE',
  'PACKAGE',
  'PACKAGE BODY',
  'VIEW',
  'TRIGGER',
  'EVENT',
] as const;
export type ProgramKind = (typeof PROGRAM_KINDS)[number];

/** Reads them all, or of some tables alone their triggers; the session's database is this one afterwards. */
export async function readPrograms(
  session: MysqlSession,
  database: string,
  ofTables: string[] | null = null,
): Promise<Program[]> {
  // A view tells no database's name then, as long as it stays within its own.
  await session.query(`USE ${quoteName(database)}`);
  const triggers = await readTriggers(session, database);
  if (ofTables !== null) return triggers.filter(({ table }) => table !== null && ofTables.includes(table));
  const listed = await session.query(
    `SELECT routine_type AS kind, routine_name AS name FROM information_schema.routines WHERE ${isDatabase('routine_schema', database)}
     UNION ALL SELECT 'VIEW', table_name FROM information_schema.views WHERE ${isDatabase('table_schema', database)}
     UNION ALL SELECT 'EVENT', event_name FROM information_schema.events WHERE ${isDatabase('event_schema', database)}`,
  );
  const programs: Program[] = [];
  for (const { kind, name } of listed)
    programs.push(await readProgram(session, String(kind) as ProgramKind, String(name)));
  return [...programs, ...triggers];
}

/** Where it names the database that it was read in, it means the one that it is made in. */
export function movedFrom(database: string, program: Program): Program {
  if (program.kind !== 'VIEW' || program.create === null) return program;
  return { ...program, create: withoutDatabase(program.create, database) };
}

/** The same with the account that makes it as its definer. */
export function withoutDefiner(program: Program): Program {
  return { ...program, create: program.create?.replace(DEFINER, '$1') ?? null };
}

/** The account in its DEFINER clause, quoted; null where it has none. */
export function definerOf({ create }: Program): string | null {
  return DEFINER.exec(create ?? '')?.[2] ?? null;
}

/** The state of an event, which stands behind its schedule. */
export function eventIn(state: 'ENABLE' | 'DISABLE', create: string): string {
  return create.replace(
    /( ON COMPLETION (?:NOT )?PRESERVE )(ENABLE|DISABLE(?: ON \w+)?)/,
    // DISABLE ON SLAVE is a state of its own.
    (whole, lead: string, is: string) => (is.includes(' ') ? whole : `${lead}${state}`),
  );
}

const DEFINER = /^(CREATE (?:ALGORITHM=\w+ )?)DEFINER=(`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)?) /;

async function readProgram(session: MysqlSession, kind: ProgramKind, name: string): Promise<Program> {
  // One that is damaged, or that this account may not see, has none.
  const shownRows = await session.query(`SHOW CREATE ${kind} ${quoteName(name)}`).catch(() => []);
  const row = shownRows[0] ?? {};
  const shown = Object.entries(row).find(([key]) => key.startsWith('Create '))?.[1];
  const create = typeof shown === 'string' ? withoutEnd(shown) : null;
  const text = (key: string) => (typeof row[key] === 'string' ? row[key] : null);
  const stilled = create !== null && kind === 'EVENT' ? eventIn('DISABLE', create) : create;
  return {
    kind,
    name,
    create: stilled,
    sqlMode: text('sql_mode'),
    client: text('character_set_client') ?? 'utf8mb4',
    connection: text('collation_connection') ?? 'utf8mb4_general_ci',
    databaseCollation: text('Database Collation'),
    timeZone: text('time_zone'),
    table: null,
    enabled: stilled !== create,
  };
}

/** Out of their parts: the statement that somebody typed may name a database. */
async function readTriggers(session: MysqlSession, database: string): Promise<Program[]> {
  const rows = await session.query(
    `SELECT trigger_name AS name, event_object_table AS tab, action_timing AS timing, event_manipulation AS what,
      action_statement AS body, definer AS definer, sql_mode AS mode, character_set_client AS client,
      collation_connection AS connection, database_collation AS collation
      FROM information_schema.triggers WHERE ${isDatabase('trigger_schema', database)}
      ORDER BY event_object_table, action_timing, event_manipulation, action_order`,
  );
  return rows.map((row) => {
    const [name, table] = [quoteName(String(row.name)), quoteName(String(row.tab))];
    const when = `${String(row.timing)} ${String(row.what)} ON ${table}`;
    return {
      kind: 'TRIGGER',
      name: String(row.name),
      create: `CREATE DEFINER=${quoteDefiner(String(row.definer))} TRIGGER ${name} ${when} FOR EACH ROW ${withoutEnd(row.body)}`,
      sqlMode: String(row.mode),
      client: String(row.client),
      connection: String(row.connection),
      databaseCollation: String(row.collation),
      timeZone: null,
      table: String(row.tab),
      enabled: false,
    };
  });
}
