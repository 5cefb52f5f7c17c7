import type { PostgresSession } from '../session.ts';
import { quoteIdentifier } from '../names.ts';

/**
 * What stands outside of a schema and depends on something in it, in the server's words: a view or a foreign key elsewhere, a publication, an
 * extension. It would go on meaning the old schema when another takes its name, and be dropped with it.
 */
export async function findDependents(session: PostgresSession, schema: string): Promise<string[]> {
  const rows = await session.query(
    `WITH inside AS MATERIALIZED (${INSIDE.join(' UNION ALL ')})
      SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS told
      FROM pg_depend d JOIN inside i ON i.classid = d.refclassid AND i.objid = d.refobjid
      -- Internal parts (the TOAST table, the triggers of a foreign key) stand and fall with what they are parts of.
      WHERE d.deptype NOT IN ('i', 'I')
        AND NOT EXISTS (SELECT FROM inside o WHERE o.classid = d.classid AND o.objid = d.objid)
      ORDER BY 1`,
    [quoteIdentifier(schema)],
  );
  return rows.map(({ told }) => String(told).replace(/^rule _RETURN on /, ''));
}

const NAMESPACE = 'to_regnamespace($1)::oid';

/** Catalogs of what stands in a schema, with the column that tells which. */
const IN_SCHEMA: Record<string, string> = {
  pg_class: 'relnamespace',
  pg_type: 'typnamespace',
  pg_proc: 'pronamespace',
  pg_operator: 'oprnamespace',
  pg_opclass: 'opcnamespace',
  pg_opfamily: 'opfnamespace',
  pg_collation: 'collnamespace',
  pg_conversion: 'connamespace',
  pg_constraint: 'connamespace',
  pg_statistic_ext: 'stxnamespace',
  pg_ts_config: 'cfgnamespace',
  pg_ts_dict: 'dictnamespace',
  pg_ts_parser: 'prsnamespace',
  pg_ts_template: 'tmplnamespace',
  pg_default_acl: 'defaclnamespace',
};

/** Catalogs of what belongs to a relation, with the column that tells which. */
const OF_RELATION: Record<string, string> = {
  pg_attrdef: 'adrelid',
  pg_policy: 'polrelid',
  pg_rewrite: 'ev_class',
  pg_trigger: 'tgrelid',
};

/** Queries for what stands in the schema `$1`, as `classid` and `objid`. */
export const INSIDE = [
  `SELECT 'pg_namespace'::regclass::oid AS classid, ${NAMESPACE} AS objid`,
  ...Object.entries(IN_SCHEMA).map(
    ([catalog, column]) =>
      `SELECT '${catalog}'::regclass, oid FROM ${catalog} WHERE ${column} = ${NAMESPACE}`,
  ),
  ...Object.entries(OF_RELATION).map(
    ([catalog, column]) =>
      `SELECT '${catalog}'::regclass, x.oid FROM ${catalog} x JOIN pg_class c ON c.oid = x.${column} WHERE c.relnamespace = ${NAMESPACE}`,
  ),
  ...[
    ['pg_amop', 'amopfamily'],
    ['pg_amproc', 'amprocfamily'],
  ].map(
    ([catalog, column]) =>
      `SELECT '${catalog}'::regclass, x.oid FROM ${catalog} x JOIN pg_opfamily f ON f.oid = x.${column} WHERE f.opfnamespace = ${NAMESPACE}`,
  ),
];
