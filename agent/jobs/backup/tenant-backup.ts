import { describeError, HoldfastError } from '../../core/errors.ts';
import type { Compression } from '../../core/glossary.ts';
import { counted, humanBytes, humanDuration } from '../../core/units.ts';
import type { RunFacts, TenantFacts } from '../../ledger/ledger.ts';
import type { SavedSnapshot } from '../../repository/repository.ts';
import type { Probe, Source } from '../../sources/source.ts';
import type { Moment, TenantDumps, TenantSchema } from '../../sources/tenant-dumps.ts';
import { createHeadStart } from './head-start.ts';
import { inParallel } from './in-parallel.ts';
import type { Notes } from '../init.ts';
import { EndedRun, type Job, type JobContext, type Outcome } from '../job.ts';
import { keepProof } from './keep-proof.ts';
import { saveParts, type PartToSave } from './save-parts.ts';
import type { Store } from './store.ts';
import { storeSet, type StoredSet, type TenantSet, type TenantSetStore } from './tenant-set.ts';
import { refuseUnfinished } from '../restore/unfinished-restore.ts';

export interface TenantBackupSettings {
  store: Store;
  /** Proves that the store is there, and returns its id; null where it has none. */
  ensure: (signal: AbortSignal) => Promise<{ id: string | null; created: boolean }>;
  notes: Notes;
  dumps: Pick<TenantDumps, 'atOneMoment' | 'exists'>;
  /** All tenants that there are, those that are to be dumped, and what a person should see of them. Throws `usage` for one that is not there. */
  choose: (signal: AbortSignal) => Promise<ChosenTenants>;
  /** Where all of them are stored at once, as one snapshot; null where each is stored by itself. */
  set: (TenantSetStore & Pick<TenantSet, 'limitMs'>) | null;
  now: () => Date;
  /** Whether the store has a place for proofs. */
  proofs: boolean;
  /** Whether a person named them: then they are kept for a month, and no policy counts them. */
  onDemand: boolean;
  /** The group of the configuration whose tenants these are; null for none. */
  group: string | null;
  compression: Compression;
  /** How many are dumped at once. */
  atOnce: number;
  /** One that takes longer is ended, and the others go on. */
  tenantTimeoutMs: number;
  timeoutMs: number;
}

export interface ChosenTenants {
  all: TenantSchema[];
  chosen: (TenantSchema & { bytes?: number | null })[];
  findings: string[];
}

/**
 * Stores a dump of each of some tenants, all of one moment, each with what it needs in an empty database, and its proof. Succeeds only when each
 * one is stored; what was stored of the others stays. It is no backup of the source: the heartbeat does not know it.
 */
export function tenantBackupJob(source: Source, settings: TenantBackupSettings): Job {
  return {
    name: 'tenant-backup',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    facts: whose(settings),
    run: (context) => backUpTenants(source, settings, context),
  };
}

/** For whom it is: all who need to know ask the ledger, also of a run that came to nothing. */
function whose({ group, onDemand }: TenantBackupSettings): RunFacts {
  if (group !== null) return { group };
  return onDemand ? {} : { allTenants: true };
}

async function backUpTenants(
  source: Source,
  settings: TenantBackupSettings,
  context: JobContext,
): Promise<Outcome> {
  refuseUnfinished(settings.notes, source.name);
  const { id: repositoryId } = await settings.ensure(context.signal);
  const { all, chosen, findings } = await settings.choose(context.signal);
  if (chosen.length === 0) throw nobody(source, findings, settings);
  const probe = await source.probe(context.signal);
  const { store, leftovers } = removingLater(settings.store);
  const common = { source, settings: { ...settings, store }, probe, context };
  const at = settings.now();
  let storedSoFar: StoredSet = { ...NOTHING_STORED, left: [] };
  let brokenBy: unknown = null;
  const ended = await settings.dumps
    .atOneMoment({ tenants: all, probe }, context.signal, async (moment) => {
      const { group, set } = settings;
      const stored =
        set === null
          ? { ...NOTHING_STORED, left: chosen }
          : await storeSet({
              ...{ source, probe, store: set, group, limitMs: set.limitMs, context, moment, at },
              tenants: chosen,
            });
      storedSoFar = stored;
      const alone = await inParallel(stored.left, settings.atOnce, (tenant) =>
        backUpTenant({ ...common, moment, tenant }),
      );
      return joined(chosen, stored, alone);
    })
    .catch((error: unknown) => {
      // The snapshot of many is there, whatever came behind it.
      if (storedSoFar.saved.length === 0) throw error;
      brokenBy = error;
      return joined(chosen, storedSoFar, []);
    })
    .finally(() => clearUp(settings.store, leftovers));
  const about = {
    ...(repositoryId === null ? {} : { repositoryId }),
    engine: probe.engine,
    serverVersion: probe.serverVersion,
  };
  // One dump of them all locks all their tables at once.
  const warnings = settings.set === null ? findings : [...findings, ...probe.warnings];
  const what = { chosen: chosen.length, findings: warnings, about, signal: context.signal, brokenBy };
  return concluded(ended, what, settings);
}

const NOTHING_STORED: Omit<StoredSet, 'left'> = { facts: [], saved: [], warnings: [] };

/** In the order in which they were chosen; a snapshot of many is told once. */
function joined(chosen: TenantSchema[], stored: StoredSet, alone: Ended[]): Ended[] {
  const ofSet = stored.facts.map((facts): Ended => ({ facts, saved: [], warnings: [] }));
  const byId = new Map([...ofSet, ...alone].map((ended) => [ended.facts.id, ended]));
  const inOrder = chosen.flatMap(({ id }) => byId.get(id) ?? []);
  const [first, ...others] = inOrder;
  if (first === undefined) return [];
  const whole = {
    ...first,
    saved: [...stored.saved, ...first.saved],
    warnings: [...stored.warnings, ...first.warnings],
  };
  return [whole, ...others];
}

/** To remove something takes the repository for oneself, and others are being stored: it is done when they are. */
function removingLater(store: Store): { store: Store; leftovers: string[] } {
  const leftovers: string[] = [];
  const remove = (ids: string[]) => {
    leftovers.push(...ids);
    return Promise.resolve();
  };
  return { store: { location: store.location, prepare: store.prepare, remove }, leftovers };
}

/** What cannot be removed now the next run sweeps, since this one does not confirm it. */
async function clearUp(store: Store, leftovers: string[]): Promise<void> {
  if (leftovers.length > 0)
    await store.remove(leftovers, AbortSignal.timeout(CLEAR_UP_WITHIN_MS)).catch(() => undefined);
}

const CLEAR_UP_WITHIN_MS = 60_000;

interface OneTenant {
  source: Source;
  settings: TenantBackupSettings;
  probe: Probe;
  context: JobContext;
  moment: Moment;
  tenant: TenantSchema;
}

interface Ended {
  facts: TenantFacts;
  saved: SavedSnapshot[];
  warnings: string[];
}

async function backUpTenant(one: OneTenant): Promise<Ended> {
  const { settings, context, moment, tenant } = one;
  const startedAt = performance.now();
  const ended = (
    result: TenantFacts['result'],
    why: string | null,
    { saved, dumpId, warnings }: Stored = { saved: [], dumpId: null, warnings: [] },
  ): Ended => ({
    facts: {
      ...{ id: tenant.id, schema: tenant.schema, result, why },
      snapshotId: dumpId,
      dumpBytes: sum(saved, 'dumpBytes'),
      addedBytes: sum(saved, 'addedBytes'),
      seconds: Math.round((performance.now() - startedAt) / 10) / 100,
    },
    saved,
    warnings,
  });
  if (context.signal.aborted) return ended('failed', 'it was not begun any more');
  if (!moment.holds(tenant)) return ended('vanished', null);
  const deadline = AbortSignal.timeout(settings.tenantTimeoutMs);
  try {
    const signal = AbortSignal.any([context.signal, deadline]);
    const stored = await save(one, signal);
    const outdated = await moment.outdated(tenant, signal);
    if (outdated === null) return ended('succeeded', null, stored);
    await settings.store.remove(
      stored.saved.map(({ id }) => id),
      signal,
    );
    return ended('failed', outdated);
  } catch (error) {
    if (await hasVanished(one)) return ended('vanished', null);
    if (!context.signal.aborted && deadline.aborted)
      return ended('failed', `it was ended after ${humanDuration(settings.tenantTimeoutMs)}, its time limit`);
    const { message, hint } = describeError(error);
    return ended('failed', hint === null ? message : `${message} (${hint.replace(/\.$/, '')})`);
  }
}

interface Stored {
  saved: SavedSnapshot[];
  dumpId: string | null;
  warnings: string[];
}

async function save(one: OneTenant, signal: AbortSignal): Promise<Stored> {
  const { source, settings, probe, context, moment, tenant } = one;
  const ahead = createHeadStart(settings.store, NOTHING, source.name, settings.compression);
  const parts = moment.tenantParts(tenant, { withProof: settings.proofs }).map((part): PartToSave => {
    const isDump = part.kind === 'tenant';
    const kind = isDump ? 'on-demand' : 'on-demand-prelude';
    return {
      part,
      target: {
        path: part.path,
        tags: {
          source: source.name,
          engine: probe.engine,
          kind: settings.onDemand ? kind : part.kind,
          tenant: tenant.id,
        },
        compression: settings.compression,
        ...(isDump ? {} : { time: 'start' }),
      },
      step: isDump ? `dumping tenant ${tenant.id}` : `writing the prelude of tenant ${tenant.id}`,
    };
  });
  try {
    const { saved, proving } = await saveParts(parts, settings.store, { ...context, signal }, ahead);
    const dumpId = saved.at(-1)?.id ?? null;
    const warnings = saved.flatMap((part) => part.warnings);
    if (proving === null || dumpId === null) return { saved, dumpId, warnings };
    const kept = await keepProof({ source: source.name, dumpId, proving, ahead }, { ...context, signal });
    const told = kept.warnings.map((warning) => `tenant ${tenant.id}: ${warning}`);
    return { saved: [...saved, ...kept.saved], dumpId, warnings: [...warnings, ...told] };
  } finally {
    await ahead.end();
  }
}

/** Of many tenants none is known to come first. */
const NOTHING = { recall: () => null };

/** What a dump says of a schema that is dropped under it has many forms; that it is gone has one. */
async function hasVanished({ settings, context, tenant }: OneTenant): Promise<boolean> {
  if (context.signal.aborted) return false;
  return settings.dumps.exists(tenant.schema, context.signal).then(
    (exists) => !exists,
    () => false,
  );
}

const MOST_TOLD = 3;

interface Concluding {
  /** How many tenants were to be dumped. */
  chosen: number;
  findings: string[];
  about: RunFacts;
  signal: AbortSignal;
  /** What ended it behind the snapshot of many; null for nothing. */
  brokenBy: unknown;
}

function concluded(
  ended: Ended[],
  { chosen, findings, about, signal, brokenBy }: Concluding,
  { store, group }: TenantBackupSettings,
): Outcome {
  const tenants = ended.map(({ facts }) => facts);
  const saved = ended.flatMap((one) => one.saved);
  const failed = tenants.filter(({ result }) => result === 'failed');
  const vanished = tenants.filter(({ result }) => result === 'vanished');
  const gone = vanished.map(
    ({ id, schema }) => `tenant ${id} was not dumped: its schema ${schema} was dropped meanwhile`,
  );
  const facts: RunFacts = {
    ...about,
    snapshotIds: saved.map(({ id }) => id),
    dumpBytes: sum(saved, 'dumpBytes'),
    storedBytes: sum(saved, 'storedBytes'),
    addedBytes: sum(saved, 'addedBytes'),
    tenants,
  };
  const stored = tenants.length - failed.length - vanished.length;
  // A signal that came behind the last of them ended nothing.
  if (tenants.length < chosen || (signal.aborted && failed.length > 0)) {
    if (saved.length === 0) signal.throwIfAborted();
    const { kind, message, hint } = describeError(signal.aborted ? signal.reason : brokenBy);
    const cause = new HoldfastError(kind, `${message}; ${stored} of ${counted(chosen, 'tenant')} stored`, {
      ...(hint === null ? {} : { hint }),
    });
    throw new EndedRun(kind === 'interrupted' ? 'interrupted' : 'failed', cause, facts, { stands: true });
  }
  if (failed.length > 0) {
    const told = failed.slice(0, MOST_TOLD).map(({ id, why }) => `${id}: ${why}`);
    if (failed.length > MOST_TOLD) told.push(`and ${failed.length - MOST_TOLD} more`);
    const cause = new HoldfastError(
      'dump_failed',
      `${failed.length} of ${counted(tenants.length, 'tenant')} failed, ${stored} stored: ${told.join('; ')}`,
      { hint: 'Mend the cause, then back these tenants up again: `holdfast backup SOURCE --tenant ID,ID`.' },
    );
    throw new EndedRun('failed', cause, facts);
  }
  return {
    reason: `stored ${counted(stored, 'tenant')}${group === null ? '' : ` of the group ${group}`}, ${humanBytes(facts.dumpBytes ?? 0)}, ${humanBytes(facts.addedBytes ?? 0)} added to ${store.location}`,
    warnings: [...findings, ...gone, ...ended.flatMap(({ warnings }) => warnings)],
    facts,
  };
}

/** Where a role sees none there may be some, and nothing is said of them: it is no failure of theirs. */
function nobody(source: Source, findings: string[], { onDemand }: TenantBackupSettings): HoldfastError {
  const none = new HoldfastError('source_empty', findings[0] ?? `${source.name} has no tenant to back up`, {
    hint: `See which tenants there are with \`holdfast tenants ${source.name}\`.`,
  });
  return onDemand ? new EndedRun('skipped', none, {}) : none;
}

function sum(saved: SavedSnapshot[], field: 'dumpBytes' | 'storedBytes' | 'addedBytes'): number {
  return saved.reduce((total, part) => total + part[field], 0);
}
