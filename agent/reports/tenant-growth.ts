import type { Ledger } from '../ledger/ledger.ts';

/** How much one tenant's own dumps have added to the repository; sizes are bytes. */
export interface TenantGrowth {
  source: string;
  tenant: string;
  /** When the newest run began that stored it. */
  lastRun: string;
  /** Of that run: the plain dump with its prelude, and by how much the repository grew for it. */
  dumpBytes: number;
  addedBytes: number;
  /** Runs that stored it, of those that the ledger was asked for. */
  runs: number;
  /** By how much the repository grew for it in all of them. */
  totalAddedBytes: number;
}

/** More would take long to read: each tells of every tenant. */
const RUNS = 100;

/** Of each tenant that a run of late stored by itself: a pure function of the ledger. What added most comes first. */
export function tenantGrowth(ledger: Pick<Ledger, 'recent'>): TenantGrowth[] {
  const tenants = new Map<string, TenantGrowth>();
  for (const { source, startedAt, facts } of ledger.recent({ job: 'tenant-backup', limit: RUNS })) {
    for (const { id, result, dumpBytes, addedBytes } of facts.tenants ?? []) {
      if (result !== 'succeeded' || source === null) continue;
      const key = JSON.stringify([source, id]);
      const newest = {
        source,
        tenant: id,
        lastRun: startedAt,
        dumpBytes,
        addedBytes,
        runs: 0,
        totalAddedBytes: 0,
      };
      const tenant = tenants.get(key) ?? newest;
      tenants.set(key, {
        ...tenant,
        runs: tenant.runs + 1,
        totalAddedBytes: tenant.totalAddedBytes + addedBytes,
      });
    }
  }
  return [...tenants.values()].toSorted((one, other) => other.totalAddedBytes - one.totalAddedBytes);
}
