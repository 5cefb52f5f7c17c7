import { notOfExtension, USER_SCHEMAS } from '../contents.ts';
import { named, sorted } from './names.ts';

/**
 * How to read the objects of one kind: rows of `name`, `facts` (what stands for itself, as text) and `code` (what PostgreSQL writes
 * of an expression or a statement). `before` are the facts in the form in which older proofs have them, where it was another one. $1 are the
 * oids of relations that the dump leaves out. No oid and no owner gets into any, and nothing that only some releases have where it says nothing.
 */
export interface ObjectQuery {
  kind: string;
  sql: string;
  /** Each has code, so that none means that it was dropped while it was read. */
  coded?: true;
}

/** Tables of the user's own that are in the dump; `n` is the schema, `c` the table. */
const TABLES = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND ${USER_SCHEMAS}
  AND c.relpersistence <> 't' AND c.oid <> ALL ($1::oid[]) AND ${notOfExtension('pg_class', 'c.oid')}`;

const name = (more: string) => named('n.nspname', 'c.relname', more);

/** A partition, and not just any child of a parent table, has its columns where it had them when it is restored. */
const KEEPS_ORDER = `(c.relispartition OR NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid))`;

const PARENTS = `(SELECT jsonb_agg(h.inhparent::regclass::text ORDER BY h.inhseqno) FROM pg_inherits h WHERE h.inhrelid = c.oid)`;

const COLLATION = (oid: string) =>
  `(SELECT l.collnamespace::regnamespace::text || '.' || quote_ident(l.collname) FROM pg_collation l WHERE l.oid = ${oid})`;

/** Names that begin with pg_ are the server's own: 17.12 marks each version of a column so (pg_attver), and no dump has the mark. */
const OPTIONS = `(SELECT jsonb_agg(o ORDER BY o) FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\\_%')`;

const IS_NULL = (expression: string) => `${expression} ~ '^NULL(::.*)?$'`;

/**
 * A child's column whose inherited default was dropped: a dump gives it the default NULL, which is none; of a domain it may be another one.
 * Others that say NULL stay what they are, for proofs that are stored.
 */
const IS_UNDONE = `coalesce(a.attgenerated = '' AND ${IS_NULL('pg_get_expr(d.adbin, d.adrelid)')}
  AND (SELECT t.typtype FROM pg_type t WHERE t.oid = a.atttypid) <> 'd'
  AND EXISTS (SELECT FROM pg_inherits h JOIN pg_attribute p ON p.attrelid = h.inhparent AND p.attname = a.attname
    JOIN pg_attrdef e ON e.adrelid = p.attrelid AND e.adnum = p.attnum
    WHERE h.inhrelid = c.oid AND NOT ${IS_NULL('pg_get_expr(e.adbin, e.adrelid)')}), false)`;

/** Tables and what stands and falls with them. */
export const TABLE_OBJECTS: ObjectQuery[] = [
  {
    kind: 'table',
    sql: `SELECT ${named('n.nspname', 'c.relname')} AS name, jsonb_build_array(c.relkind, c.relpersistence, ${PARENTS},
        c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloftype::regtype::text,
        (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam),
        ${sorted('c.reloptions')},
        (SELECT jsonb_build_array(s.srvname, ${sorted('f.ftoptions')}) FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
          WHERE f.ftrelid = c.oid))::text AS facts,
        concat_ws(' ', pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid)) AS code
      FROM ${TABLES} WHERE c.relkind IN ('r', 'p', 'f')`,
  },
  {
    kind: 'column',
    sql: `SELECT ${name('a.attname')} AS name, jsonb_build_array(format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated,
        a.attidentity, ${COLLATION('a.attcollation')}, a.attstorage, to_jsonb(a) -> 'attcompression', coalesce(a.attstattarget, -1),
        ${OPTIONS}, ${sorted('a.attfdwoptions')},
        CASE WHEN ${KEEPS_ORDER} THEN rank() OVER (PARTITION BY c.oid ORDER BY a.attnum) END)::text AS facts,
        CASE WHEN NOT ${IS_UNDONE} THEN pg_get_expr(d.adbin, d.adrelid) END AS code
      FROM ${TABLES} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE c.relkind IN ('r', 'p', 'f')`,
  },
  {
    kind: 'index',
    coded: true,
    sql: `SELECT ${named('n.nspname', 'x.relname')} AS name, jsonb_build_array(i.indisclustered, i.indisreplident,
        (SELECT jsonb_agg(h.inhparent::regclass::text) FROM pg_inherits h WHERE h.inhrelid = x.oid))::text AS facts,
        pg_get_indexdef(x.oid) AS code
      FROM ${TABLES} JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
      -- What a failed CREATE INDEX CONCURRENTLY left is in no dump.
      WHERE i.indisvalid OR c.relkind = 'p'`,
  },
  {
    kind: 'constraint',
    coded: true,
    // Foreign keys of partitions come with those of their parent, under names of the server's choice. 'n' is in the column.
    sql: `SELECT ${name('k.conname')} AS name, k.contype::text AS facts, pg_get_constraintdef(k.oid) AS code
      FROM ${TABLES} JOIN pg_constraint k ON k.conrelid = c.oid
      WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND NOT (k.contype = 'f' AND k.conparentid <> 0)`,
  },
  {
    kind: 'trigger',
    coded: true,
    sql: `SELECT ${name('t.tgname')} AS name, t.tgenabled::text AS facts, pg_get_triggerdef(t.oid) AS code
      FROM ${TABLES} JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal`,
  },
  {
    kind: 'rule',
    coded: true,
    sql: `SELECT ${name('r.rulename')} AS name, r.ev_enabled::text AS facts, pg_get_ruledef(r.oid) AS code
      FROM ${TABLES} JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'`,
  },
  {
    kind: 'policy',
    sql: `SELECT ${name('p.polname')} AS name, jsonb_build_array(p.polcmd, p.polpermissive,
        (SELECT jsonb_agg(r ORDER BY r) FROM (SELECT CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END FROM unnest(p.polroles) o) roles (r)))::text AS facts,
        concat_ws(' / ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) AS code
      FROM ${TABLES} JOIN pg_policy p ON p.polrelid = c.oid`,
  },
  {
    kind: 'statistics',
    coded: true,
    // From 17 on the server's own target is null, and -1 before.
    sql: `SELECT ${named('n.nspname', 's.stxname')} AS name, coalesce(to_jsonb(s) ->> 'stxstattarget', '-1') AS facts,
        (to_jsonb(s) -> 'stxstattarget')::text AS before,
        pg_get_statisticsobjdef(s.oid) AS code
      FROM ${TABLES} JOIN pg_statistic_ext s ON s.stxrelid = c.oid`,
  },
  {
    kind: 'view',
    coded: true,
    sql: `SELECT ${named('n.nspname', 'c.relname')} AS name, jsonb_build_array(c.relkind, c.relispopulated,
        ${sorted('c.reloptions')})::text AS facts, pg_get_viewdef(c.oid) AS code
      FROM ${TABLES} WHERE c.relkind IN ('v', 'm')`,
  },
  {
    kind: 'sequence',
    sql: `SELECT ${named('n.nspname', 'c.relname')} AS name, jsonb_build_array(format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement,
        s.seqmin, s.seqmax, s.seqcache, s.seqcycle, c.relpersistence,
        (SELECT jsonb_agg(jsonb_build_array(d.deptype, d.refobjid::regclass::text, a.attname)) FROM pg_depend d
          JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
            AND d.deptype IN ('a', 'i') AND d.refobjid <> ALL ($1::oid[])))::text AS facts, NULL AS code
      FROM ${TABLES} JOIN pg_sequence s ON s.seqrelid = c.oid`,
  },
];
