import { FIRST_OWN_OID, notOfExtension } from './contents.ts';
import { quoteIdentifier } from './names.ts';

/** Objects of a database that stand in no schema. */
export interface Kind {
  /** A query for the `name` of each that no extension brings, and is dropped with. */
  list: string;
  drop: (name: string) => string;
  /** What makes somebody its owner; left out where that takes a superuser. */
  give?: (name: string, user: string) => string;
}

const dropped = (what: string) => (name: string) => `DROP ${what} IF EXISTS ${quoteIdentifier(name)} CASCADE`;

const given = (what: string) => (name: string, user: string) =>
  `ALTER ${what} ${quoteIdentifier(name)} OWNER TO ${user};`;

/** No built-in one, nor one of an extension. */
export const OWN = (catalog: string) =>
  `oid >= ${FIRST_OWN_OID} AND ${notOfExtension(catalog, `${catalog}.oid`)}`;

/** Those that no type and no function takes along when it is dropped, with what they are called after `CAST`. */
export const BARE_CASTS = `SELECT format('(%s AS %s)', format_type(castsource, NULL), format_type(casttarget, NULL)) AS name FROM pg_cast
  WHERE greatest(castsource, casttarget, castfunc) < ${FIRST_OWN_OID} AND ${OWN('pg_cast')}`;

/** In the order in which they are dropped. Event triggers first: they could forbid the rest. */
export const ABOVE_SCHEMAS: Kind[] = [
  {
    list: `SELECT evtname AS name FROM pg_event_trigger WHERE ${OWN('pg_event_trigger')}`,
    drop: dropped('EVENT TRIGGER'),
  },
  {
    list: `SELECT pubname AS name FROM pg_publication WHERE ${OWN('pg_publication')}`,
    drop: dropped('PUBLICATION'),
    give: given('PUBLICATION'),
  },
  {
    list: `SELECT srvname AS name FROM pg_foreign_server WHERE ${OWN('pg_foreign_server')}`,
    drop: dropped('SERVER'),
    give: given('SERVER'),
  },
  {
    list: "SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql'",
    drop: dropped('EXTENSION'),
  },
  {
    list: `SELECT fdwname AS name FROM pg_foreign_data_wrapper WHERE ${OWN('pg_foreign_data_wrapper')}`,
    drop: dropped('FOREIGN DATA WRAPPER'),
  },
  {
    list: `SELECT lanname AS name FROM pg_language WHERE ${OWN('pg_language')}`,
    drop: dropped('LANGUAGE'),
  },
  { list: `SELECT amname AS name FROM pg_am WHERE ${OWN('pg_am')}`, drop: dropped('ACCESS METHOD') },
  { list: BARE_CASTS, drop: (name) => `DROP CAST IF EXISTS ${name}` },
];
