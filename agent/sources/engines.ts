import type { SourceConfig } from '../config/config.ts';

/**
 * What is particular to each engine, null where nobody asked for it. A command that meets one engine alone would otherwise read
 * the sixty files of the other at each start, before it does anything.
 */
export interface Engines {
  mysql: Awaited<ReturnType<typeof loadMysql>> | null;
  postgres: Awaited<ReturnType<typeof loadPostgres>> | null;
}

/** Loads what these sources need. */
export async function loadEngines(sources: Pick<SourceConfig, 'type'>[]): Promise<Engines> {
  const types = new Set(sources.map(({ type }) => type));
  return {
    mysql: types.has('mysql') ? await loadMysql() : null,
    postgres: types.has('postgres') ? await loadPostgres() : null,
  };
}

async function loadMysql() {
  return import('./mysql/mysql.ts');
}

async function loadPostgres() {
  const { createPostgresSource } = await import('./postgres/postgres.ts');
  const { createPostgresTenants } = await import('./postgres/tenants/tenants.ts');
  const { createTenantDumps } = await import('./postgres/tenant-dumps/moment.ts');
  return { createPostgresSource, createPostgresTenants, createTenantDumps };
}
