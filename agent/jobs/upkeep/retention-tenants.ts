import { isDeepStrictEqual } from 'node:util';
import { ON_DEMAND_KINDS, TENANT_KINDS } from '../../core/glossary.ts';
import type { ForgetPreview, KeepPolicy, Repository, Snapshot } from '../../repository/repository.ts';

export interface TenantRetention {
  repository: Pick<Repository, 'preview'>;
  /** What is kept of everything else: the policy of the preview. */
  keep: KeepPolicy;
  sources: string[];
  /** The policy of a tenant's group. */
  keepOfTenant: (source: string, tenant: { id: string; schema: string }) => KeepPolicy;
  /** The policy of a group; of all tenants together for null. */
  keepOfGroup: (source: string, group: string | null) => KeepPolicy;
  now: () => Date;
  /** Why no dump of a source's tenants may go now, as a sentence part; null where nothing is in the way. */
  tenantDoubt: (source: string) => string | null;
}

/** What somebody asked for by name is kept so long, and counts for no policy. */
const ON_DEMAND_KEPT_FOR_MS = 30 * 24 * 3600_000;

/**
 * The dumps of tenants, with their preludes and proofs, that are old enough to go: of each tenant, and of the snapshots of many, by the policy
 * of the group, which always keeps the newest; those on demand after a month. Of a source in doubt none: a snapshot of many, or one on demand, may
 * hold the last good dump of the one that fails. Also what a person should see of it, as sentence parts.
 */
export async function expiredTenantDumps(
  preview: ForgetPreview,
  settings: TenantRetention,
  signal: AbortSignal,
): Promise<{ expired: Snapshot[]; findings: string[] }> {
  const all = [...preview.kept, ...preview.removed].filter(
    ({ tags }) => isOfTenants(tags) && settings.sources.includes(tags?.source ?? ''),
  );
  const latestTime = settings.now().getTime() - ON_DEMAND_KEPT_FOR_MS;
  const due = all.filter(({ tags, time }) => isOf(tags, ON_DEMAND_KINDS) && Date.parse(time) <= latestTime);
  const findings = new Set<string>();
  const expired: Snapshot[] = [];
  const letGo = (source: string, going: Snapshot[]) => {
    const doubt = going.length === 0 ? null : settings.tenantDoubt(source);
    if (doubt === null) expired.push(...going);
    else findings.add(`no dumps of tenants of ${source} were removed, though some could go: ${doubt}`);
  };
  for (const [source, going] of Map.groupBy(due, ({ tags }) => tags?.source ?? '')) letGo(source, going);
  for (const { source, policy, snapshots } of byPolicy(all, settings)) {
    const ids = new Set(snapshots.map(({ id }) => id));
    const tenants = [...new Set(snapshots.flatMap(({ tags }) => tags?.tenant ?? []))];
    const filter = tenants.length === 0 ? { source, kind: 'tenant-set' as const } : { source, tenants };
    const isUsual = isDeepStrictEqual(policy, settings.keep);
    // The policy of everything else has been asked for these as well.
    const answer = isUsual ? preview : await settings.repository.preview(policy, signal, filter);
    letGo(
      source,
      answer.removed.filter(({ id }) => ids.has(id)),
    );
  }
  return { expired, findings: [...findings] };
}

/** Dumps of tenants that stay, with their preludes. */
export function keptTenantDumps(preview: ForgetPreview, expired: Snapshot[], sources: string[]): Snapshot[] {
  const gone = new Set(expired.map(({ id }) => id));
  return [...preview.kept, ...preview.removed].filter(
    ({ id, tags }) => isOfTenants(tags) && sources.includes(tags?.source ?? '') && !gone.has(id),
  );
}

interface PolicyGroup {
  source: string;
  policy: KeepPolicy;
  snapshots: Snapshot[];
}

function byPolicy(all: Snapshot[], { keepOfTenant, keepOfGroup }: TenantRetention): PolicyGroup[] {
  const groups = new Map<string, PolicyGroup>();
  for (const snapshot of all) {
    const { tags } = snapshot;
    if (tags === null || !isOf(tags, TENANT_KINDS)) continue;
    const policy =
      tags.tenant === undefined
        ? keepOfGroup(tags.source, tags.group ?? null)
        : keepOfTenant(tags.source, { id: tags.tenant, schema: schemaIn(snapshot.path) });
    const key = JSON.stringify([tags.source, policy, tags.tenant === undefined]);
    const group = groups.get(key) ?? { source: tags.source, policy, snapshots: [] };
    group.snapshots.push(snapshot);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function isOfTenants(tags: Snapshot['tags']): boolean {
  return tags?.tenant !== undefined || tags?.kind === 'tenant-set';
}

function isOf(tags: Snapshot['tags'], kinds: readonly string[]): boolean {
  return tags !== null && kinds.includes(tags.kind);
}

/** `/postgres/clinic/tenant_42.dump.gz` */
function schemaIn(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  return decodeURIComponent(
    name
      .replace(/\.(dump|dump\.proof\.json|prelude\.sql)(\.gz|\.zst)?$/, '')
      .replace(/%(?![0-9A-F]{2})/g, '%25'),
  );
}
