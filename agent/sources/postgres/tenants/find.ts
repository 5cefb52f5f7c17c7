import type { PostgresSourceConfig, TenantsConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { matchesPattern, wildcardPart, withWildcardPart } from '../../../core/pattern.ts';
import type { FoundTenants, Tenant } from '../../tenants.ts';
import { withoutSchema } from '../../without-schema.ts';
import type { PostgresSession } from '../session.ts';
import { askForTenants } from './query.ts';
import { bytesOfSchema, isOwnSchema, listSchemas, readSchemas, type Schemas } from './schemas.ts';

/** The tenants of the database that the session is in. */
export async function findTenants(
  session: PostgresSession,
  config: PostgresSourceConfig,
  tenants: TenantsConfig,
): Promise<FoundTenants> {
  const schemas = await readSchemas(session);
  const found = await candidates(session, config, tenants, schemas);
  return {
    tenants: found.toSorted(inOrder(tenants.priority)),
    findings: [...(found.length === 0 ? [nothingFound(config, tenants)] : []), ...withoutSchema(found)],
  };
}

/** Those of these schemas that the configuration's pattern makes tenants, in the order of `findTenants`. Null where a query finds them. */
export function tenantsAmong(schemas: string[], tenants: TenantsConfig): Tenant[] | null {
  const { found } = tenants;
  if (found.kind === 'query') return null;
  const likeIt = schemas.flatMap((schema) => {
    const id = isOwnSchema(schema) ? null : wildcardPart(found.pattern, schema);
    return id === null ? [] : [tenantOf(tenants, { id, schema, active: true }, null)];
  });
  return likeIt.toSorted(inOrder(tenants.priority));
}

/** The tenant with this id, also where its schema is gone. Throws `usage` where there can be none. */
export async function lookUpTenant(
  session: PostgresSession,
  config: PostgresSourceConfig,
  tenants: TenantsConfig,
  id: string,
): Promise<Tenant> {
  const schemas = new Map((await listSchemas(session)).map((schema) => [schema, null]));
  const found = await candidates(session, config, tenants, schemas);
  const tenant = found.find((one) => one.id === id) ?? absent(tenants, id);
  if (tenant !== null) {
    const isThere = schemas.has(tenant.schema);
    return { ...tenant, bytes: isThere ? await bytesOfSchema(session, tenant.schema) : null };
  }
  const known = found.map((one) => one.id).slice(0, MOST_NAMES);
  throw new HoldfastError('usage', `${config.name} has no tenant ${JSON.stringify(id)}`, {
    hint: `\`holdfast tenants ${config.name}\` lists them${known.length === 0 ? '' : `: ${known.join(', ')}${found.length > known.length ? ', …' : ''}`}.`,
  });
}

const MOST_NAMES = 5;

async function candidates(
  session: PostgresSession,
  config: PostgresSourceConfig,
  tenants: TenantsConfig,
  schemas: Schemas,
): Promise<Tenant[]> {
  const { found } = tenants;
  if (found.kind === 'query') {
    const rows = await askForTenants(session, config, found.sql);
    return rows.map((row) => tenantOf(tenants, row, schemas.get(row.schema) ?? null));
  }
  return [...schemas].flatMap(([schema, bytes]) => {
    const id = isOwnSchema(schema) ? null : wildcardPart(found.pattern, schema);
    return id === null ? [] : [tenantOf(tenants, { id, schema, active: true }, bytes)];
  });
}

/** A tenant whose schema was dropped: with a pattern, its id alone says what that was called. */
function absent(tenants: TenantsConfig, id: string): Tenant | null {
  if (tenants.found.kind === 'query') return null;
  const schema = withWildcardPart(tenants.found.pattern, id);
  const isName = schema !== null && Buffer.byteLength(schema) <= MOST_BYTES && !/\p{Cc}/u.test(schema);
  return isName && !isOwnSchema(schema) ? tenantOf(tenants, { id, schema, active: true }, null) : null;
}

/** Of a name of PostgreSQL; longer ones it would cut. */
const MOST_BYTES = 63;

function tenantOf(
  { groups }: TenantsConfig,
  tenant: Pick<Tenant, 'id' | 'schema' | 'active'>,
  bytes: number | null,
): Tenant {
  const group = groups.find(({ match }) => match.some((pattern) => isMeant(pattern, tenant)));
  return { ...tenant, group: group?.name ?? null, bytes };
}

function isMeant(pattern: string, { id, schema }: Pick<Tenant, 'id' | 'schema'>): boolean {
  return matchesPattern(pattern, id) || matchesPattern(pattern, schema);
}

function inOrder(priority: string[]): (one: Tenant, other: Tenant) => number {
  const rank = (tenant: Tenant) => {
    const at = priority.findIndex((pattern) => isMeant(pattern, tenant));
    return at === -1 ? priority.length : at;
  };
  return (one, other) =>
    rank(one) - rank(other) || one.id.localeCompare(other.id, 'en', { numeric: true }) || byText(one, other);
}

function byText(one: Tenant, other: Tenant): number {
  return one.id < other.id ? -1 : 1;
}

function nothingFound({ database }: PostgresSourceConfig, { found }: TenantsConfig): string {
  return found.kind === 'schemas'
    ? `no schema of ${database} is like ${found.pattern}: there are no tenants`
    : `the query for the tenants of ${database} gives none`;
}
