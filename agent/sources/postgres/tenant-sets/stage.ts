import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, describeError } from '../../../core/errors.ts';
import type { Proof } from '../../../proof/proof.ts';
import { pathComponent } from '../../repository-path.ts';
import type { StagedSet, StagedTenant, StageOrder, TenantSchema } from '../../tenant-dumps.ts';
import { sessionFailure } from '../proof/session-failure.ts';
import type { PostgresSession } from '../session.ts';
import { extensionsIn, readNeeds, type Needs } from '../tenant-dumps/needs.ts';
import { readRewritten, whyRewritten } from '../tenant-dumps/rewritten.ts';
import { countersBefore, inSnapshot, proveSchemas, type SchemaProofs } from '../tenant-dumps/proofs.ts';
import type { SharedArchive } from '../tenant-dumps/shared-archive.ts';
import type { PostgresTable } from '../contents.ts';
import { createPreludes } from './preludes.ts';
import { dumpSet, type SetDump } from './set-dump.ts';
import { CannotSplitError } from './split.ts';
import { TooSlowError } from './time-limit.ts';

export interface StageOptions extends SchemaProofs, Pick<SetDump, 'deps' | 'probe'> {
  /** The folder of the tenants in the repository. */
  path: string;
  tablesOf: (schema: string) => PostgresTable[];
  shared: () => Promise<SharedArchive>;
  /** The schemas among these that are there now. */
  existing: (schemas: string[]) => Promise<Set<string>>;
}

/** What the catalog says of so many at once: enough to be quick, and few enough for the memory of any number of tenants to be the same. */
const BATCH = 125;
/** So many are written at once: what they share may take a program each. */
const AT_ONCE = 4;
/** Passes over the catalog after which the ones that are left are dumped one by one. */
const MOST_PASSES = 30;
/** Each costs a pass: behind so many that take too long, all that are left are dumped one by one. */
const MOST_SLOW = 3;

/** `Moment.stage` says what is promised. */
export async function stageSet(
  options: StageOptions,
  order: StageOrder,
  signal: AbortSignal,
): Promise<StagedSet> {
  const folder = join(order.staging, options.path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return inSnapshot(options, signal, async (session) => {
    // Both before the pass: the counters as they stand then, and what has no dump of its own.
    const [before, shared] = await Promise.all([countersOf(session, options, order), options.shared()]);
    const course: Course = {
      options,
      order,
      session,
      signal,
      folder,
      passes: 0,
      staged: 0,
      warnings: new Set(),
      slow: 0,
      needs: null,
    };
    const dumped = new Map<TenantSchema, number>();
    // Whatever becomes of the pass, nothing of ours goes on in its snapshot.
    await dumpAll(course, order.tenants, dumped).finally(() => course.needs);
    const failed = await takeOutRewritten(course, dumped);
    const tenants = order.tenants.filter((tenant) => dumped.has(tenant));
    // Before any proof: what ends the session of those is no reason to lose dumps that are whole.
    const needs = (await course.needs) ?? (await needsOfAll(session, tenants));
    const preludes = createPreludes({ ...options, shared, folder });
    const set: StagedSet = {
      path: options.path,
      tenants: [],
      shared: [],
      left: order.tenants.filter(
        (tenant) => !dumped.has(tenant) && !failed.some((one) => one.tenant === tenant),
      ),
      failed,
      warnings: [],
    };
    const stageOne = async (tenant: TenantSchema, { of, why }: Proofs) => {
      const needed = needs.get(tenant.schema);
      if (needed === undefined)
        throw new HoldfastError('dump_failed', `the schema ${tenant.schema} is not in the snapshot`);
      const path = pathOf(options, tenant);
      const files = [{ path: `${path}.dump`, bytes: dumped.get(tenant) ?? 0 }];
      const script = `${path}.prelude.sql`;
      files.push({
        path: script,
        bytes: await preludes.write(tenant, needed, join(order.staging, script), signal),
      });
      const proof = of.get(tenant.schema);
      if (proof !== undefined) {
        const document = order.encodeProof(`${path}.dump`, proof);
        const name = `${path}.dump.proof.json`;
        await writeFile(join(order.staging, name), document, { mode: 0o600 });
        files.push({ path: name, bytes: Buffer.byteLength(document) });
      }
      return { tenant, files, unproven: proof === undefined ? why : proof.unproven };
    };
    const staged = new Map<TenantSchema, StagedTenant>();
    await inTwoSessions(course, batchesOf(tenants), async (own, batch) => {
      const proofs = await prove(course, own, batch, { before, needs });
      for (let from = 0; from < batch.length; from += AT_ONCE) {
        const some = batch.slice(from, from + AT_ONCE).map((tenant) => stageOne(tenant, proofs));
        // All of them have ended before the first cause is told: the folder that they write into is removed then.
        await Promise.allSettled(some);
        for (const one of await Promise.all(some)) staged.set(one.tenant, one);
      }
      order.onStep(`proving tenants of ${options.config.database}: ${staged.size} of ${tenants.length}`);
    });
    set.tenants = tenants.flatMap((tenant) => staged.get(tenant) ?? []);
    set.shared = [...preludes.files].map(([name, bytes]) => ({ path: `${options.path}/${name}`, bytes }));
    set.warnings = [...course.warnings, ...preludes.warnings];
    await requireSizes(order.staging, set);
    return set;
  });
}

interface Course {
  options: StageOptions;
  order: StageOrder;
  session: PostgresSession;
  signal: AbortSignal;
  folder: string;
  passes: number;
  /** Bytes of the passes that are done. */
  staged: number;
  warnings: Set<string>;
  /** How many passes one of them took too long for. */
  slow: number;
  /** Read while they are dumped; null where that was not begun or failed. */
  needs: Promise<Map<string, Needs> | null> | null;
}

async function countersOf(session: PostgresSession, options: StageOptions, { tenants }: StageOrder) {
  return options.config.proof === 'none' ? [] : countersBefore(session, options, tenants.map(schemaOf));
}

/**
 * What all tenants need, in a session of its own while the pass leaves a core free. It fails where a schema was dropped meanwhile or the server gives
 * no more sessions, and is begun when pg_dump has its own: that one must not be the one that is missing.
 */
function needsBeside({ options, order, signal }: Course): Course['needs'] {
  return inSnapshot(options, signal, (own) => needsOfAll(own, order.tenants)).catch(() => null);
}

/** To an old snapshot a table that was truncated since, or rewritten, is empty: its tenant is not dumped, whatever pg_dump says. */
async function takeOutRewritten(
  { session, options, order }: Course,
  dumped: Map<TenantSchema, number>,
): Promise<StagedSet['failed']> {
  const rewritten = await readRewritten(session, [...dumped.keys()].map(schemaOf));
  const failed: StagedSet['failed'] = [];
  for (const tenant of [...dumped.keys()]) {
    const table = rewritten.get(tenant.schema);
    if (table === undefined) continue;
    dumped.delete(tenant);
    await rm(join(order.staging, `${pathOf(options, tenant)}.dump`));
    failed.push({ tenant, why: whyRewritten(table) });
  }
  return failed;
}

async function needsOfAll(session: PostgresSession, tenants: TenantSchema[]): Promise<Map<string, Needs>> {
  const needs = new Map<string, Needs>();
  for (const batch of batchesOf(tenants)) {
    for (const [schema, needed] of await readNeeds(session, batch.map(schemaOf))) needs.set(schema, needed);
  }
  return needs;
}

function batchesOf(tenants: TenantSchema[]): TenantSchema[][] {
  return Array.from({ length: Math.ceil(tenants.length / BATCH) }, (_, i) =>
    tenants.slice(i * BATCH, (i + 1) * BATCH),
  );
}

/**
 * All in one pass. One that takes too long ends it, and is left: by itself it has a time limit that is known to be its own. Where it fails otherwise, those whose schema was dropped meanwhile are left out; where none was, each half by itself, until what fails is
 * known by name.
 */
async function dumpAll(
  course: Course,
  tenants: TenantSchema[],
  dumped: Map<TenantSchema, number>,
): Promise<void> {
  if (tenants.length === 0 || course.passes >= MOST_PASSES) return;
  course.passes += 1;
  try {
    const { sizes, warnings } = await dumpPass(course, tenants);
    tenants.forEach((tenant, i) => dumped.set(tenant, sizes[i] ?? 0));
    course.staged += sizes.reduce((total, bytes) => total + bytes, 0);
    warnings.forEach((warning) => course.warnings.add(warning));
  } catch (error) {
    course.signal.throwIfAborted();
    if (isNoSpace(error)) throw error;
    if (error instanceof CannotSplitError) {
      course.warnings.add(`${error.message}: each tenant was dumped by itself, which takes longer`);
      return;
    }
    const slow = error instanceof TooSlowError ? tenants[error.archive] : undefined;
    if (slow !== undefined) {
      const others = tenants.filter((tenant) => tenant !== slow);
      course.slow += 1;
      const again = others.length > 0 && course.slow < MOST_SLOW && course.passes < MOST_PASSES;
      course.warnings.add(tellSlow(slow, { error, again, others: others.length }));
      return again ? dumpAll(course, others, dumped) : undefined;
    }
    if (tenants.length === 1) return;
    const there = await course.options.existing(tenants.map(schemaOf));
    const left = tenants.filter(({ schema }) => there.has(schema));
    if (left.length < tenants.length) return dumpAll(course, left, dumped);
    const half = Math.ceil(tenants.length / 2);
    await dumpAll(course, tenants.slice(0, half), dumped);
    await dumpAll(course, tenants.slice(half), dumped);
  }
}

function tellSlow(
  { id }: TenantSchema,
  { error, again, others }: { error: unknown; again: boolean; others: number },
): string {
  const why = describeError(error).message;
  if (again) return `the pass over all tenants was begun again without tenant ${id}: ${why}`;
  const then = others === 0 ? '' : '; each tenant that was left was dumped by itself, which takes longer';
  return `the pass over all tenants was ended at tenant ${id} and not begun again: ${why}${then}`;
}

function isNoSpace(error: unknown): boolean {
  if (error instanceof HoldfastError) return error.kind === 'staging_full';
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

async function dumpPass(course: Course, tenants: TenantSchema[]) {
  const { options, order, session, signal, staged } = course;
  const { config, deps, probe, snapshot, leftOut, tablesOf } = options;
  const schemas = tenants.map(schemaOf);
  return dumpSet(
    {
      ...{ config, deps, probe, snapshot, leftOut, schemas },
      extensions: session.major >= 14 ? await extensionsIn(session, schemas) : [],
      paths: tenants.map((tenant) => join(order.staging, `${pathOf(options, tenant)}.dump`)),
      tables: schemas.flatMap(tablesOf),
      limitMs: order.limitMs,
      onBytes: (bytes) => {
        course.needs ??= needsBeside(course);
        return order.onBytes(staged + bytes);
      },
    },
    signal,
  );
}

interface Proofs {
  /** By the name of the schema. */
  of: Map<string, Proof>;
  /** Why the others have none, as a sentence part; null where none is wanted. */
  why: string | null;
}

/** One computes while the other waits for the agent. Where no second one can be had, the first does it all. */
async function inTwoSessions(
  { options, session, signal }: Course,
  batches: TenantSchema[][],
  work: (session: PostgresSession, batch: TenantSchema[]) => Promise<void>,
): Promise<void> {
  const waiting = batches.values();
  let broken: unknown = null;
  const takeAll = async (own: PostgresSession) => {
    try {
      // One iterator for both: each takes what the other has not taken.
      for (const batch of waiting) await work(own, batch);
    } catch (error) {
      broken ??= error;
      throw error;
    }
  };
  const another = batches.length < 2 ? null : inSnapshot(options, signal, takeAll);
  await Promise.allSettled([takeAll(session), another]);
  signal.throwIfAborted();
  if (broken !== null) throw broken;
}

async function prove(
  { options, signal }: Course,
  session: PostgresSession,
  tenants: TenantSchema[],
  read: { before: Awaited<ReturnType<typeof countersBefore>>; needs: Map<string, Needs> },
): Promise<Proofs> {
  if (options.config.proof === 'none') return { of: new Map(), why: null };
  const schemas = tenants.map(schemaOf);
  try {
    return { of: await proveSchemas(session, options, { schemas, ...read }), why: null };
  } catch (error) {
    signal.throwIfAborted();
    return { of: new Map(), why: sessionFailure(error) };
  }
}

/** What is on the disk is what was written: a snapshot of it is compared with these numbers. */
async function requireSizes(staging: string, { tenants, shared }: StagedSet): Promise<void> {
  for (const { path, bytes } of [...tenants.flatMap(({ files }) => files), ...shared]) {
    const { size } = await stat(join(staging, path));
    if (size !== bytes)
      throw new HoldfastError(
        'dump_failed',
        `${path} has ${size} bytes on the disk, and ${bytes} were written`,
      );
  }
}

function pathOf({ path }: StageOptions, { schema }: TenantSchema): string {
  return `${path}/${pathComponent(schema)}`;
}

function schemaOf({ schema }: TenantSchema): string {
  return schema;
}
