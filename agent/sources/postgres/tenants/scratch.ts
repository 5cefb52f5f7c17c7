import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import type { SchemaLoaded, SchemaScratch } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { statementError } from '../errors.ts';
import { openArchive, type OpenArchive } from '../open-archive.ts';
import { withPostgresSession, type PostgresSession } from '../session.ts';
import { chooseSeveral, type SeveralSchemas } from './choose-several.ts';
import { inLoadingOrder, loadEntry, prepareToLoad } from './load.ts';
import { proveSchema } from './read-back.ts';
import { requireUtf8 } from './utf8.ts';

/** How long it may take is for the job to say. */
const TIMEOUT_MS = 24 * 3600_000;

/** Schemas of a dump in a scratch database of this server. */
export function createSchemaScratch(config: PostgresSourceConfig, deps: ClientDeps): SchemaScratch {
  const { caFile } = deps.tools;
  const inside = <T>(signal: AbortSignal, database: string, work: (session: PostgresSession) => Promise<T>) =>
    withPostgresSession(config, { signal, caFile, database, timeoutMs: TIMEOUT_MS }, work);
  return {
    load: async (target, schemas, dump, signal) => {
      const archive = await openArchive(dump);
      try {
        requireUtf8(archive.entries, 'client_mismatch');
        const chosen = chooseSeveral(archive.entries, schemas);
        return await inside(signal, target, (session) => loadSeveral(session, archive, chosen, schemas));
      } finally {
        await archive.close();
      }
    },
    prove: (target, schema, like, signal) =>
      inside(signal, target, async (session) => {
        try {
          return await proveSchema(session, schema, like);
        } catch (error) {
          throw statementError(error, `cannot read ${schema} of ${target} for the comparison`, null);
        }
      }),
  };
}

async function loadSeveral(
  session: PostgresSession,
  archive: OpenArchive,
  chosen: SeveralSchemas,
  schemas: string[],
): Promise<Map<string, SchemaLoaded>> {
  await prepareToLoad(session, { scope: 'SESSION' });
  // Nothing of it outlives the server.
  await session.query('SET synchronous_commit = off');
  const loaded = new Map<string, SchemaLoaded>(
    schemas.map((schema) => [schema, { error: null, seconds: 0 }]),
  );
  // Rows that all share, say: whom their lack hurts shows when a key of a tenant fails, and that is not the tenant's fault.
  let ofNobody: HoldfastError | null = null;
  for (const entry of inLoadingOrder(chosen.entries, { owners: false })) {
    const owner = chosen.ownerOf(entry);
    const state = owner === undefined ? undefined : loaded.get(owner);
    if (state !== undefined && state.error !== null) continue;
    const startedAt = performance.now();
    const error = await attempt(session, archive, entry);
    const seconds = (performance.now() - startedAt) / 1000;
    if (state !== undefined) {
      Object.assign(state, {
        error: error === null ? null : (ofNobody ?? error),
        seconds: state.seconds + seconds,
      });
      continue;
    }
    if (error === null) continue;
    const needing = chosen.neededBy(entry);
    for (const schema of needing) fail(loaded, schema, error);
    if (needing.length === 0) ofNobody ??= error;
  }
  return loaded;
}

function fail(loaded: Map<string, SchemaLoaded>, schema: string, error: HoldfastError): void {
  const state = loaded.get(schema);
  if (state !== undefined) state.error ??= error;
}

/**
 * Each in a transaction of its own: one for all would need a lock for every table, and end with the first that the server refuses.
 * Returns what it refused.
 */
async function attempt(
  session: PostgresSession,
  archive: OpenArchive,
  entry: WholeEntry,
): Promise<HoldfastError | null> {
  const rows = entry.hasData ? archive.rowsOf(entry) : null;
  await session.query('BEGIN');
  try {
    await loadEntry(session, { rowsOf: () => kept(rows) }, entry, { owners: false });
    await session.query('COMMIT');
    return null;
  } catch (error) {
    if (!(error instanceof HoldfastError) || !REFUSALS.has(error.kind)) throw error;
    await session.query('ROLLBACK');
    // What follows in the archive begins behind them.
    while (rows !== null && (await rows.next()).done !== true);
    return error;
  }
}

const REFUSALS = new Set(['restore_failed', 'rights_missing']);

/** Whoever stops to read them does not end them. */
async function* kept(rows: AsyncGenerator<Buffer> | null): AsyncGenerator<Buffer> {
  for (;;) {
    const next = await rows?.next();
    if (next === undefined || next.done === true) return;
    yield next.value;
  }
}
