import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { howToSet } from '../../../core/how-to-set.ts';
import type { Tenant } from '../../tenants.ts';
import { errorFields } from '../../error-fields.ts';
import { codeOf, statementError } from '../errors.ts';
import type { PostgresSession } from '../session.ts';

type Row = Pick<Tenant, 'id' | 'schema' | 'active'>;

const TIMEOUT_MS = 60_000;

/**
 * Asks the configured query for the tenants, reading only. Throws `configuration` where its answer is none: a column missing, no id, an id
 * twice, one schema for two tenants, a schema that all share.
 */
export async function askForTenants(
  session: PostgresSession,
  config: PostgresSourceConfig,
  sql: string,
): Promise<Row[]> {
  const rows = (await ask(session, config, sql)).map((row) => read(row, config));
  for (const key of ['id', 'schema'] as const) {
    const seen = new Map<string, Row>();
    for (const row of rows) {
      const other = seen.get(row[key]);
      if (other !== undefined) throw wrong(config, sql, twice(key, row, other));
      seen.set(row[key], row);
    }
  }
  return rows;
}

function twice(key: 'id' | 'schema', { id, schema }: Row, other: Row): string {
  return key === 'id'
    ? `gives tenant ${id} twice, with the schemas "${other.schema}" and "${schema}"`
    : `gives the schema "${schema}" to two tenants, ${other.id} and ${id}`;
}

async function ask(
  session: PostgresSession,
  config: PostgresSourceConfig,
  sql: string,
): Promise<Record<string, unknown>[]> {
  try {
    await session.query('BEGIN READ ONLY');
    await session.query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}`);
    // What people wrote means what it means to them, without a schema before each name.
    await session.query('SET LOCAL search_path = "$user", public');
    // The line end: it may end in a comment.
    return await session.query(
      `SELECT q.id::pg_catalog.text AS id, q.schema_name::pg_catalog.text AS schema, pg_catalog.to_jsonb(q) -> 'active' AS active
        FROM (${sql.replace(/[;\s]+$/, '')}\n) q`,
    );
  } catch (error) {
    throw refused(config, sql, error);
  } finally {
    // Where the connection is gone, what happened before is told.
    await session.query('ROLLBACK').catch(() => undefined);
  }
}

/** undefined_column, undefined_table, syntax_error */
const MISWRITTEN = ['42703', '42P01', '42601'];

function refused(config: PostgresSourceConfig, sql: string, error: unknown): HoldfastError {
  const { message } = errorFields(error);
  if (/column q\.(id|schema_name) does not exist/.test(message))
    return wrong(config, sql, 'gives no column id, or none called schema_name');
  if (MISWRITTEN.includes(codeOf(error))) return wrong(config, sql, `is refused by the server: ${message}`);
  return statementError(
    error,
    `cannot ask for the tenants of ${config.database}`,
    `GRANT SELECT ON the tables that the query reads TO "${config.user}";`,
  );
}

function read({ id, schema, active }: Record<string, unknown>, config: PostgresSourceConfig): Row {
  const bad = (what: string) => wrong(config, null, what);
  if (typeof id !== 'string' || id === '') throw bad('gives a tenant without an id');
  if (/\p{Cc}/u.test(id)) throw bad(`gives an id with control characters: ${JSON.stringify(id)}`);
  if (typeof schema !== 'string' || schema === '') throw bad(`gives tenant ${id} no schema_name`);
  if (schema === 'public' || schema === 'information_schema' || schema.startsWith('pg_'))
    throw bad(`gives tenant ${id} the schema "${schema}", which is no tenant's`);
  if (active !== null && typeof active !== 'boolean')
    throw bad(`gives tenant ${id} an active that is neither true nor false`);
  return { id, schema, active: active ?? true };
}

function wrong(config: PostgresSourceConfig, sql: string | null, what: string): HoldfastError {
  const value = "'select id, schema_name, active from tenants'";
  const setting = howToSet(config, { variable: 'TENANT_QUERY', key: 'tenants.query', value });
  return new HoldfastError(
    'configuration',
    `the query for the tenants of ${config.database} ${what}${sql === null ? '' : ` (${shortened(sql)})`}`,
    { hint: `It must give each tenant once, with its own schema, such as ${setting}.` },
  );
}

function shortened(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}
