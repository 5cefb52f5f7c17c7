import { notOfExtension, USER_SCHEMAS } from '../contents.ts';
import { named } from './names.ts';
import type { ObjectQuery } from './table-objects.ts';

/** `catalog x`, its schema as `n`, without what an extension brought. */
const inSchema = (catalog: string, column: string) =>
  `${catalog} x JOIN pg_namespace n ON n.oid = x.${column} AND ${USER_SCHEMAS} AND ${notOfExtension(catalog, 'x.oid')}`;

/** The first oid that a server gives to what its users make. */
const FIRST_OWN_OID = 16_384;

/** `catalog x` for what stands in no schema. */
const besideSchemas = (catalog: string) =>
  `(SELECT * FROM ${catalog} WHERE oid >= ${FIRST_OWN_OID}) x WHERE ${notOfExtension(catalog, 'x.oid')}`;

/** A catalog's row without oids: those of the object itself, its schema and its owner, and what is told by name beside it. */
const row = (...without: string[]) => `to_jsonb(x) - '{oid,${without.join(',')}}'::text[]`;

const SIGNATURE = `${named('n.nspname', 'x.proname')} || '(' || pg_get_function_identity_arguments(x.oid) || ')'`;

const COLLATION = (oid: string) =>
  `(SELECT l.collnamespace::regnamespace::text || '.' || l.collname FROM pg_collation l WHERE l.oid = ${oid})`;

const TYPE_CONSTRAINTS = `(SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), '; ' ORDER BY k.conname)
  FROM pg_constraint k WHERE k.contypid = x.oid AND k.contype = 'c')`;

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
    sql: `SELECT ${named('x.extname')} AS name, jsonb_build_array(x.extversion, x.extnamespace::regnamespace::text)::text AS facts, NULL AS code
      FROM pg_extension x WHERE x.extname <> 'plpgsql'`,
  },
  {
    kind: 'routine',
    coded: true,
    sql: `SELECT ${SIGNATURE} AS name, NULL AS facts, pg_get_functiondef(x.oid) AS code
      FROM ${inSchema('pg_proc', 'pronamespace')} WHERE x.prokind <> 'a'`,
  },
  {
    kind: 'aggregate',
    sql: `SELECT ${SIGNATURE} AS name, jsonb_build_array(pg_get_function_result(x.oid), x.proparallel,
        to_jsonb(a) - '{aggfnoid,aggsortop,aggtranstype,aggmtranstype}'::text[], a.aggsortop::regoperator::text,
        format_type(a.aggtranstype, NULL), format_type(a.aggmtranstype, NULL))::text AS facts, NULL AS code
      FROM ${inSchema('pg_proc', 'pronamespace')} JOIN pg_aggregate a ON a.aggfnoid = x.oid`,
  },
  {
    kind: 'type',
    // Arrays, rows of tables and multiranges come with what they belong to.
    sql: `SELECT ${named('n.nspname', 'x.typname')} AS name, jsonb_build_array(x.typtype, x.typnotnull,
        ${COLLATION('x.typcollation')}, CASE x.typtype WHEN 'd' THEN format_type(x.typbasetype, x.typtypmod) END,
        (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = x.oid),
        (SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), ${COLLATION('a.attcollation')}) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = x.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT jsonb_build_array(format_type(r.rngsubtype, NULL), ${COLLATION('r.rngcollation')}, r.rngcanonical::text, r.rngsubdiff::text,
            format_type(r.rngmultitypid, NULL), (SELECT o.opcname FROM pg_opclass o WHERE o.oid = r.rngsubopc))
          FROM pg_range r WHERE r.rngtypid = x.oid),
        CASE x.typtype WHEN 'b' THEN jsonb_build_array(x.typlen, x.typbyval, x.typcategory, x.typispreferred, x.typdelim,
          x.typinput::text, x.typoutput::text, x.typreceive::text, x.typsend::text, x.typmodin::text, x.typmodout::text,
          x.typalign, x.typstorage) END)::text AS facts,
        concat_ws(' / ', CASE WHEN x.typdefaultbin IS NULL THEN x.typdefault ELSE pg_get_expr(x.typdefaultbin, 'pg_type'::regclass) END,
          ${TYPE_CONSTRAINTS}) AS code
      FROM ${inSchema('pg_type', 'typnamespace')}
      WHERE x.typtype IN ('b', 'c', 'd', 'e', 'r') AND x.typisdefined
        AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = x.oid)
        AND (x.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = x.typrelid AND c.relkind = 'c'))`,
  },
  {
    kind: 'collation',
    sql: `SELECT ${named('n.nspname', 'x.collname')} AS name,
        (${row('collname', 'collnamespace', 'collowner', 'collversion')})::text AS facts, NULL AS code
      FROM ${inSchema('pg_collation', 'collnamespace')}`,
  },
  {
    kind: 'operator',
    sql: `SELECT ${named('n.nspname', 'x.oprname')} || '(' || format_type(x.oprleft, NULL) || ', ' || format_type(x.oprright, NULL) || ')' AS name,
        jsonb_build_array(x.oprcanmerge, x.oprcanhash, format_type(x.oprresult, NULL), x.oprcom::regoperator::text,
          x.oprnegate::regoperator::text, x.oprcode::text, x.oprrest::text, x.oprjoin::text)::text AS facts, NULL AS code
      FROM ${inSchema('pg_operator', 'oprnamespace')} WHERE x.oprcode <> 0`,
  },
  {
    kind: 'operator_family',
    sql: `SELECT ${named('n.nspname', 'x.opfname')} || ' USING ' || (SELECT m.amname FROM pg_am m WHERE m.oid = x.opfmethod) AS name,
        jsonb_build_array(
          (SELECT jsonb_agg(o ORDER BY o) FROM (SELECT jsonb_build_array(amopstrategy, amopopr::regoperator::text) FROM pg_amop
            WHERE amopfamily = x.oid) operators (o)),
          (SELECT jsonb_agg(p ORDER BY p) FROM (SELECT jsonb_build_array(amprocnum, amproc::regprocedure::text) FROM pg_amproc
            WHERE amprocfamily = x.oid) procedures (p)),
          (SELECT jsonb_agg(c ORDER BY c) FROM (SELECT jsonb_build_array(opcname, format_type(opcintype, NULL), opcdefault) FROM pg_opclass
            WHERE opcfamily = x.oid) classes (c)))::text AS facts, NULL AS code
      FROM ${inSchema('pg_opfamily', 'opfnamespace')}`,
  },
  {
    kind: 'text_search_dictionary',
    sql: `SELECT ${named('n.nspname', 'x.dictname')} AS name, jsonb_build_array(x.dictinitoption,
        (SELECT t.tmplnamespace::regnamespace::text || '.' || t.tmplname FROM pg_ts_template t WHERE t.oid = x.dicttemplate))::text AS facts, NULL AS code
      FROM ${inSchema('pg_ts_dict', 'dictnamespace')}`,
  },
  {
    kind: 'text_search_configuration',
    sql: `SELECT ${named('n.nspname', 'x.cfgname')} AS name, jsonb_build_array(
        (SELECT p.prsnamespace::regnamespace::text || '.' || p.prsname FROM pg_ts_parser p WHERE p.oid = x.cfgparser),
        (SELECT jsonb_agg(jsonb_build_array(m.maptokentype, m.mapseqno, m.mapdict::regdictionary::text) ORDER BY m.maptokentype, m.mapseqno)
          FROM pg_ts_config_map m WHERE m.mapcfg = x.oid))::text AS facts, NULL AS code
      FROM ${inSchema('pg_ts_config', 'cfgnamespace')}`,
  },
  {
    kind: 'cast',
    sql: `SELECT format_type(x.castsource, NULL) || ' AS ' || format_type(x.casttarget, NULL) AS name,
        jsonb_build_array(x.castfunc::regprocedure::text, x.castcontext, x.castmethod)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_cast')}`,
  },
  {
    kind: 'language',
    sql: `SELECT ${named('x.lanname')} AS name, jsonb_build_array(x.lanpltrusted, x.lanplcallfoid::regprocedure::text)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_language')}`,
  },
  {
    kind: 'foreign_data_wrapper',
    sql: `SELECT ${named('x.fdwname')} AS name,
        jsonb_build_array(x.fdwhandler::regprocedure::text, x.fdwvalidator::regprocedure::text, x.fdwoptions)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_foreign_data_wrapper')}`,
  },
  {
    kind: 'foreign_server',
    sql: `SELECT ${named('x.srvname')} AS name, jsonb_build_array(x.srvtype, x.srvversion, x.srvoptions,
        (SELECT w.fdwname FROM pg_foreign_data_wrapper w WHERE w.oid = x.srvfdw))::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_foreign_server')}`,
  },
  {
    kind: 'event_trigger',
    sql: `SELECT ${named('x.evtname')} AS name,
        jsonb_build_array(x.evtevent, x.evtfoid::regprocedure::text, x.evtenabled, x.evttags)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_event_trigger')}`,
  },
  {
    kind: 'publication',
    sql: `SELECT ${named('x.pubname')} AS name, jsonb_build_array(${row('pubname', 'pubowner')},
        CASE WHEN NOT x.puballtables THEN (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.schemaname, t.tablename)
          FROM pg_publication_tables t WHERE t.pubname = x.pubname
            AND format('%I.%I', t.schemaname, t.tablename)::regclass <> ALL ($1::oid[])) END)::text AS facts, NULL AS code
      FROM ${besideSchemas('pg_publication')}`,
  },
  {
    kind: 'comment',
    // Not those of extensions, which write their own, nor of large objects, which may be left out.
    sql: `SELECT i.type || ' ' || i.identity AS name, d.description AS facts, NULL AS code
      FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
      WHERE d.objoid >= ${FIRST_OWN_OID}
        AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_largeobject'::regclass, 'pg_subscription'::regclass)
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
        AND NOT (d.classoid = 'pg_class'::regclass AND d.objoid = ANY ($1::oid[]))
        AND i.identity IS NOT NULL AND coalesce(i.schema, '') !~ '^pg_(toast|temp)'`,
  },
];
