import type { TenantFacts } from '../../ledger/ledger.ts';
import type { Repository, SavedFolder } from '../../repository/repository.ts';
import type { Probe, Source } from '../../sources/source.ts';
import type { Moment, StagedSet, TenantSchema } from '../../sources/tenant-dumps.ts';
import { counted } from '../../core/units.ts';
import type { JobContext } from '../job.ts';
import { encodeProof } from '../stored-proof.ts';
import { asFull, openStaging } from './staging.ts';

/** Where all tenants of a run are stored as one snapshot. */
export interface TenantSetStore {
  repository: Pick<Repository, 'saveFolder'>;
  /** The folder that they are staged in. */
  staging: string;
}

export interface TenantSet {
  source: Source;
  probe: Probe;
  store: TenantSetStore;
  group: string | null;
  context: JobContext;
  moment: Moment;
  /** When the moment was. */
  at: Date;
  /** One whose rows take longer to come is left. */
  limitMs: number;
  /** Bytes of a schema with its indexes, where they are known. */
  tenants: (TenantSchema & { bytes?: number | null })[];
}

export interface StoredSet {
  facts: TenantFacts[];
  saved: SavedFolder[];
  /** To be dumped one by one. */
  left: TenantSchema[];
  warnings: string[];
}

/**
 * Stores some tenants in one pass over the database and as one snapshot. Those that cannot be had so are left; throws where the disk is full, and
 * what the repository says: then nothing is stored.
 */
export async function storeSet(set: TenantSet): Promise<StoredSet> {
  const { source, store, context, moment, tenants } = set;
  const startedAt = performance.now();
  const what = `staging ${counted(tenants.length, 'tenant')} of ${source.name}`;
  const staging = await openStaging(store.staging, what, expected(tenants)).catch((error: unknown) => {
    throw asFull(error, what);
  });
  try {
    const report = {
      step: `dumping ${counted(tenants.length, 'tenant')} of ${source.database}`,
      dumpBytes: 0,
      storedBytes: 0,
    };
    const order = {
      tenants: tenants.filter((tenant) => moment.holds(tenant)),
      staging: staging.folder,
      limitMs: set.limitMs,
      encodeProof,
      onBytes: async (bytes: number) => {
        context.onProgress({ ...report, dumpBytes: bytes });
        await staging.watch(bytes);
      },
      onStep: (step: string) => context.onProgress({ ...report, step }),
    };
    const staged = await moment.stage(order, context.signal).catch((error: unknown) => {
      throw asFull(error, what);
    });
    const gone = tenants.filter((tenant) => !moment.holds(tenant));
    const failed = staged.failed.map(failedFacts);
    if (staged.tenants.length === 0)
      return { facts: failed, saved: [], left: [...staged.left, ...gone], warnings: staged.warnings };
    // To store it may take long, and those that are gone are told without a look.
    if (staged.left.length === 0) await moment.release();
    const saved = await save(set, staged);
    const seconds = (performance.now() - startedAt) / 1000 / staged.tenants.length;
    return {
      facts: [...staged.tenants.map((tenant) => factsOf(tenant, saved, seconds)), ...failed],
      saved: [saved],
      left: [...staged.left, ...gone],
      warnings: [...staged.warnings, ...unproven(staged)],
    };
  } finally {
    await staging.remove();
  }
}

/** Rows take about half of what their tables take with their indexes. */
function expected(tenants: TenantSet['tenants']): number {
  return tenants.reduce((total, { bytes }) => total + (bytes ?? 0) / 2, 0);
}

function save(
  { source, probe, store, group, context, at }: TenantSet,
  staged: StagedSet,
): Promise<SavedFolder> {
  const files = [...staged.tenants.flatMap((tenant) => tenant.files), ...staged.shared];
  const step = `storing ${counted(staged.tenants.length, 'tenant')} of ${source.database}`;
  return store.repository.saveFolder(
    {
      staging: store.staging,
      path: staged.path,
      files: files.length,
      bytes: files.reduce((total, { bytes }) => total + bytes, 0),
      tags: {
        source: source.name,
        engine: probe.engine,
        kind: 'tenant-set',
        ...(group === null ? {} : { group }),
      },
      // When its data was read: `--at` goes by it.
      time: at,
      onProgress: (progress) => context.onProgress({ step, ...progress }),
    },
    context.signal,
  );
}

function failedFacts({ tenant, why }: StagedSet['failed'][number]): TenantFacts {
  return {
    ...{ id: tenant.id, schema: tenant.schema, result: 'failed', why },
    ...{ snapshotId: null, dumpBytes: 0, addedBytes: 0, seconds: 0 },
  };
}

function factsOf(
  { tenant, files }: StagedSet['tenants'][number],
  { id, addedOf }: SavedFolder,
  seconds: number,
): TenantFacts {
  return {
    ...{ id: tenant.id, schema: tenant.schema, result: 'succeeded', why: null, snapshotId: id },
    dumpBytes: files.reduce((total, { bytes }) => total + bytes, 0),
    addedBytes: files.reduce((total, { path }) => total + (addedOf.get(path) ?? 0), 0),
    seconds: Math.round(seconds * 1000) / 1000,
  };
}

function unproven({ tenants }: StagedSet): string[] {
  const [first, ...others] = tenants.filter((tenant) => tenant.unproven !== null);
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : `, nor of ${counted(others.length, 'more tenant')}`;
  return [`equality of tenant ${first.tenant.id} not proven: ${first.unproven}${more}`];
}
