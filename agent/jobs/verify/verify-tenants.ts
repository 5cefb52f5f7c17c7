import { isFolderPath } from '../../core/folder-path.ts';
import { HoldfastError } from '../../core/errors.ts';
import type { RunFacts, TenantVerification } from '../../ledger/ledger.ts';
import { namesIn, type Proof } from '../../proof/proof.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { ScratchPlace } from '../../sources/scratch.ts';
import type { Source } from '../../sources/source.ts';
import type { FoundTenants, Tenant, Tenants } from '../../sources/tenants.ts';
import { ensureRepository, type Notes } from '../init.ts';
import type { Job, JobContext, Outcome } from '../job.ts';
import { isCalled, type Known, type Newest } from '../newest.ts';
import { findProof } from '../stored-proof.ts';
import { notRun } from './not-run.ts';
import { newestOwn } from './newest-own.ts';
import { passOver } from './tenant-pass.ts';
import { concluded, leave, type TenantsVerified } from './tenants-verified.ts';

export interface TenantVerifySettings extends Known {
  repository: Repository;
  notes: Notes;
  /** The configured host: with the source's name it makes scratch names that no other agent uses. */
  host: string;
  scratch: ScratchPlace;
  tenants: Pick<Tenants, 'find' | 'lookUp' | 'schemasIn'>;
  /** Ids of those that a person named; null for all, by turns. */
  ids: string[] | null;
  /** Whether they are all that there are, and not those of a role. */
  unlimited: boolean;
  /** Those of them that are to be verified out of this snapshot, the one that waits longest first. */
  inTurn: (tenants: Tenant[], snapshotId: string) => Tenant[];
  /** The snapshot of the last backup that counted, where the ledger knows one in this repository. */
  newestGood: () => string | null;
  /** Whether backups of the source are to have a proof. */
  wantsProof: boolean;
  /** Plain bytes of the dump in this snapshot, as far as anybody knows. */
  dumpBytes: (snapshotId: string) => number | null;
  /** Why there is no time left, as a sentence part; null where there is. */
  outOfTime: () => string | null;
  timeoutMs: number;
}

/**
 * Restores tenants out of the newest good backup of everything into a scratch database, several at once in one pass over the dump, and
 * compares each with the proof; the schemas that are in use are not touched. Begins no further pass when the time is over. Each tenant has
 * its own result; the run fails where one did not come back as it was, and ends as skipped where nothing could be shown.
 */
export function verifyTenantsJob(source: Source, settings: TenantVerifySettings): Job {
  return {
    name: 'tenant-verify',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: (context) => verifyTenants(source, settings, context),
  };
}

async function verifyTenants(
  source: Source,
  settings: TenantVerifySettings,
  context: JobContext,
): Promise<Outcome> {
  const { repository, tenants, ids } = settings;
  const { signal } = context;
  const { id: repositoryId } = await ensureRepository(repository, settings.notes, signal);
  const { snapshot, note } = await newestGoodDump(source.name, settings, signal);
  const proof = await findProof(repository, snapshot, signal);
  const facts: RunFacts = {
    repositoryId,
    snapshotId: snapshot.id,
    proof: proof?.level ?? 'none',
    ...(ids === null && settings.unlimited ? { byTurns: true } : {}),
  };
  if (isFolderPath(snapshot.path)) throw notRun(refusedFolder(source.name, snapshot), facts);
  const found = await choose(settings, signal).catch((error: unknown) => {
    throw signal.aborted || isUsage(error) ? error : notRun(error, facts);
  });
  const held = new Set(await tenants.schemasIn(reading(settings, snapshot, signal)));
  const there = found.tenants.filter(({ schema }) => held.has(schema));
  const inTurn = settings.inTurn(there, snapshot.id);
  const verified: TenantsVerified = {
    ...{ tried: [], left: [], tables: 0, stopped: false, broken: null },
    warnings: [],
    noneThere: there.length === 0 && found.tenants.length > 0,
  };
  const absent = found.tenants.filter(
    ({ schema, bytes }) => !held.has(schema) && (bytes !== null || ids !== null),
  );
  if (ids === null) leave(verified, `not in ${snapshot.shortId}`, absent);
  else verified.tried.push(...absent.map((tenant) => notIn(snapshot, tenant)));
  const already = there.filter((one) => !inTurn.includes(one));
  leave(verified, `proved out of ${snapshot.shortId} already`, already);
  const on =
    inTurn.length === 0
      ? null
      : await take(source, settings, { snapshot, proof, inTurn, verified, facts }, context);
  return concluded(
    {
      source: source.name,
      snapshot,
      note,
      proof,
      wantsProof: settings.wantsProof,
      findings: found.findings,
      on,
    },
    verified,
    facts,
  );
}

/** A folder is fetched whole, and a verification of the whole proves each tenant in it. */
function refusedFolder(source: string, { shortId }: Snapshot): HoldfastError {
  return new HoldfastError('failed', `${shortId} is a dump as a folder, which is verified as a whole`, {
    hint: `Run \`holdfast verify ${source}\`: it proves every tenant in it.`,
  });
}

function isUsage(error: unknown): boolean {
  return error instanceof HoldfastError && (error.kind === 'usage' || error.kind === 'configuration');
}

async function choose({ tenants, ids }: TenantVerifySettings, signal: AbortSignal): Promise<FoundTenants> {
  if (ids === null) return tenants.find(signal);
  const named = [];
  for (const id of new Set(ids)) named.push(await tenants.lookUp(id, signal));
  return { tenants: named, findings: [] };
}

/** One that is suspect does not count, and holds perhaps not all that it should. */
async function newestGoodDump(
  source: string,
  settings: TenantVerifySettings,
  signal: AbortSignal,
): Promise<Newest> {
  const { repository, newestGood } = settings;
  const good = newestGood();
  const all = good === null ? [] : await repository.list({ source, kind: 'dump' }, signal);
  const snapshot = all.find((dump) => isCalled(dump, good));
  return snapshot === undefined ? newestOwn(source, settings, signal) : { snapshot, note: null, known: null };
}

async function* reading(
  { repository }: TenantVerifySettings,
  snapshot: Snapshot,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { stream, done } = repository.read(snapshot, signal);
  // Only the beginning is read.
  done.catch(() => undefined);
  yield* stream;
}

/** A person who named it is to know that nothing was proved. */
function notIn({ shortId }: Snapshot, { id, schema }: Tenant): TenantVerification {
  const why = `the newest good backup, ${shortId}, does not hold it`;
  return { id, schema, verdict: 'not run', why, rows: 0, seconds: 0 };
}

interface Work {
  snapshot: Snapshot;
  proof: Proof | null;
  inTurn: Tenant[];
  verified: TenantsVerified;
  facts: RunFacts;
}

/** Takes them pass by pass; returns what a server is called that was started for it. */
async function take(
  source: Source,
  settings: TenantVerifySettings,
  { snapshot, proof, inTurn, verified, facts }: Work,
  context: JobContext,
): Promise<string | null> {
  const { signal } = context;
  const dumpBytes = settings.dumpBytes(snapshot.id);
  const passes = inPasses(inTurn, dumpBytes);
  const need = {
    engine: snapshot.tags?.engine ?? null,
    serverVersion: proof?.serverVersion ?? null,
    extensions: proof === null ? null : namesIn(proof, 'extension'),
    dumpBytes,
    databaseBytes: Math.max(...passes.map(bytesOf)),
  };
  const opened = await settings.scratch.open(need, signal).catch((error: unknown) => {
    throw signal.aborted ? error : notRun(error, facts);
  });
  try {
    const work = { source, settings, snapshot, proof, opened, verified };
    let stop: string | null = null;
    for (const pass of passes) {
      stop ??= settings.outOfTime();
      if (stop === null) stop = await passOver({ ...work, pass }, context);
      else leave(verified, stop, pass);
    }
  } finally {
    await opened.close();
  }
  return opened.called;
}

const MOST_AT_ONCE = 100;
const LEAST_BYTES = 256 * 2 ** 20;
/** To load that takes about as long as to fetch all of the dump. */
const OF_DUMP = 0.1;

/** What goes together, in their order: enough that the fetching is worth it, and so little that the time is not overrun by far. */
function inPasses(tenants: Tenant[], dumpBytes: number | null): Tenant[][] {
  const most = Math.max(LEAST_BYTES, (dumpBytes ?? 0) * OF_DUMP);
  const passes: Tenant[][] = [];
  for (const tenant of tenants) {
    const last = passes.at(-1);
    const fits = last !== undefined && last.length < MOST_AT_ONCE && bytesOf([...last, tenant]) <= most;
    if (fits) last.push(tenant);
    else passes.push([tenant]);
  }
  return passes;
}

function bytesOf(tenants: Tenant[]): number {
  return tenants.reduce((total, { bytes }) => total + (bytes ?? 0), 0);
}
