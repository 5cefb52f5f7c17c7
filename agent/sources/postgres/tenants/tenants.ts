import type { PostgresSourceConfig, TenantsConfig } from '../../../config/config.ts';
import { pathComponent } from '../../repository-path.ts';
import { isFolder, type StoredDump } from '../../source.ts';
import type { Tenants } from '../../tenants.ts';
import type { ClientDeps } from '../../tools.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { openFolder, readStoredContents } from '../directory/stored.ts';
import { openArchive } from '../open-archive.ts';
import { withPostgresSession, type PostgresSession } from '../session.ts';
import { untilCommit } from '../until-commit.ts';
import { dropSchema } from './drop.ts';
import { openSchemaDump } from './dump.ts';
import { findTenants, lookUpTenant } from './find.ts';
import { recoverTenants } from './recover.ts';
import { restoreTenant } from './restore.ts';

const LOOK_TIMEOUT_MS = 5 * 60_000;
/** How long a restore may take is for the job to say. */
const RESTORE_TIMEOUT_MS = 24 * 3600_000;

/** The tenants of a PostgreSQL database, each with a schema of its own. */
export function createPostgresTenants(
  config: PostgresSourceConfig,
  tenants: TenantsConfig,
  deps: ClientDeps,
): Tenants {
  const { caFile } = deps.tools;
  const look = <T>(
    signal: AbortSignal,
    work: (session: PostgresSession) => Promise<T>,
    database = config.database,
  ) => withPostgresSession(config, { signal, caFile, database, timeoutMs: LOOK_TIMEOUT_MS }, work);
  return {
    find: (signal) => look(signal, (session) => findTenants(session, config, tenants)),
    lookUp: (id, signal) => look(signal, (session) => lookUpTenant(session, config, tenants, id)),
    schemasIn: async (dump) => {
      const entries = await readEntries(dump);
      return entries.filter(({ kind }) => kind === 'SCHEMA').map(({ tag }) => tag);
    },
    part: (schema) => ({
      kind: 'dump',
      path: `/postgres/${pathComponent(config.database)}/${pathComponent(schema)}.dump`,
      open: (signal) => openSchemaDump(config, deps, schema, signal),
    }),
    restore: async (order, dump, signal) => {
      const archive = isFolder(dump) ? await openFolder(dump, order.schema, deps) : await openArchive(dump);
      const limit = untilCommit(signal);
      try {
        const database = order.elsewhere ?? config.database;
        const session = { signal: limit.signal, caFile, database, timeoutMs: RESTORE_TIMEOUT_MS };
        // The hook speaks of the source's own tables.
        const afterRestore = order.elsewhere === null ? tenants.afterRestore : null;
        return await withPostgresSession(config, session, (open) =>
          restoreTenant(open, archive, order, { afterRestore, onCommit: limit.onCommit }),
        );
      } finally {
        limit.release();
        await archive.close();
      }
    },
    recover: (order, dump, signal) => recoverTenants({ config, tenants, deps }, order, dump, signal),
    existing: (schemas, signal, database) =>
      look(
        signal,
        async (session) => {
          const rows = await session.query(
            'SELECT nspname AS name FROM pg_namespace WHERE nspname = ANY ($1::text[])',
            [schemas],
          );
          return rows.map(({ name }) => String(name));
        },
        database,
      ),
    drop: (schema, signal) => look(signal, (session) => dropSchema(session, schema)),
  };
}

async function readEntries(dump: StoredDump): Promise<WholeEntry[]> {
  if (isFolder(dump)) return readStoredContents(dump);
  const { entries, close } = await openArchive(dump);
  await close();
  return entries;
}
