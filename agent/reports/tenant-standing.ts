import type { TenantProof, TenantProofs } from './tenant-proofs.ts';

/** How the tenants of a source stand to being proved. */
export interface TenantStanding {
  /** Whose proof is the oldest, one without any before all others; null where there is no tenant. */
  oldest: { id: string; lastProved: string | null } | null;
  /** When the first of them is overdue, which may be past; null where they need not be proved by a time. */
  overdueAt: Date | null;
  /** Ids of those that are overdue now. */
  overdue: string[];
  /** Those whose newest verification failed. */
  failed: { id: string; why: string }[];
}

interface OneTenant {
  id: string;
  schema: string;
}

/**
 * Holds what the ledger knows of these tenants against the time that a proof is to hold. One that was never proved counts from
 * when it became known, and where none was ever tried, all of them are overdue. Without `countsRestored` only proofs count.
 */
export function tenantStanding(
  proofs: TenantProofs,
  tenants: OneTenant[],
  { everySeconds, countsRestored, now }: { everySeconds: number | null; countsRestored: boolean; now: Date },
): TenantStanding {
  const aged = tenants.map((tenant) => {
    const proof = proofs.of.get(tenant.schema) ?? null;
    return {
      tenant,
      proof,
      dueAt: dueAt(proof, { everySeconds, countsRestored, isNew: proofs.all !== null, now }),
    };
  });
  const [oldest] = aged.toSorted((one, other) => provedAt(one.proof) - provedAt(other.proof));
  const times = aged.flatMap((one) => one.dueAt ?? []);
  return {
    oldest:
      oldest === undefined ? null : { id: oldest.tenant.id, lastProved: oldest.proof?.lastProved ?? null },
    overdueAt: times.length === 0 ? null : new Date(Math.min(...times)),
    overdue: aged
      .filter((one) => one.dueAt !== null && one.dueAt <= now.getTime())
      .map(({ tenant }) => tenant.id),
    failed: aged.flatMap(({ tenant: { id }, proof }) =>
      proof?.verdict === 'failed' ? [{ id, why: proof.why ?? '' }] : [],
    ),
  };
}

function dueAt(
  proof: TenantProof | null,
  how: { everySeconds: number | null; countsRestored: boolean; isNew: boolean; now: Date },
): number | null {
  const { everySeconds, countsRestored, isNew, now } = how;
  if (everySeconds === null) return null;
  // The next turn will know it; where there was none, nothing will.
  if (proof === null) return isNew ? now.getTime() + everySeconds * 1000 : now.getTime();
  const last = countsRestored ? proof.lastRestored : proof.lastProved;
  return Date.parse(last ?? proof.knownSince) + everySeconds * 1000;
}

function provedAt(proof: TenantProof | null): number {
  return proof?.lastProved == null ? 0 : Date.parse(proof.lastProved);
}
