import { FIRST_OWN_OID, notOfExtension, USER_SCHEMAS } from '../contents.ts';
import { named, sorted } from './names.ts';
import type { ObjectQuery } from './table-objects.ts';

/** `catalog it`, its schema as `n`, without what an extension brought. */
const inSchema = (catalog: string, column: string) =>
  `${catalog} it JOIN pg_namespace n ON n.oid = it.${column} AND ${USER_SCHEMAS} AND ${notOfExtension(catalog, 'it.oid')}`;

/** `catalog it` for what stands in no schema. */
const besideSchemas = (catalog: string) =>
  `(SELECT * FROM ${catalog} WHERE oid >= ${FIRST_OWN_OID}) it WHERE ${notOfExtension(catalog, 'it.oid')}`;

/** A catalog's row without oids: those of the object itself, its schema and its owner, and what is told by name beside it. */
const row = (...without: string[]) => `to_jsonb(it) - '{oid,${without.join(',')}}'::text[]`;

const SIGNATURE = `${named('n.nspname', 'it.proname')} || '(' || pg_get_function_identity_arguments(it.oid) || ')'`;

const COLLATION = (oid: string) =>
  `(SELECT l.collnamespace::regnamespace::text || '.' || l.collname FROM pg_collation l WHERE l.oid = ${oid})`;

/** One made FROM "C" is of any encoding; a dump makes it of the database's. */
const OWN_ENCODING = `CASE WHEN it.collprovider = 'c' AND it.collencoding = -1 THEN
  jsonb_build_object('collencoding', (SELECT d.encoding FROM pg_database d WHERE d.datname = current_database())) ELSE '{}' END`;

const COLLATION_ROW = row('collname', 'collnamespace', 'collowner', 'collversion');

/**
 * ICU's locale is in collcollate and collctype in 14, in colliculocale in 15 and 16, and in colllocale from 17 on. Nulls are what a release does
 * not have, or does not need.
 */
const COLLATION_FACTS = `jsonb_strip_nulls(
  CASE WHEN it.collprovider = 'i' THEN ${COLLATION_ROW} - '{collcollate,collctype,colliculocale}'::text[]
    || jsonb_build_object('colllocale', coalesce(to_jsonb(it) ->> 'colllocale', to_jsonb(it) ->> 'colliculocale', it.collcollate))
  ELSE ${COLLATION_ROW} END)`;

/** Whether generated columns are published: 'n' is what releases before 18 do. */
const PUBLICATION_FACTS = `CASE WHEN to_jsonb(it) ->> 'pubgencols' = 'n' THEN ${row('pubname', 'pubowner', 'pubgencols')} ELSE ${row('pubname', 'pubowner')} END`;

const PUBLISHED = (
  table: string,
) => `CASE WHEN NOT it.puballtables THEN (SELECT jsonb_agg(${table} ORDER BY t.schemaname, t.tablename)
  FROM pg_publication_tables t WHERE t.pubname = it.pubname
    AND format('%I.%I', t.schemaname, t.tablename)::regclass <> ALL ($1::oid[])) END`;

/** Releases differ in which columns they tell of where nobody chose any: those of the table, which are told there. */
const PUBLISHED_TABLE = `jsonb_strip_nulls(CASE
  WHEN EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = it.oid AND to_jsonb(r) ->> 'prattrs' IS NOT NULL) THEN to_jsonb(t)
  ELSE to_jsonb(t) - 'attnames' END)`;

const TYPE_CONSTRAINTS = `(SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), '; ' ORDER BY k.conname)
  FROM pg_constraint k WHERE k.contypid = it.oid AND k.contype = 'c')`;

/** Routines, types and what else a database holds beside its tables. */
export const OTHER_OBJECTS: ObjectQuery[] = [
  {
    kind: 'schema',
    // A new database has a schema "public" whether the source had one or not.
    sql: `SELECT ${named('n.nspname')} AS name, NULL AS facts, NULL AS code FROM pg_namespace n
      WHERE ${USER_SCHEMAS} AND n.nspname <> 'public' AND ${notOfExtension('pg_namespace', 'n.oid')}`,
  },
  {
    kind: 'extension',
    sql: `SELECT ${named('it.extname')} AS name, jsonb_build_array(it.extnamespace::regnamespace::text)::text AS facts,
        jsonb_build_array(it.extversion, it.extnamespace::regnamespace::text)::text AS before, it.extversion AS version, NULL AS code
      FROM pg_extension it WHERE it.extname <> 'plpgsql'`,
  },
  {
    kind: 'routine',
    coded: true,
    sql: `SELECT ${SIGNATURE} AS name, NULL AS facts, pg_get_functiondef(it.oid) AS code
      FROM ${inSchema('pg_proc', 'pronamespace')} WHERE it.prokind <> 'a'`,
  },
  {
    kind: 'aggregate',
    sql: `SELECT ${SIGNATURE} AS name, jsonb_build_array(pg_get_function_result(it.oid), it.proparallel,
        to_jsonb(a) - '{aggfnoid,aggsortop,aggtranstype,aggmtranstype}'::text[], a.aggsortop::regoperator::text,
        format_type(a.aggtranstype, NULL), format_type(a.aggmtranstype, NULL))::text AS facts, NULL AS code
      FROM ${inSchema('pg_proc', 'pronamespace')} JOIN pg_aggregate a ON a.aggfnoid = it.oid`,
  },
  {
    kind: 'type',
    // Arrays, rows of tables and multiranges come with what they belong to.
    sql: `SELECT ${named('n.nspname', 'it.typname')} AS name, jsonb_build_array(it.typtype, it.typnotnull,
        ${COLLATION('it.typcollation')}, CASE it.typtype WHEN 'd' THEN format_type(it.typbasetype, it.typtypmod) END,
        (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = it.oid),
        (SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), ${COLLATION('a.attcollation')}) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = it.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT jsonb_build_array(format_type(r.rngsubtype, NULL), ${COLLATION('r.rngcollation')}, r.rngcanonical::text, r.rngsubdiff::text,
            format_type(r.rngmultitypid, NULL), (SELECT o.opcname FROM pg_opclass o WHERE o.oid = r.rngsubopc))
          FROM pg_range r WHERE r.rngtypid = it.oid),
        CASE it.typtype WHEN 'b' THEN jsonb_build_array(it.typlen, it.typbyval, it.typcategory, it.typispreferred, it.typdelim,
          it.typinput::text, it.typoutput::text, it.typreceive::text, it.typsend::text, it.typmodin::text, it.typmodout::text,
          it.typalign, it.typstorage) END)::text AS facts,
        concat_ws(' / ', CASE WHEN it.typdefaultbin IS NULL THEN it.typdefault ELSE pg_get_expr(it.typdefaultbin, 'pg_type'::regclass) END,
          ${TYPE_CONSTRAINTS}) AS code
      FROM ${inSchema('pg_type', 'typnamespace')}
      WHERE it.typtype IN ('b', 'c', 'd', 'e', 'r') AND it.typisdefined
        AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = it.oid)
        AND (it.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = it.typrelid AND c.relkind = 'c'))`,
  },
  {
    kind: 'collation',
    sql: `SELECT ${named('n.nspname', 'it.collname')} AS name,
        (${COLLATION_FACTS} || ${OWN_ENCODING})::text AS facts, (${COLLATION_ROW} || ${OWN_ENCODING})::text AS before, NULL AS code
      FROM ${inSchema('pg_collation', 'collnamespace')}`,
  },
  {
    kind: 'operator',
    sql: `SELECT ${named('n.nspname', 'it.oprname')} || '(' || format_type(it.oprleft, NULL) || ', ' || format_type(it.oprright, NULL) || ')' AS name,
        jsonb_build_array(it.oprcanmerge, it.oprcanhash, format_type(it.oprresult, NULL), it.oprcom::regoperator::text,
          it.oprnegate::regoperator::text, it.oprcode::text, it.oprrest::text, it.oprjoin::text)::text AS facts, NULL AS code
      FROM ${inSchema('pg_operator', 'oprnamespace')} WHERE it.oprcode <> 0`,
  },
  {
    kind: 'operator_family',
    sql: `SELECT ${named('n.nspname', 'it.opfname')} || ' USING ' || (SELECT m.amname FROM pg_am m WHERE m.oid = it.opfmethod) AS name,
        jsonb_build_array(
          (SELECT jsonb_agg(o ORDER BY o) FROM (SELECT jsonb_build_array(amopstrategy, amopopr::regoperator::text) FROM pg_amop
            WHERE amopfamily = it.oid) operators (o)),
          (SELECT jsonb_agg(p ORDER BY p) FROM (SELECT jsonb_build_array(amprocnum, amproc::regprocedure::text) FROM pg_amproc
            WHERE amprocfamily = it.oid) procedures (p)),
          (SELECT jsonb_agg(c ORDER BY c) FROM (SELECT jsonb_build_array(opcname, format_type(opcintype, NULL), opcdefault) FROM pg_opclass
            WHERE opcfamily = it.oid) classes (c)))::text AS facts, NULL AS code
      FROM ${inSchema('pg_opfamily', 'opfnamespace')}`,
  },
  {
    kind: 'text_search_dictionary',
    sql: `SELECT ${named('n.nspname', 'it.dictname')} AS name, jsonb_build_array(it.dictinitoption,
        (SELECT t.tmplnamespace::regnamespace::text || '.' || t.tmplname FROM pg_ts_template t WHERE t.oid = it.dicttemplate))::text AS facts, NULL AS code
      FROM ${inSchema('pg_ts_dict', 'dictnamespace')}`,
  },
  {
    kind: 'text_search_configuration',
    sql: `SELECT ${named('n.nspname', 'it.cfgname')} AS name, jsonb_build_array(
        (SELECT p.prsnamespace::regnamespace::text || '.' || p.prsname FROM pg_ts_parser p WHERE p.oid = it.cfgparser),
        (SELECT jsonb_agg(jsonb_build_array(m.maptokentype, m.mapseqno, m.mapdict::regdictionary::text) ORDER BY m.maptokentype, m.mapseqno)
          FROM pg_ts_config_map m WHERE m.mapcfg = it.oid))::text AS facts, NULL AS code
      FROM ${inSchema('pg_ts_config', 'cfgnamespace')}`,
  },
  {
    kind: 'cast',
    sql: `SELECT format_type(it.castsource, NULL) || ' AS ' || format_type(it.casttarget, NULL) AS name,
        jsonb_build_array(it.castfunc::regprocedure::text, it.castcontext, it.castmethod)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_cast')}`,
  },
  {
    kind: 'language',
    sql: `SELECT ${named('it.lanname')} AS name, jsonb_build_array(it.lanpltrusted, it.lanplcallfoid::regprocedure::text)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_language')}`,
  },
  {
    kind: 'foreign_data_wrapper',
    sql: `SELECT ${named('it.fdwname')} AS name,
        jsonb_build_array(it.fdwhandler::regprocedure::text, it.fdwvalidator::regprocedure::text, ${sorted('it.fdwoptions')})::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_foreign_data_wrapper')}`,
  },
  {
    kind: 'foreign_server',
    sql: `SELECT ${named('it.srvname')} AS name, jsonb_build_array(it.srvtype, it.srvversion, ${sorted('it.srvoptions')},
        (SELECT w.fdwname FROM pg_foreign_data_wrapper w WHERE w.oid = it.srvfdw))::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_foreign_server')}`,
  },
  {
    kind: 'event_trigger',
    sql: `SELECT ${named('it.evtname')} AS name,
        jsonb_build_array(it.evtevent, it.evtfoid::regprocedure::text, it.evtenabled, it.evttags)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_event_trigger')}`,
  },
  {
    kind: 'publication',
    sql: `SELECT ${named('it.pubname')} AS name, jsonb_build_array(${PUBLICATION_FACTS}, ${PUBLISHED(PUBLISHED_TABLE)})::text AS facts,
        jsonb_build_array(${row('pubname', 'pubowner')}, ${PUBLISHED('to_jsonb(t)')})::text AS before, NULL AS code
      FROM ${besideSchemas('pg_publication')}`,
  },
  {
    kind: 'comment',
    // Not those of extensions, which write their own, nor of large objects, which may be left out; nor that of a `public` that was made anew,
    // which a dump takes for the one of every new database.
    sql: `SELECT i.type || ' ' || i.identity AS name, d.description AS facts, NULL AS code
      FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
      WHERE d.objoid >= ${FIRST_OWN_OID}
        AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_largeobject'::regclass, 'pg_subscription'::regclass)
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
        AND NOT (d.classoid = 'pg_class'::regclass AND d.objoid = ANY ($1::oid[]))
        AND NOT (d.classoid = 'pg_namespace'::regclass AND i.identity = 'public' AND d.description = 'standard public schema')
        AND i.identity IS NOT NULL AND coalesce(i.schema, '') !~ '^pg_(toast|temp)'`,
  },
];
