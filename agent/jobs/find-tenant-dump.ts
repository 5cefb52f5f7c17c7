import { HoldfastError } from '../core/errors.ts';
import { utc } from '../core/clock.ts';
import { counted } from '../core/units.ts';
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
  /** Why it is this one although another one bears a later time; null for nothing. */
  note: string | null;
  /** What its source held, or the tenant; null where the repository has no proof of it. Read once. */
  proof: (signal: AbortSignal) => Promise<Proof | null>;
  /** Of a dump of the tenant alone: where what it needs beside itself is; null for one of everything. */
  alone: { prelude: (signal: AbortSignal) => Promise<StoredPrelude | null> } | null;
}

export interface TenantInRepository {
  source: string;
  id: string;
  schema: string;
  /** Its dump's path in the repository, without the compression's suffix. */
  path: string;
}

/** Where to restore a tenant from. */
export interface TenantDumps {
  /**
   * The one that is meant, if it holds the tenant; of the newest, otherwise the newest older one that does, with a note of it. `holds` looks
   * into a dump of everything: what is not of everything is known to hold it. Throws `snapshot_absent` where none does, and `usage` where that
   * is one that a person named, or where an older one would take the place of what lives (`replaces`): only a person may want that.
   */
  holding(holds: (dump: TenantDump) => Promise<boolean>, options: { replaces: boolean }): Promise<TenantDump>;
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
): Promise<TenantDumps> {
  const own = await dumpsOfTenant(repository, tenant, signal);
  if (wanted.id !== 'latest') return named(repository, tenant, wanted, { own, known }, signal);
  const whole = await findSnapshot(repository, tenant.source, wanted, known, signal).catch(
    (error: unknown) => {
      // There may be none of everything.
      if (own.length > 0 && error instanceof HoldfastError && error.kind === 'snapshot_absent') return null;
      throw error;
    },
  );
  const inTime = inTimeFor(wanted, known);
  const isLater = (dump: Snapshot) => whole === null || dump.time > whole.snapshot.time;
  for (const dump of inTime(own).filter(isLater).toReversed()) {
    const found = await inside(repository, tenant, dump, signal);
    if (found !== null) return { holding: () => Promise.resolve(found) };
  }
  if (whole === null) throw absent(tenant, wanted);
  const newest = ofAll(repository, whole);
  return {
    holding: async (holds, { replaces }) => {
      if (await holds(newest)) return newest;
      const wholes = await repository.list({ source: tenant.source, kind: 'dump' }, signal);
      const others = inTime([...wholes.filter(({ id }) => id !== newest.snapshot.id), ...own]);
      const found = await older(repository, tenant, wanted, { newest, others, holds }, signal);
      if (replaces) throw wouldReplace(tenant, found);
      return found;
    },
  };
}

/** Snapshots that are not of everything and may hold it, oldest first. */
export async function dumpsOfTenant(
  repository: Repository,
  { source, id }: Pick<TenantInRepository, 'source' | 'id'>,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  const all = await repository.list({ source }, signal);
  return all.filter(
    ({ tags }) =>
      tags?.kind === 'tenant-set' ||
      (tags?.tenant === id && (tags.kind === 'tenant' || tags.kind === 'on-demand')),
  );
}

/** The tenant's dump in a snapshot that is not of everything; null where it is not in there. */
export async function inside(
  repository: Repository,
  { path }: Pick<TenantInRepository, 'path'>,
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
    proof: once(async (stop) => (proof === undefined ? null : proofInSet(repository, one, proof, stop))),
    alone: { prelude: async () => preludeInSet(one, files) },
  };
}

/** Those of some dumps whose time has come, or that were there at the time that is asked for. */
export function inTimeFor({ at }: Wanted, { now }: Pick<Known, 'now'>): (dumps: Snapshot[]) => Snapshot[] {
  return (dumps) => {
    if (at !== null) return dumps.filter(({ time }) => Date.parse(time) <= at.getTime());
    const ahead = aheadOf(dumps, now());
    return dumps.filter((dump) => !ahead.includes(dump));
  };
}

/** A tenant that is gone is in none of the newest, and in those of the time at which it was there. */
async function older(
  repository: Repository,
  tenant: TenantInRepository,
  wanted: Wanted,
  {
    newest,
    others,
    holds,
  }: { newest: TenantDump; others: Snapshot[]; holds: (dump: TenantDump) => Promise<boolean> },
  signal: AbortSignal,
): Promise<TenantDump> {
  const lacking = [newest.snapshot];
  for (const snapshot of others.toSorted((one, other) => other.time.localeCompare(one.time))) {
    const isWhole = snapshot.tags?.kind === 'dump';
    const dump = isWhole
      ? ofAll(repository, { snapshot, note: null })
      : await inside(repository, tenant, snapshot, signal);
    if (dump !== null && (!isWhole || (await holds(dump)))) {
      const notes = [...(newest.note === null ? [] : [newest.note]), olderWords(tenant, snapshot, lacking)];
      return { ...dump, note: notes.join('; ') };
    }
    if (isWhole) lacking.push(snapshot);
  }
  throw absent(tenant, wanted, lacking);
}

/** So many of those that lack it are named. */
const NAMED = 3;

function olderWords({ id }: TenantInRepository, found: Snapshot, lacking: Snapshot[]): string {
  const told = lacking.slice(0, NAMED).map(({ shortId, time }) => `${shortId} of ${utc(new Date(time))}`);
  if (lacking.length > NAMED) told.push(`${lacking.length - NAMED} more`);
  return `${found.shortId} of ${utc(new Date(found.time))} is not the newest, but the newest that holds tenant ${id}: it is not in ${told.join(', ')}`;
}

function wouldReplace(
  { source, id, schema }: TenantInRepository,
  { snapshot, note }: TenantDump,
): HoldfastError {
  return new HoldfastError(
    'usage',
    `the schema "${schema}" is there, and the newest backup is without it: ${note ?? ''}; nothing was changed`,
    {
      hint: `Back it up as it is (\`holdfast backup ${source} --tenant ${id}\`), or put the older one in its place: \`holdfast restore ${source} --tenant ${id} --snapshot ${snapshot.shortId}\`.`,
    },
  );
}

async function named(
  repository: Repository,
  tenant: TenantInRepository,
  wanted: Wanted,
  { own, known }: { own: Snapshot[]; known: Known },
  signal: AbortSignal,
): Promise<TenantDumps> {
  const fitting = own.filter(({ id }) => id.startsWith(wanted.id));
  const [dump] = fitting;
  if (dump === undefined || fitting.length > 1) {
    const others = ['tenant', 'on-demand', 'tenant-set'] as const;
    const whole = ofAll(
      repository,
      await findSnapshot(repository, tenant.source, wanted, known, signal, others),
    );
    return {
      holding: async (holds) => {
        if (await holds(whole)) return whole;
        throw new HoldfastError('usage', `${whole.snapshot.shortId} holds no schema "${tenant.schema}"`, {
          hint: 'Restore another snapshot: one of a time at which the tenant was there, or give none for the newest that holds it.',
        });
      },
    };
  }
  const found = await inside(repository, tenant, dump, signal);
  if (found !== null) return { holding: () => Promise.resolve(found) };
  throw new HoldfastError('snapshot_absent', `${dump.shortId} does not hold tenant ${tenant.id}`, {
    hint: `Give the id of another snapshot (\`holdfast snapshots ${tenant.source}\`), or none for the newest that holds it.`,
  });
}

function ofAll(
  repository: Repository,
  { snapshot, note }: { snapshot: Snapshot; note: string | null },
): TenantDump {
  const isAlone = snapshot.tags?.tenant !== undefined;
  return {
    ...{ snapshot, note, proof: once((signal) => findProof(repository, snapshot, signal)) },
    alone: isAlone ? { prelude: (signal) => findPrelude(repository, snapshot, signal) } : null,
  };
}

function once(read: TenantDump['proof']): TenantDump['proof'] {
  let reading: Promise<Proof | null> | null = null;
  return (signal) => (reading ??= read(signal));
}

/** `lacking`: dumps of everything that were looked into. */
function absent({ source, id }: TenantInRepository, { at }: Wanted, lacking: Snapshot[] = []): HoldfastError {
  const until = at === null ? '' : ` that is not later than ${utc(at)}`;
  const looked =
    lacking.length === 0 ? '' : ` (${counted(lacking.length, 'backup')} of everything looked into)`;
  return new HoldfastError(
    'snapshot_absent',
    `the repository holds no snapshot of ${source} with tenant ${id}${until}${looked}`,
    { hint: `See what there is with \`holdfast snapshots ${source}\`.` },
  );
}
