import type { PostgresSourceConfig, TenantsConfig } from '../../../config/config.ts';
import { describeError, HoldfastError } from '../../../core/errors.ts';
import { isFolder, type StoredDump } from '../../source.ts';
import type { Recovered, RecoveredTenant, RecoveryOrder, Tenant } from '../../tenants.ts';
import type { ClientDeps } from '../../tools.ts';
import { withLockHint } from '../at-once/lock-room.ts';
import { findPostgresClient } from '../clients.ts';
import type { FileEntry } from '../directory/contents.ts';
import { makePlace, makeRoom, requireRoom, type Place } from '../directory/room.ts';
import { archiveIn, fetchFolder, readStoredContents } from '../directory/stored.ts';
import { unpackArchive } from '../directory/unpack.ts';
import { readServer } from '../read-server.ts';
import { requireRoles } from '../roles/require.ts';
import { AS_IT_IS, runPgRestore } from '../run-restore.ts';
import { withPostgresSession, type PostgresSession } from '../session.ts';
import { analyzeSchema } from './analyze.ts';
import { findTenants, tenantsAmong } from './find.ts';
import { loadEntries, prepareToLoad } from './load.ts';
import { subscriptionsIn, tellLeftOut, withoutSubscriptions } from '../subscriptions.ts';
import { splitForRecovery, withoutFailed } from './recovery-split.ts';
import { requireUtf8 } from './utf8.ts';

const LOOK_TIMEOUT_MS = 5 * 60_000;
/** How long a restore may take is for the job to say. */
const RESTORE_TIMEOUT_MS = 24 * 3600_000;

export interface RecoverySettings {
  config: PostgresSourceConfig;
  tenants: TenantsConfig;
  deps: ClientDeps;
}

/** Loads a dump of everything by the priority of its tenants: `Tenants.recover` says what is promised. */
export async function recoverTenants(
  settings: RecoverySettings,
  order: RecoveryOrder,
  dump: StoredDump,
  signal: AbortSignal,
): Promise<Recovered> {
  order.onStep('staging the dump');
  const { place, entries } = await stage(settings, order, dump);
  try {
    requireUtf8(entries, 'restore_failed');
    const work = { ...settings, order, place, entries: withoutSubscriptions(entries), signal };
    const recovered = await recover(work, await inOrder(work));
    return { ...recovered, notes: tellLeftOut(subscriptionsIn(entries), order.target) };
  } finally {
    // What is back is back; what stays in the state folder the next start removes.
    await place.remove().catch(() => undefined);
  }
}

interface Work extends RecoverySettings {
  order: RecoveryOrder;
  place: Place;
  entries: FileEntry[];
  signal: AbortSignal;
}

/** Tenants come in another order than that of an archive: all of it has to lie on the disk. */
async function stage(
  { deps }: RecoverySettings,
  { dumpBytes }: RecoveryOrder,
  dump: StoredDump,
): Promise<{ place: Place; entries: FileEntry[] }> {
  if (isFolder(dump)) {
    const entries = await readStoredContents(dump);
    return { place: await fetchFolder(dump, deps, null), entries };
  }
  const place = await makePlace(deps.runtimeDir);
  try {
    if (dumpBytes !== null)
      await requireRoom(place.path, {
        bytes: dumpBytes,
        what: 'the dump',
        kind: 'target_full',
        otherwise: WHOLE_NEEDS_NONE,
      });
    return { place, entries: await unpackArchive(dump, place.path) };
  } catch (error) {
    await place.remove();
    throw isFull(error) ? noRoom(error) : error;
  }
}

const WHOLE_NEEDS_NONE = 'a restore without --by-tenant needs none';

function isFull(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function noRoom(cause: unknown): HoldfastError {
  return new HoldfastError('target_full', 'the state folder has no room to stage the dump', {
    hint: makeRoom(WHOLE_NEEDS_NONE),
    cause,
  });
}

/** The tenants that the dump holds, the critical ones first. Where a query knows them, the source's own database is asked. */
async function inOrder({ config, tenants, deps, entries, signal }: Work): Promise<Tenant[]> {
  const schemas = entries.filter(({ kind }) => kind === 'SCHEMA').map(({ tag }) => tag);
  const among = tenantsAmong(schemas, tenants);
  if (among !== null) return among;
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS };
  try {
    const found = await withPostgresSession(config, look, (session) => findTenants(session, config, tenants));
    return found.tenants.filter(({ schema }) => schemas.includes(schema));
  } catch (cause) {
    throw new HoldfastError(
      'restore_failed',
      `which schemas are tenants only ${config.database} knows, and it does not tell: ${describeError(cause).message}`,
      {
        hint: "Name them by a pattern (TENANT_SCHEMAS='tenant_*'; in the file tenants: schemas), or restore without --by-tenant.",
        cause,
      },
    );
  }
}

async function recover(work: Work, tenants: Tenant[]): Promise<Omit<Recovered, 'notes'>> {
  const { config, deps, order, place, entries, signal } = work;
  const { target, owners } = order;
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS, database: target };
  const { major, isSuperuser, roles } = await withPostgresSession(config, look, readServer);
  const client = await findPostgresClient(major, {
    processes: deps.processes,
    dirs: deps.tools.postgresDirs,
    signal,
  });
  const ownersKept = owners === 'keep' || (owners === 'where-allowed' && isSuperuser);
  requireRoles(entries, { roles, ownersKept });
  const split = splitForRecovery(
    entries,
    tenants.map(({ schema }) => schema),
  );
  const restore = (chosen: FileEntry[], atOnce: number) => {
    const folder = { folder: place.path, stream: nothing(), filter: AS_IT_IS };
    const run = { target, clientPath: client.path, ...folder, chosen, atOnce, ownersKept };
    return runPgRestore(config, deps, run, signal);
  };
  order.onStep('loading what belongs to no tenant');
  await restore(split.shared, config.jobs);
  order.onShared();
  const failed: string[] = [];
  for (const { id, schema } of tenants) {
    const own = split.tenants.get(schema) ?? [];
    const why = await loadTenant(work, schema, { own, ownersKept });
    signal.throwIfAborted();
    if (why !== null) failed.push(schema);
    order.onTenant({ id, schema, tables: tablesIn(own), why });
  }
  order.onStep('loading what builds on several tenants');
  const late = withoutFailed(split, failed);
  const lateWhy = late.length === 0 ? null : await restore(late, 1).then(() => null, tell(signal));
  return { ownersKept, late: late.length, lateWhy, leftOut: split.late.length - late.length };
}

function tablesIn(entries: FileEntry[]): RecoveredTenant['tables'] {
  return entries.filter(({ kind }) => kind === 'TABLE').length;
}

/** In a transaction of its own: it is there as a whole or not at all. Why it is not, as a sentence part; null where it is. */
async function loadTenant(
  { config, deps, order, place, entries, signal }: Work,
  schema: string,
  { own, ownersKept }: { own: FileEntry[]; ownersKept: boolean },
): Promise<string | null> {
  order.onStep(`loading ${schema}`);
  const options = {
    ...{ signal, caFile: deps.tools.caFile, timeoutMs: RESTORE_TIMEOUT_MS },
    database: order.target,
  };
  const load = async (session: PostgresSession) => {
    await session.query('BEGIN');
    try {
      await prepareToLoad(session);
      await loadEntries(session, archiveIn(place, entries), own, { owners: ownersKept });
      await session.query('SET LOCAL search_path = pg_catalog');
      await analyzeSchema(session, schema);
      await session.query('COMMIT');
    } catch (error) {
      await session.query('ROLLBACK').catch(() => undefined);
      throw await withLockHint(session, own, error);
    }
  };
  // A session that ends undoes what was not committed.
  return withPostgresSession(config, options, load).then(() => null, tell(signal));
}

function tell(signal: AbortSignal): (error: unknown) => string {
  return (error) => {
    signal.throwIfAborted();
    const { message, hint } = describeError(error);
    return hint === null ? message : `${message} (${hint.replace(/\.$/, '')})`;
  };
}

async function* nothing(): AsyncGenerator<Buffer> {
  // All of it lies on the disk.
}
