import { HoldfastError } from '../core/errors.ts';
import { utc } from '../core/clock.ts';
import type { Proof } from '../proof/proof.ts';
import type { Repository, Snapshot, StoredFile } from '../repository/repository.ts';
import { findSnapshot, type Wanted } from './find-snapshot.ts';
import { aheadOf, type Known } from './newest.ts';
import { findProof, proofInSet, proofPath } from './stored-proof.ts';
import { findPrelude, preludeInSet, type StoredPrelude } from './stored-prelude.ts';

/** A stored dump with a tenant in it: one of everything, one out of a snapshot of many, or one of the tenant alone. */
export interface TenantDump {
  /** To be read as it is. */
  snapshot: Snapshot;
  /** Why it is the newest although another one bears a later time; null for nothing. */
  note: string | null;
  /** What its source held, or the tenant; null where the repository has no proof of it. */
  proof: (signal: AbortSignal) => Promise<Proof | null>;
  /** Of a dump of the tenant alone: where what it needs beside itself is; null for one of everything. */
  alone: { prelude: (signal: AbortSignal) => Promise<StoredPrelude | null> } | null;
}

export interface TenantInRepository {
  source: string;
  id: string;
  /** Its dump's path in the repository, without the compression's suffix. */
  path: string;
}

/**
 * The dump to restore a tenant from, as `findSnapshot` finds one of everything: the newest, the one with this id, or the newest not later than
 * a time. Throws `snapshot_absent`.
 */
export async function findTenantDump(
  repository: Repository,
  tenant: TenantInRepository,
  wanted: Wanted,
  known: Known,
  signal: AbortSignal,
): Promise<TenantDump> {
  const own = await dumpsOf(repository, tenant, signal);
  if (wanted.id !== 'latest') return named(repository, tenant, wanted, { own, known }, signal);
  const whole = await findSnapshot(repository, tenant.source, wanted, known, signal).catch(
    (error: unknown) => {
      // There may be none of everything.
      if (own.length > 0 && error instanceof HoldfastError && error.kind === 'snapshot_absent') return null;
      throw error;
    },
  );
  const ahead = wanted.at === null ? aheadOf(own, known.now()) : [];
  const later = own.filter(
    (dump) =>
      !ahead.includes(dump) &&
      (whole === null || dump.time > whole.snapshot.time) &&
      (wanted.at === null || Date.parse(dump.time) <= wanted.at.getTime()),
  );
  for (const dump of later.toReversed()) {
    const found = await inside(repository, tenant, dump, signal);
    if (found !== null) return found;
  }
  if (whole !== null) return ofAll(repository, whole);
  throw new HoldfastError('snapshot_absent', absence(tenant, wanted), {
    hint: `See what there is with \`holdfast snapshots ${tenant.source}\`.`,
  });
}

/** Snapshots that are not of everything and may hold it, oldest first. */
async function dumpsOf(
  repository: Repository,
  { source, id }: TenantInRepository,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  const all = await repository.list({ source }, signal);
  return all.filter(
    ({ tags }) =>
      tags?.kind === 'tenant-set' ||
      (tags?.tenant === id && (tags.kind === 'tenant' || tags.kind === 'on-demand')),
  );
}

async function named(
  repository: Repository,
  tenant: TenantInRepository,
  wanted: Wanted,
  { own, known }: { own: Snapshot[]; known: Known },
  signal: AbortSignal,
): Promise<TenantDump> {
  const fitting = own.filter(({ id }) => id.startsWith(wanted.id));
  const [dump] = fitting;
  if (dump === undefined || fitting.length > 1) {
    const others = ['tenant', 'on-demand', 'tenant-set'] as const;
    return ofAll(repository, await findSnapshot(repository, tenant.source, wanted, known, signal, others));
  }
  const found = await inside(repository, tenant, dump, signal);
  if (found !== null) return found;
  throw new HoldfastError('snapshot_absent', `${dump.shortId} does not hold tenant ${tenant.id}`, {
    hint: `Give the id of another snapshot (\`holdfast snapshots ${tenant.source}\`), or none for the newest that holds it.`,
  });
}

/** The tenant's dump in a snapshot; null where it is not in there. */
async function inside(
  repository: Repository,
  { path }: TenantInRepository,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<TenantDump | null> {
  if (snapshot.tags?.kind !== 'tenant-set') return ofAll(repository, { snapshot, note: null });
  const files = new Map((await repository.files(snapshot, signal)).map((file) => [file.path, file]));
  const dump = files.get(path);
  if (dump === undefined) return null;
  const proof: StoredFile | undefined = files.get(proofPath(path));
  const one = { ...snapshot, ...dump };
  return {
    snapshot: one,
    note: null,
    proof: async (stop) => (proof === undefined ? null : proofInSet(repository, one, proof, stop)),
    alone: { prelude: async () => preludeInSet(one, files) },
  };
}

function ofAll(
  repository: Repository,
  { snapshot, note }: { snapshot: Snapshot; note: string | null },
): TenantDump {
  const isAlone = snapshot.tags?.tenant !== undefined;
  return {
    ...{ snapshot, note, proof: (signal) => findProof(repository, snapshot, signal) },
    alone: isAlone ? { prelude: (signal) => findPrelude(repository, snapshot, signal) } : null,
  };
}

function absence({ source, id }: TenantInRepository, { at }: Wanted): string {
  return `the repository holds no snapshot of ${source} with tenant ${id}${at === null ? '' : ` that is not later than ${utc(at)}`}`;
}
