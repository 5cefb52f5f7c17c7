import { describeError, HoldfastError } from '../../core/errors.ts';
import { counted } from '../../core/units.ts';
import type { TenantVerification } from '../../ledger/ledger.ts';
import { compare } from '../../proof/compare.ts';
import { proofOfSchema, schemaPrefix } from '../../proof/of-schema.ts';
import type { Proof } from '../../proof/proof.ts';
import { tellDifferences, whyUnproven } from '../../proof/tell.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { ScratchServer } from '../../sources/scratch.ts';
import type { SchemaLoaded, SchemaScratch, Source } from '../../sources/source.ts';
import type { Tenant } from '../../sources/tenants.ts';
import type { JobContext, Progress } from '../job.ts';
import { readCounted } from '../reading.ts';
import { whyNothingShown } from './not-run.ts';
import { prepareScratch } from './prepare-scratch.ts';
import { droppedAfter, scratchPrefix } from './scratch.ts';
import { leave, type TenantsVerified } from './tenants-verified.ts';
import { isThrowaway, troubleBehind } from './verify-end.ts';

export interface TenantPass {
  source: Source;
  settings: { repository: Repository; host: string };
  snapshot: Snapshot;
  proof: Proof | null;
  opened: ScratchServer;
  pass: Tenant[];
  /** What came of the passes before, to which this one's is added. */
  verified: TenantsVerified;
}

/**
 * Restores some tenants in one pass over the dump into a scratch database, compares each, and drops the scratch. Returns why there can be no
 * further pass, as a sentence part; null where there can. Throws only where it is told to stop before anything was shown.
 */
export async function passOver(work: TenantPass, context: JobContext): Promise<string | null> {
  const { verified, pass, opened } = work;
  const passed: Passed = { tried: [], tables: 0, warnings: [] };
  try {
    await onScratch(work, passed, context);
    const trouble = isThrowaway(opened) ? await opened.trouble() : null;
    if (trouble !== null) throw new HoldfastError('failed', trouble);
    keep(verified, passed);
    return null;
  } catch (error) {
    if (context.signal.aborted) {
      keep(verified, passed);
      if (verified.tried.length === 0) throw error;
      leave(verified, STOPPED, without(pass, passed));
      verified.stopped = true;
      return STOPPED;
    }
    const nothing = (await troubleBehind(error, opened)) ?? whyNothingShown(error);
    const { message, kind } = describeError(error);
    // What a server that was there anyway told before it went stands; one of our own may have been short of room all along.
    const standing = isThrowaway(opened) ? NONE_PASSED : passed;
    keep(verified, standing);
    leave(verified, nothing ?? message, without(pass, standing));
    const shows = nothing === null && !(error instanceof Unprepared) && kind !== 'client_mismatch';
    verified.broken = {
      error: nothing === null ? causeOf(error) : new HoldfastError('failed', nothing),
      shows,
    };
    return 'a pass before it broke off';
  }
}

function keep(verified: TenantsVerified, { tried, tables, warnings }: Passed): void {
  verified.warnings.push(...warnings);
  verified.tried.push(...tried);
  verified.tables += tables;
}

function without(pass: Tenant[], { tried }: Passed): Tenant[] {
  return pass.filter(({ schema }) => !tried.some((one) => one.schema === schema));
}

const STOPPED = 'it was told to stop before';

/** There was no scratch database. */
class Unprepared extends Error {}

function causeOf(error: unknown): unknown {
  return error instanceof Unprepared ? error.cause : error;
}

interface Passed {
  tried: TenantVerification[];
  tables: number;
  warnings: string[];
}

const NONE_PASSED: Passed = { tried: [], tables: 0, warnings: [] };

/** Adds to `passed` tenant by tenant. */
async function onScratch(work: TenantPass, passed: Passed, context: JobContext): Promise<void> {
  const { source, settings, snapshot, proof, opened, pass } = work;
  const { server } = opened;
  const { schemas } = server;
  if (schemas === undefined) throw new Error(`${server.name} has no schemas`);
  const names = { prefix: scratchPrefix(settings.host, source.name), suffix: snapshot.shortId };
  const { scratch } = await prepareScratch(server, { snapshot, proof, names }, context.signal).catch(
    (cause: unknown) => {
      throw context.signal.aborted ? cause : new Unprepared(describeError(cause).message, { cause });
    },
  );
  const { warnings } = await droppedAfter(server, scratch, async () => {
    const loaded = await load(work, schemas, scratch, context);
    for (const tenant of pass) {
      const step = `comparing tenant ${tenant.id} with the proof`;
      context.onProgress({ step, dumpBytes: 0, storedBytes: 0 });
      const one = { tenant, loaded: loaded.get(tenant.schema), scratch, schemas };
      const { tables, ...tried } = await judged(one, proof, context.signal);
      passed.tried.push(tried);
      passed.tables += tables;
    }
  });
  passed.warnings.push(...warnings);
}

function load(
  { settings: { repository }, snapshot, pass }: TenantPass,
  schemas: SchemaScratch,
  scratch: string,
  { onProgress, signal }: JobContext,
): Promise<Map<string, SchemaLoaded>> {
  const progress: Progress = {
    step: `loading ${counted(pass.length, 'tenant')} of ${snapshot.shortId} into ${scratch}`,
    dumpBytes: 0,
    storedBytes: 0,
  };
  const dump = readCounted({ repository, snapshot, progress }, onProgress, signal);
  return schemas.load(
    scratch,
    pass.map(({ schema }) => schema),
    dump,
    signal,
  );
}

interface One {
  tenant: Tenant;
  loaded: SchemaLoaded | undefined;
  scratch: string;
  schemas: SchemaScratch;
}

/** Throws only where nothing more can be asked of the server. */
async function judged(
  { tenant, loaded, scratch, schemas }: One,
  whole: Proof | null,
  signal: AbortSignal,
): Promise<TenantVerification & { tables: number }> {
  const { id, schema } = tenant;
  const startedAt = performance.now();
  const ended = (verdict: TenantVerification['verdict'], why: string | null, extent = NOTHING) => ({
    ...{ id, schema, verdict, why },
    rows: extent.rows,
    seconds: inSeconds((loaded?.seconds ?? 0) * 1000 + performance.now() - startedAt),
    tables: extent.tables,
  });
  const notAsItWas = (error: unknown) => {
    const nothing = whyNothingShown(error) ?? whyNotKnown(error, schema);
    return nothing === null ? ended('failed', describeError(error).message) : ended('not run', nothing);
  };
  if (loaded !== undefined && loaded.error !== null) return notAsItWas(loaded.error);
  const proof = whole === null ? null : proofOfSchema(whole, schema);
  let found: Proof;
  try {
    found = await schemas.prove(scratch, schema, proof, signal);
  } catch (error) {
    if (signal.aborted || describeError(error).kind === 'source_unreachable') throw error;
    return notAsItWas(error);
  }
  const extent = { tables: found.tables.length, rows: found.tables.reduce((sum, { rows }) => sum + rows, 0) };
  if (proof === null) return ended('restored', 'the backup has no proof', extent);
  const comparison = compare(proof, found);
  const differences = tellDifferences(comparison);
  if (differences.length > 0) return ended('failed', differences.join('; '), extent);
  const unproven = whyUnproven(comparison, proof);
  return ended(unproven === null ? 'proved' : 'restored', unproven, extent);
}

const NOTHING = { tables: 0, rows: 0 };

/** What only the text of a function or a condition names is not known to the backup, and is not there: nothing of it is the tenant's fault. */
function whyNotKnown(error: unknown, schema: string): string | null {
  const { message } = describeError(error);
  const [, missing] = /(?:relation|function|type) "?(.+?)"? does not exist/.exec(message) ?? [];
  if (missing === undefined || missing.startsWith(schemaPrefix(schema))) return null;
  return `it needs something that the backup does not know it by, so it comes back with the whole database alone: ${message}`;
}

function inSeconds(milliseconds: number): number {
  return Math.round(milliseconds / 10) / 100;
}
