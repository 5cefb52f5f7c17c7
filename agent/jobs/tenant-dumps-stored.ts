import type { Repository, Snapshot } from '../repository/repository.ts';

/**
 * When the newest dump was made that is not one of everything and holds a tenant, by the tenant's id: one of its own, or the newest snapshot of
 * many of each group, or, of a tenant that is not in that, an older one that it is `noted` for. `path` is where its dump lies in such a snapshot. UTC ISO 8601.
 */
export async function tenantDumpsStored(
  repository: Repository,
  source: string,
  tenants: { id: string; path: string }[],
  noted: { id: string; snapshotId: string | null }[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const snapshots = await repository.list({ source }, signal);
  const found = new Map<string, string>();
  const add = (id: string, { time }: Snapshot) => {
    if ((found.get(id) ?? '') < time) found.set(id, time);
  };
  const sets = new Map<string, Snapshot>();
  for (const snapshot of snapshots) {
    const { kind, tenant, group } = snapshot.tags ?? {};
    // Oldest first: what comes later is newer.
    if (kind === 'tenant-set') sets.set(group ?? '', snapshot);
    if (tenant !== undefined && (kind === 'tenant' || kind === 'on-demand')) add(tenant, snapshot);
  }
  for (const set of sets.values()) {
    const paths = new Set((await repository.files(set, signal)).map((file) => file.path));
    for (const { id, path } of tenants) if (paths.has(path)) add(id, set);
  }
  const byId = new Map(snapshots.flatMap((one) => [[one.id, one] as const, [one.originalId, one] as const]));
  for (const { id, snapshotId } of noted) {
    const set = byId.get(snapshotId ?? '');
    if (set !== undefined) add(id, set);
  }
  return found;
}
