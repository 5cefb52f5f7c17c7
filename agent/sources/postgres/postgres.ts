import type { PostgresSourceConfig } from '../../config/config.ts';
import { FOLDER_SUFFIX } from '../../core/folder-path.ts';
import { peekContents } from './archive-contents.ts';
import { askDatabase } from './ask.ts';
import { createAtOnce } from './at-once/at-once.ts';
import { findPostgresClient } from './clients.ts';
import { readPostgresContents } from './contents.ts';
import { createLike } from './create-database.ts';
import { formOf, readForm, statementOf } from './database-form.ts';
import { createDatabase, dropDatabase, listDatabases, sizeOfDatabase } from './databases.ts';
import { stageDirectory } from './directory/dump.ts';
import { directoryHurdle } from './directory/preflight.ts';
import { readStoredContents } from './directory/stored.ts';
import { openPostgresDump } from './dump.ts';
import { emptyDatabase } from './empty.ts';
import { findPostgresGaps } from './gaps.ts';
import { analyzeDatabase, examineDatabase } from './examine.ts';
import { openPostgresGlobals } from './globals.ts';
import { inspectDatabase } from './inspect.ts';
import { loadPostgresDump } from './load.ts';
import { lockTableWarnings } from './lock-table.ts';
import { makeAlike } from './likeness.ts';
import { proveLike } from './proof/prove.ts';
import { createPostgresRoles } from './roles/roles.ts';
import { runPostgresScript } from './script.ts';
import { planSwap, settleSwap } from './settle-swap.ts';
import { findSwapHurdle, swapDatabases } from './swap.ts';
import { withAdminSession, withPostgresSession, type PostgresSession } from './session.ts';
import { countSubscriptions, forgetSubscriptions } from './subscriptions.ts';
import { tablesInDump } from './table-choice.ts';
import { isOwnSchema } from './tenants/schemas.ts';
import { createSchemaScratch } from './tenants/scratch.ts';
import { pathComponent } from '../repository-path.ts';
import { SCRATCH } from '../../core/scratch-name.ts';
import { isFolder, type FolderPart, type Probe, type Source } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const PROBE_TIMEOUT_MS = 60_000;

/** A server that recovers from a crash of one of its processes starts all but the first anew. Who may not see those does not see that. */
const UPTIME = `extract(epoch FROM clock_timestamp() - greatest(pg_postmaster_start_time(),
  (SELECT backend_start FROM pg_stat_activity WHERE backend_type = 'checkpointer')))`;

/** For what reads all of a database: longer than a run may take, which is for the job to say. */
const WHOLE_TIMEOUT_MS = 24 * 3600_000;

/** A PostgreSQL database and, beside it, what belongs to its server (roles, memberships, tablespaces). */
export function createPostgresSource(config: PostgresSourceConfig, deps: ClientDeps): Source {
  const { caFile } = deps.tools;
  const inside = <T>(signal: AbortSignal, database: string, work: (session: PostgresSession) => Promise<T>) =>
    withPostgresSession(config, { signal, caFile, database, timeoutMs: WHOLE_TIMEOUT_MS }, work);
  const beside = <T>(signal: AbortSignal, target: string, work: (session: PostgresSession) => Promise<T>) =>
    withAdminSession(config, target, { signal, caFile }, work);
  const path = `/postgres/${pathComponent(config.database)}`;
  return {
    name: config.name,
    database: config.database,
    renames: true,
    nameLimit: { most: 63, unit: 'bytes' },
    schemas: createSchemaScratch(config, deps),
    roles: createPostgresRoles(config, deps),
    atOnce: createAtOnce(config, deps),
    probe: (signal) =>
      withPostgresSession(config, { signal, caFile, timeoutMs: PROBE_TIMEOUT_MS }, (session) =>
        probe(config, deps, session, signal),
      ),
    parts: (probed) => [
      {
        kind: 'globals',
        path: `${path}.globals.sql`,
        open: (signal) => openPostgresGlobals(config, deps, probed, signal),
      },
      {
        kind: 'dump',
        path: `${path}.dump`,
        open: (signal) => openPostgresDump(config, deps, probed, signal),
        ...(config.format === 'directory' ? { folder: folderPart(config, deps, probed, path) } : {}),
      },
    ],
    restoreInto: (target, dump, signal, options) =>
      loadPostgresDump(config, deps, target, dump, signal, options),
    runScript: (target, script, signal) => runPostgresScript(config, deps, target, script, signal),
    tablesIn: async (dump) => {
      if (isFolder(dump)) return tablesInDump(await readStoredContents(dump));
      const { entries, close } = await peekContents(dump);
      await close();
      return tablesInDump(entries ?? []);
    },
    prove: (target, like, signal) => inside(signal, target, (session) => proveLike(session, target, like)),
    analyze: (target, signal) => inside(signal, target, analyzeDatabase),
    examine: (target, signal) => inside(signal, target, examineDatabase),
    ask: (target, question, signal) =>
      withPostgresSession(
        config,
        { signal, caFile, database: target, timeoutMs: question.timeoutMs },
        (session) => askDatabase(session, question),
      ),
    inspect: (target, signal) => inside(signal, target, (session) => inspectDatabase(session, target)),
    sizeOf: (target, signal) => beside(signal, target, (session) => sizeOfDatabase(session, target)),
    createDatabase: (target, signal, made = null) =>
      beside(signal, target, async (session) => {
        const form = (await readForm(session, config.database)) ?? (made === null ? null : formOf(made));
        const called = target.startsWith(SCRATCH) ? config.database : target;
        if (form !== null) return createLike(session, { target, called }, form);
        await createDatabase(session, target, '');
        return [];
      }),
    madeAs: (signal) =>
      beside(signal, '', async (session) => {
        const form = await readForm(session, config.database);
        return form === null ? null : statementOf(form);
      }),
    emptyDatabase: (target, signal) => inside(signal, target, (session) => emptyDatabase(session, target)),
    dropDatabase: (target, signal) =>
      beside(signal, target, async (session) => {
        // One of ours may have come to some by an older agent, or by a restore that was killed before its swap.
        if (target.startsWith(SCRATCH) && (await countSubscriptions(session, target)) > 0)
          await inside(signal, target, forgetSubscriptions);
        await dropDatabase(session, target);
      }),
    uptime: (signal) =>
      withAdminSession(config, '', { signal, caFile }, async (session) => {
        const [row] = await session.query(`SELECT ${UPTIME} AS seconds`);
        return Number(row?.seconds);
      }),
    listDatabases: (prefix, signal) =>
      withAdminSession(config, '', { signal, caFile }, (session) => listDatabases(session, prefix)),
    swapHurdle: (_, signal) =>
      beside(signal, config.database, (session) => findSwapHurdle(session, config.database)),
    planSwap: (swap, signal) => beside(signal, config.database, (session) => planSwap(session, swap)),
    swapIn: async ({ fresh, keep }, signal) => {
      await beside(signal, config.database, async (main) => {
        if (keep !== null) await makeAlike(main, fresh, config.database);
        await beside(signal, config.database, (helper) =>
          swapDatabases({ main, helper, fresh, target: config.database, keep }),
        );
      });
      return [];
    },
    settleSwap: (plan, signal) =>
      beside(signal, config.database, (session) => settleSwap(session, plan, config.database)),
  };
}

async function probe(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  session: PostgresSession,
  signal: AbortSignal,
): Promise<Probe> {
  const client = await findPostgresClient(session.major, {
    processes: deps.processes,
    dirs: deps.tools.postgresDirs,
    signal,
  });
  const contents = await readPostgresContents(session);
  // What a restore of a tenant left is dropped after a week, and nobody is to miss it then.
  const tables = contents.tables.filter(({ schema }) => config.tenants === null || !isOwnSchema(schema));
  return {
    engine: 'postgres',
    serverVersion: session.version,
    client,
    tables: tables.length,
    tableNames: tables.map(({ schema, name }) => `${schema}.${name}`),
    databaseBytes: contents.bytes,
    gaps: await findPostgresGaps(session, config, contents),
    hurdles: [],
    // Whoever may dump may share the dump's snapshot.
    lacksForProof: [],
    warnings:
      config.format === 'directory'
        ? await hurdleWarnings(session, config)
        : await lockTableWarnings(session),
  };
}

/** Told before the first night; the dump is refused for it. */
async function hurdleWarnings(session: PostgresSession, config: PostgresSourceConfig): Promise<string[]> {
  const hurdle = await directoryHurdle(session, config);
  return hurdle === null ? [] : [`${hurdle.message}: ${hurdle.hint ?? ''}`];
}

function folderPart(config: PostgresSourceConfig, deps: ClientDeps, probe: Probe, stem: string): FolderPart {
  const path = `${stem}${FOLDER_SUFFIX}`;
  return {
    path,
    stage: (signal, onBytes) => stageDirectory({ config, deps, probe, path, onBytes }, signal),
  };
}
