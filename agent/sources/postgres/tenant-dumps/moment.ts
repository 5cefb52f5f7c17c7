import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import type { Dump, Probe } from '../../source.ts';
import type { Moment, TenantDumps, TenantSchema } from '../../tenant-dumps.ts';
import type { ClientDeps } from '../../tools.ts';
import { pathComponent } from '../../repository-path.ts';
import { readPostgresContents, type PostgresTable } from '../contents.ts';
import { openPostgresGlobals } from '../globals.ts';
import { quoteIdentifier } from '../names.ts';
import { leftOutOf, type LeftOut } from '../proof/left-out.ts';
import { beginSnapshot, exportSnapshot } from '../proof/snapshot.ts';
import { withPostgresSession, type PostgresSession } from '../session.ts';
import { stageSet } from '../tenant-sets/stage.ts';
import { extensionsIn, readNeeds, tablesLedTo, type Needs } from './needs.ts';
import { isOwnSchema } from '../tenants/schemas.ts';
import { inSnapshot, proveOne, type SchemaProofs } from './proofs.ts';
import { openPrelude } from './prelude.ts';
import { readRewritten, refuseRewritten, whyRewritten } from './rewritten.ts';
import { writeSharedArchive } from './shared-archive.ts';
import { openPartialDump } from './tenant-dump.ts';

/** Longer than a backup may take, which is for the job to say. */
const TIMEOUT_MS = 24 * 3600_000;
const LOOK_TIMEOUT_MS = 60_000;

/** Dumps of parts of a PostgreSQL database. */
export function createTenantDumps(config: PostgresSourceConfig, deps: ClientDeps): TenantDumps {
  const { caFile } = deps.tools;
  return {
    atOneMoment: ({ tenants, probe }, signal, work) =>
      withPostgresSession(config, { signal, caFile, timeoutMs: TIMEOUT_MS }, async (session) => {
        await beginSnapshot(session);
        const snapshot = await exportSnapshot(session);
        const { moment, end } = await openMoment({ config, deps, probe, tenants, session, snapshot, signal });
        try {
          return await work(moment);
        } finally {
          await end();
        }
      }),
    exists: async (schema, signal) => (await existing(config, deps, [schema], signal)).has(schema),
  };
}

function existing(
  config: PostgresSourceConfig,
  { tools: { caFile } }: ClientDeps,
  schemas: string[],
  signal: AbortSignal,
): Promise<Set<string>> {
  return withPostgresSession(config, { signal, caFile, timeoutMs: LOOK_TIMEOUT_MS }, async (session) => {
    const rows = await session.query(
      'SELECT nspname AS name FROM pg_namespace WHERE nspname = ANY ($1::text[])',
      [schemas],
    );
    return new Set(rows.map(({ name }) => String(name)));
  });
}

interface MomentOptions {
  config: PostgresSourceConfig;
  deps: ClientDeps;
  probe: Probe;
  tenants: TenantSchema[];
  session: PostgresSession;
  snapshot: string;
  signal: AbortSignal;
}

async function openMoment(options: MomentOptions): Promise<{ moment: Moment; end: () => Promise<void> }> {
  const { config, deps, probe, tenants, session, snapshot } = options;
  const schemas = new Set(tenants.map(({ schema }) => schema));
  const { tables } = await readPostgresContents(session);
  const there = await session.query('SELECT nspname AS name FROM pg_namespace');
  const present = new Set(there.map(({ name }) => String(name)));
  // Of tenants, too, are those that restores have replaced.
  const ofTenants = new Set([...schemas, ...[...present].filter(isOwnSchema)]);
  const ofNone = tables.filter(({ schema }) => !ofTenants.has(schema));
  const bySchema = Map.groupBy(tables, ({ schema }) => schema);

  // What is allowed to be left out is; what is not ends the dump of the tenant that it is in, and of no other.
  const allowed = new Set(
    probe.gaps.map(({ name }) => name).filter((name) => config.allowIncomplete.includes(name)),
  );
  const common = { config, deps, probe, snapshot, leftOut: leftOutOf(probe, allowed) };
  const proofs = { ...common, caFile: deps.tools.caFile };
  const shared = once(() => share({ ...options, leftOut: common.leftOut }, ofNone, proofs));
  const path = `/postgres/${pathComponent(config.database)}`;
  return {
    moment: {
      holds: ({ schema }) => present.has(schema),
      globalTables: ofNone.length,
      stage: (order, signal) =>
        stageSet(
          {
            ...{ ...proofs, path, shared: shared.get },
            tablesOf: (schema) => bySchema.get(schema) ?? [],
            existing: (some) => existing(config, deps, some, signal),
          },
          order,
          signal,
        ),
      release: async () => {
        await session.query('COMMIT');
      },
      outdated: ({ schema }, signal) =>
        inSnapshot(proofs, signal, async (own) => {
          const table = (await readRewritten(own, [schema])).get(schema);
          return table === undefined ? null : whyRewritten(table);
        }),
      tenantParts: (tenant, { withProof }) => [
        {
          kind: 'tenant-prelude',
          path: `${path}/${pathComponent(tenant.schema)}.prelude.sql`,
          open: (signal) =>
            openPrelude(
              {
                config,
                deps,
                probe,
                tenant,
                needs: () => needsOf(session, tenant),
                shared: shared.get,
              },
              signal,
            ),
        },
        {
          kind: 'tenant',
          path: `${path}/${pathComponent(tenant.schema)}.dump`,
          open: (signal) =>
            proven(withProof ? proofs : null, tenant, signal, (ready) =>
              openPartialDump(
                {
                  ...{ ...common, ready },
                  name: `tenant ${tenant.id} of ${config.database}`,
                  choice: () => chooseTenant(session, tenant.schema),
                  tables: bySchema.get(tenant.schema) ?? [],
                },
                signal,
              ),
            ),
        },
      ],
      globalParts: () => [
        {
          kind: 'global-roles',
          path: `${path}.global.roles.sql`,
          open: (signal) => openPostgresGlobals(config, deps, probe, signal),
        },
        {
          kind: 'global',
          path: `${path}.global.dump`,
          open: (signal) =>
            openPartialDump(
              {
                ...common,
                name: `what belongs to no tenant of ${config.database}`,
                choice: async () =>
                  [...ofTenants].map((schema) => `--exclude-schema=${quoteIdentifier(schema)}`),
                tables: ofNone,
                check: () =>
                  inSnapshot(proofs, signal, (own) =>
                    refuseRewritten(own, ofNone, `dump of what belongs to no tenant of ${config.database}`),
                  ),
              },
              signal,
            ),
        },
      ],
    },
    end: shared.end,
  };
}

async function needsOf(session: PostgresSession, { schema }: TenantSchema): Promise<Needs> {
  const needs = (await readNeeds(session, [schema])).get(schema);
  if (needs !== undefined) return needs;
  throw new HoldfastError('dump_failed', `the schema ${schema} is not in the snapshot`);
}

/** A dump with its proof, which begins with the counters: `ready` when they are read. */
function proven(
  proofs: SchemaProofs | null,
  { schema }: TenantSchema,
  signal: AbortSignal,
  open: (ready: Promise<unknown>) => Dump,
): Dump {
  if (proofs === null || proofs.config.proof === 'none') return open(Promise.resolve(null));
  const ready = Promise.withResolvers<null>();
  const dumped = Promise.withResolvers<unknown>();
  const proof = proveOne(
    proofs,
    schema,
    { dumped: dumped.promise, onBegun: () => ready.resolve(null) },
    signal,
  );
  void proof.then(() => ready.resolve(null));
  const dump = open(ready.promise);
  dump.done.then(dumped.resolve, dumped.reject);
  return { ...dump, proof };
}

/** An extension that lives in the schema would be left out. */
async function chooseTenant(session: PostgresSession, schema: string): Promise<string[]> {
  const extensions = session.major >= 14 ? await extensionsIn(session, [schema]) : [];
  return [
    `--schema=${quoteIdentifier(schema)}`,
    ...extensions.map(({ name }) => `--extension=${quoteIdentifier(name)}`),
  ];
}

async function share(
  options: MomentOptions & { leftOut: LeftOut },
  tables: PostgresTable[],
  proofs: SchemaProofs,
) {
  const { session, tenants, signal } = options;
  const schemas = tenants.map(({ schema }) => schema);
  const ledTo = await tablesLedTo(session, schemas, schemas);
  const archive = await writeSharedArchive({ ...options, tenants: schemas, tables, ledTo }, signal);
  try {
    const what = `what the tenants of ${options.config.database} share`;
    await inSnapshot(proofs, signal, (own) => refuseRewritten(own, ledTo, what));
    return archive;
  } catch (error) {
    await archive.remove();
    throw error;
  }
}

/** Made when it is first asked for, whoever asks, and removed at the end. */
function once<T extends { remove(): Promise<void> }>(make: () => Promise<T>) {
  let made: Promise<T> | null = null;
  return {
    get: () => (made ??= make()),
    end: async () => {
      const one = await made?.catch(() => null);
      await one?.remove();
    },
  };
}
