import type { Hurdle } from '../../source.ts';
import { BARE_CASTS, OWN } from '../above-schemas.ts';
import { USER_SCHEMAS } from '../contents.ts';
import { forEachLargeObject } from '../large-objects.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { lockHurdle } from './lock-room.ts';

/** What would keep this user from replacing everything in the database that the session is in, found out before anything is done. */
export async function atOnceHurdle(session: PostgresSession, target: string): Promise<Hurdle | null> {
  return (
    (await subscription(session, target)) ??
    (await foreignObjects(session, target)) ??
    (await mayNotCreate(session, target)) ??
    (await lockHurdle(session, null))
  );
}

/** Each has a slot on another server, which no transaction gives back; left there, it would write into what was restored. */
async function subscription(session: PostgresSession, target: string): Promise<Hurdle | null> {
  const rows = await session.query(
    `SELECT subname AS name FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database() ORDER BY 1`,
  );
  if (rows.length === 0) return null;
  const names = rows.map(({ name }) => String(name));
  const drops = names.map((name) => `DROP SUBSCRIPTION ${quoteIdentifier(name)};`);
  return {
    detail: `${target} subscribes to another server (${names.join(', ')})`,
    mend: `Run in that database, and make it anew after the restore: ${drops.join(' ')}`,
  };
}

/** What others own is dropped by them alone. */
async function foreignObjects(session: PostgresSession, target: string): Promise<Hurdle | null> {
  const rows = await session.query(FOREIGN);
  const [first] = rows;
  if (first === undefined) return null;
  const user = quoteIdentifier(session.user);
  const mends = rows.map(({ kind, name }) => giveOf(String(kind), String(name), user));
  const names = rows.slice(0, MOST_NAMES).map(({ kind, name }) => `${String(kind)} ${String(name)}`.trim());
  const more = rows.length > MOST_NAMES ? ` and ${rows.length - MOST_NAMES} more` : '';
  return {
    detail: `${session.user} does not own ${names.join(', ')}${more} in ${target}`,
    mend: mends.includes(null)
      ? 'Restore as a superuser: nobody else may drop that.'
      : `Run as an administrator, in that database: ${[...new Set(mends)].join(' ')}`,
  };
}

const MOST_NAMES = 5;

/** Null where only a superuser can be the owner, or no statement changes whose it is. */
function giveOf(kind: string, name: string, user: string): string | null {
  if (SUPERUSERS.includes(kind)) return null;
  if (kind === LARGE_OBJECTS) return forEachLargeObject('ALTER', 'OWNER TO', user);
  return `ALTER ${kind.replace('foreign ', '').toUpperCase()} ${quoteIdentifier(name)} OWNER TO ${user};`;
}

const LARGE_OBJECTS = 'large objects';
const SUPERUSERS = [
  'event trigger',
  'extension',
  'foreign-data wrapper',
  'language',
  'access method',
  'cast',
];
/** What has no owner belongs to whoever the server began with, and so to each superuser. */
const NOBODY = 10;

const FOREIGN = `SELECT kind, name FROM (
    SELECT 1 AS place, 'schema' AS kind, nspname::text AS name, nspowner AS owner FROM pg_namespace n WHERE ${USER_SCHEMAS}
    UNION ALL SELECT 2, 'extension', extname, extowner FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL SELECT 3, 'event trigger', evtname, evtowner FROM pg_event_trigger WHERE ${OWN('pg_event_trigger')}
    UNION ALL SELECT 4, 'publication', pubname, pubowner FROM pg_publication WHERE ${OWN('pg_publication')}
    UNION ALL SELECT 5, 'foreign server', srvname, srvowner FROM pg_foreign_server WHERE ${OWN('pg_foreign_server')}
    UNION ALL SELECT 6, '${LARGE_OBJECTS}', '', lomowner FROM (SELECT DISTINCT lomowner FROM pg_largeobject_metadata) l
    UNION ALL SELECT 7, 'foreign-data wrapper', fdwname, fdwowner FROM pg_foreign_data_wrapper WHERE ${OWN('pg_foreign_data_wrapper')}
    UNION ALL SELECT 8, 'language', lanname, lanowner FROM pg_language WHERE ${OWN('pg_language')}
    UNION ALL SELECT 9, 'access method', amname, ${NOBODY} FROM pg_am WHERE ${OWN('pg_am')}
    UNION ALL SELECT 10, 'cast', name, ${NOBODY} FROM (${BARE_CASTS}) c
  ) o WHERE NOT pg_has_role(owner, 'USAGE') ORDER BY place, name`;

async function mayNotCreate(session: PostgresSession, target: string): Promise<Hurdle | null> {
  const [row] = await session.query(`SELECT has_database_privilege(current_database(), 'CREATE') AS may`);
  if (row?.may === true) return null;
  const grant = `GRANT CREATE ON DATABASE ${quoteIdentifier(target)} TO ${quoteIdentifier(session.user)};`;
  return {
    detail: `${session.user} may not make schemas in ${target}`,
    mend: `Run as an administrator: ${grant}`,
  };
}
