import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { INSIDE } from './outside.ts';

/**
 * What a role that is called like the old tenant owns or may in a schema that is another tenant's now: as a sentence part each, with the statements that
 * end it. Owners, rights on anything in it and on single columns, default privileges, and policies that are for it.
 */
export async function rightsAlong(session: PostgresSession, from: string, to: string): Promise<string[]> {
  const found = (await session.query(FOUND, [quoteIdentifier(to)])).map(foundOf);
  const roles = [...new Set(found.map(({ role }) => role))].filter((role) => isLike(role, from));
  return roles.flatMap((role) => {
    const its = found.filter((one) => one.role === role);
    const of = (how: Found['how'], isDefault = false) =>
      its.filter((one) => one.how === how && (one.kind === 'default acl') === isDefault);
    return [
      ...tellOwned(of('owner'), { role, from, to }),
      ...tellGranted(of('right'), { role, from, to }),
      ...tellDefaults([...of('owner', true), ...of('right', true)], { role, from, to }),
      ...of('policy').map(
        ({ told, name }) =>
          `${told} is for role ${role}, as in "${from}": ALTER POLICY ${name} TO ${NEW_ROLE};`,
      ),
    ];
  });
}

/** `tenant_42`, `app_tenant_42`, `Tenant_42-ro`: not `tenant_421`. */
function isLike(role: string, schema: string): boolean {
  const escaped = schema.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'iu').test(role);
}

interface Found {
  role: string;
  how: 'owner' | 'right' | 'policy';
  /** As the server names what it is: `table`, `materialized view`, `default acl`. */
  kind: string;
  /** As a statement names it. */
  name: string;
  /** As a person reads it. */
  told: string;
  /** Of default privileges: whose new objects, which of them, and to whom, as a statement names it. */
  maker: string;
  objects: string;
  grantees: string;
}

interface Move {
  role: string;
  from: string;
  to: string;
}

/** What the server keeps of roles for all that stands in the schema; a sequence goes with the column that it belongs to. */
const FOUND = `WITH inside AS MATERIALIZED (${INSIDE.join(' UNION ALL ')})
  SELECT DISTINCT r.rolname AS role, s.deptype AS how, o.type AS kind,
      CASE WHEN p.oid IS NULL THEN o.identity ELSE quote_ident(p.polname) || ' ON ' || p.polrelid::regclass::text END AS name,
      pg_describe_object(s.classid, s.objid, 0) AS told,
      coalesce(pg_get_userbyid(d.defaclrole), '') AS maker,
      CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE '' END AS objects,
      coalesce((SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')
        FROM aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole), '') AS grantees
    FROM inside i JOIN pg_shdepend s ON s.classid = i.classid AND s.objid = i.objid
      JOIN pg_roles r ON s.refclassid = 'pg_authid'::regclass AND r.oid = s.refobjid
      CROSS JOIN LATERAL pg_identify_object(s.classid, s.objid, 0) o
      LEFT JOIN pg_policy p ON s.classid = 'pg_policy'::regclass AND p.oid = s.objid
      LEFT JOIN pg_default_acl d ON s.classid = 'pg_default_acl'::regclass AND d.oid = s.objid
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.deptype IN ('o', 'a', 'r')
      AND NOT (s.deptype = 'o' AND EXISTS (SELECT FROM pg_depend x WHERE x.classid = s.classid AND x.objid = s.objid
        AND o.type = 'sequence' AND x.refclassid = 'pg_class'::regclass AND x.refobjsubid > 0 AND x.deptype IN ('a', 'i')))
    ORDER BY 1, 2, 3, 4`;

const HOW: Record<string, Found['how']> = { o: 'owner', a: 'right', r: 'policy' };

function foundOf(row: Record<string, unknown>): Found {
  const [role, kind, name, told] = [String(row.role), String(row.kind), String(row.name), String(row.told)];
  const how = HOW[String(row.how)] ?? 'right';
  const [maker, objects, grantees] = [String(row.maker), String(row.objects), String(row.grantees)];
  return { role, how, kind, name, told, maker, objects, grantees };
}

/** Nobody but a person knows who that is. */
const NEW_ROLE = 'NEW_ROLE';

/** What a statement calls otherwise than the catalog. */
const WRITTEN: Record<string, string> = { 'statistics object': 'STATISTICS' };

function tellOwned(owned: Found[], { role, from, to }: Move): string[] {
  if (owned.length === 0) return [];
  const statements = owned.map(
    ({ kind, name }) => `ALTER ${WRITTEN[kind] ?? kind.toUpperCase()} ${name} OWNER TO ${NEW_ROLE};`,
  );
  return [
    `role ${role} owns ${some(owned)} in "${to}", as in "${from}", and may do everything with it: ${statements.join(' ')}`,
  ];
}

function tellGranted(granted: Found[], { role, from, to }: Move): string[] {
  if (granted.length === 0) return [];
  const [schema, grantee] = [quoteIdentifier(to), quoteIdentifier(role)];
  const on = granted.map(({ kind, name }) => {
    if (kind === 'schema') return `SCHEMA ${name}`;
    const all = ALL_IN_SCHEMA.find(({ kinds }) => kinds.includes(kind));
    return all === undefined ? `${kind.toUpperCase()} ${name}` : `ALL ${all.word} IN SCHEMA ${schema}`;
  });
  const statements = [...new Set(on)].map((what) => `REVOKE ALL ON ${what} FROM ${grantee};`);
  return [`role ${role} has rights on ${some(granted)} in "${to}", as in "${from}": ${statements.join(' ')}`];
}

/** Those on columns go with those on their table. */
const ALL_IN_SCHEMA = [
  { word: 'TABLES', kinds: ['table', 'view', 'materialized view', 'foreign table'] },
  { word: 'SEQUENCES', kinds: ['sequence'] },
  { word: 'ROUTINES', kinds: ['function', 'procedure', 'aggregate'] },
];

function tellDefaults(defaults: Found[], { role, from, to }: Move): string[] {
  if (defaults.length === 0) return [];
  const statements = defaults.map(({ how, maker, objects, grantees }) => {
    const grantee = how === 'right' ? quoteIdentifier(role) : grantees;
    return `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(maker)} IN SCHEMA ${quoteIdentifier(to)} REVOKE ALL ON ${objects} FROM ${grantee};`;
  });
  return [
    `default privileges in "${to}" name role ${role}, as in "${from}": ${[...new Set(statements)].join(' ')}`,
  ];
}

function some([first, ...more]: Found[]): string {
  return `${first?.told ?? ''}${more.length === 0 ? '' : ` and ${more.length} more`}`;
}
