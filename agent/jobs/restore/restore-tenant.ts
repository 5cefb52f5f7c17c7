import { utc } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import { counted } from '../../core/units.ts';
import { compare } from '../../proof/compare.ts';
import { proofOfSchema } from '../../proof/of-schema.ts';
import type { Proof } from '../../proof/proof.ts';
import { tellDifferences, tellRestored } from '../../proof/tell.ts';
import type { SavedSnapshot } from '../../repository/repository.ts';
import type { Source } from '../../sources/source.ts';
import type { Tenant, TenantRestored } from '../../sources/tenants.ts';
import { findTenantDump, type TenantDumps } from '../find-tenant-dump.ts';
import { openToRead } from '../open-repository.ts';
import type { Job, Outcome } from '../job.ts';
import { datedSchema, rememberKeptSchema } from './kept-schema.ts';
import { KEPT_FOR_MS } from './kept-database.ts';
import { lookForSchema } from './look-for-tenant.ts';
import { readStored } from '../reading.ts';
import { readPreludeOf } from '../stored-prelude.ts';
import { noPoint, preparePoint, type PreparedPoint } from './restore-point.ts';
import { planTenant } from './restore-tenant-plan.ts';
import { joinedNotes, suspectNote } from './suspect-note.ts';
import type {
  TenantRestoration,
  TenantRestorationBegun,
  TenantRestoreSettings,
} from './tenant-restoration.ts';

/** Restores one tenant out of a dump while the others work on. Its schema stays as it is until what replaces it is known to be whole. */
export function restoreTenantJob(source: Source, given: TenantRestoreSettings): Job {
  return {
    name: 'restore',
    source: source.name,
    timeoutMs: given.timeoutMs,
    run: async (context) => {
      const repository = await openToRead(given.repository, context.signal);
      const settings = { ...given, repository };
      const { tenants, how } = settings;
      const tenant = await tenants.lookUp(settings.id, context.signal);
      const into = await placeOf(settings, tenant, context.signal);
      const { path } = tenants.part(tenant.schema);
      const replaces =
        how === 'for-good' &&
        settings.toDatabase === null &&
        into.bytes !== null &&
        into.schema === tenant.schema;
      const of = { path, engine: 'postgres', of: tenant.schema } as const;
      const point =
        replaces && settings.restorePoint ? await preparePoint(source.name, of, settings, context) : null;
      try {
        const looked = { source: source.name, id: tenant.id, schema: tenant.schema, path };
        const dumps = await findTenantDump(repository, looked, settings.wanted, settings, context.signal);
        const begun = { source, tenant, into, replaces, settings, context };
        return how === 'dry-run'
          ? planTenant(await withDump(begun, dumps, { byProof: false }))
          : await restore(begun, dumps, point);
      } finally {
        await point?.cancel();
      }
    },
  };
}

/** The tenant that it becomes, with the bytes of what is there of it; in another database they are not known, and 0. */
async function placeOf(
  { tenants, toId, toDatabase }: TenantRestoreSettings,
  tenant: Tenant,
  signal: AbortSignal,
): Promise<Tenant> {
  const into = toId === null ? tenant : await tenants.lookUp(toId, signal);
  if (toDatabase === null) return into;
  const [there] = await tenants.existing([into.schema], signal, toDatabase);
  return { ...into, bytes: there === undefined ? null : 0 };
}

async function withDump(
  begun: TenantRestorationBegun,
  dumps: TenantDumps,
  { byProof }: { byProof: boolean },
): Promise<TenantRestoration> {
  const { source, tenant, settings, context } = begun;
  const look = lookForSchema(tenant.schema, settings, context, { byProof });
  const dump = await dumps.holding(look, begun);
  const note = joinedNotes(dump.note, suspectNote(settings.ledger, source.name, dump.snapshot));
  return { ...begun, ...dump, note };
}

/** Nothing is stored for a restore that has no dump. Then both at once: each waits for the repository. */
async function readProof(begun: TenantRestorationBegun, dumps: TenantDumps, prepared: PreparedPoint | null) {
  const restoration = await withDump(begun, dumps, { byProof: true });
  const reading = restoration.proof(begun.context.signal);
  // Told when it is waited for; without a restore point nothing comes of it.
  reading.catch(() => undefined);
  const point = prepared === null ? null : await takePoint(begun, prepared);
  return { point, restoration, whole: await reading };
}

async function takePoint(
  { tenant: { schema }, settings, context }: TenantRestorationBegun,
  prepared: PreparedPoint,
): Promise<SavedSnapshot> {
  try {
    return await prepared.store(settings.tenants.part(schema).open);
  } catch (error) {
    context.signal.throwIfAborted();
    throw noPoint(schema, error);
  }
}

async function restore(
  begun: TenantRestorationBegun,
  dumps: TenantDumps,
  prepared: PreparedPoint | null,
): Promise<Outcome> {
  const { source, tenant, into, settings, context } = begun;
  const { repository, tenants, notes, now, owners, how } = settings;
  const forGood = how === 'for-good';
  const { point, restoration, whole } = await readProof(begun, dumps, prepared);
  const { snapshot } = restoration;
  const proof = whole === null ? null : proofOfSchema(whole, tenant.schema);
  const keep = datedSchema(into.schema, now());
  if (forGood && settings.toDatabase === null && into.schema === tenant.schema)
    rememberKeptSchema(notes, source.name, { name: keep, at: now().toISOString() });
  const judged: Judged = { notes: [], warnings: [] };
  const progress = { step: `loading ${tenant.schema}`, dumpBytes: 0, storedBytes: 0 };
  const { alone } = restoration;
  const prelude = async () => {
    const found = (await alone?.prelude(context.signal)) ?? null;
    return found === null ? null : readPreludeOf(repository, found, context.signal);
  };
  const dump = readStored({ repository, snapshot, progress }, context.onProgress, context.signal);
  const restored = await tenants.restore(
    {
      schema: tenant.schema,
      into,
      elsewhere: settings.toDatabase,
      keep,
      proof: whole,
      alone: alone === null ? null : { prelude },
      judge: (found) => judge(restoration, proof, found, judged),
      owners,
      forGood,
      onStep: (step) => {
        progress.step = step;
        context.onProgress({ ...progress });
      },
    },
    dump,
    context.signal,
  );
  return told(restoration, restored, { judged, keep, point });
}

interface Judged {
  notes: string[];
  warnings: string[];
}

/** Throws `restore_failed` where what came back differs from the proof: nothing is done then. */
function judge(
  { snapshot, tenant }: TenantRestoration,
  proof: Proof | null,
  found: Proof,
  judged: Judged,
): void {
  if (proof === null) {
    judged.notes.push('not compared: this backup has no proof');
    return;
  }
  const comparison = compare(proof, found);
  const differences = tellDifferences(comparison);
  if (differences.length > 0) {
    throw new HoldfastError(
      'restore_failed',
      `what ${snapshot.shortId} brings back of ${tenant.schema} is not what was backed up: ${differences.join('; ')}; nothing was changed`,
      { hint: 'Restore another snapshot.' },
    );
  }
  const { notes, warnings } = tellRestored(comparison, proof);
  judged.notes.push(...notes);
  judged.warnings.push(...warnings);
}

function told(
  { source, snapshot, note, tenant, into, settings }: TenantRestoration,
  restored: TenantRestored,
  { judged, keep, point }: { judged: Judged; keep: string; point: SavedSnapshot | null },
): Outcome {
  const until = new Date(settings.now().getTime() + KEPT_FOR_MS).toISOString().slice(0, 10);
  const what = `tenant ${tenant.id} of ${snapshot.shortId} of ${utc(new Date(snapshot.time))} into ${into.schema} of ${settings.toDatabase ?? source.database}: ${counted(restored.tables, 'table')}, ${counted(restored.rows, 'row')}`;
  const verb = settings.how === 'for-good' ? 'restored' : 'nothing was changed; was able to restore';
  const { owners } = settings;
  return {
    reason: [
      `${verb} ${what}`,
      ...judged.notes,
      ...(restored.replaced ? [`the old one is ${keep} until ${until}`] : []),
      ...(point === null ? [] : [`what was there is restore point ${point.id.slice(0, 8)} for a week`]),
    ].join('; '),
    warnings: [
      ...(note === null ? [] : [note]),
      ...(point?.warnings ?? []),
      ...judged.warnings,
      ...restored.warnings,
      ...(restored.ownersKept || owners === 'leave' ? [] : [OWNERS_LEFT]),
    ],
    facts: {
      snapshotId: snapshot.id,
      tenant: into.id,
      tables: restored.tables,
      rows: restored.rows,
      ...(restored.replaced ? { keptSchema: keep } : {}),
      ...(point === null ? {} : { restorePointId: point.id }),
    },
  };
}

const OWNERS_LEFT =
  'everything in it belongs to the user that restored it, and rights that others had are gone: only a superuser, or a member of every role that owned it, can restore both (docs/tenants.md)';
