import type { Clock } from './core/clock.ts';
import { HoldfastError } from './core/errors.ts';
import type { TenantRole } from './core/tenant-access.ts';
import type { Dropped } from './jobs/restore/drop-each.ts';
import { dropAllKept } from './jobs/restore/kept-schema.ts';
import { restoreTenantJob } from './jobs/restore/restore-tenant.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { RunOptions, RunReport, Runner } from './runner.ts';
import { limitedTenants } from './sources/limited-tenants.ts';
import type { Source } from './sources/source.ts';
import type { Tenants } from './sources/tenants.ts';
import type { TenantRestoreSettings } from './jobs/restore/tenant-restoration.ts';

/** What a person can do with the tenants of a source, and with what restores have replaced. */
export interface Tenancy {
  /** The tenants of a source; throws `configuration` where the configuration names none. */
  tenantsOf(source: Source): Tenants;
  /** Restores one tenant of a source while the others work on. */
  restoreTenant(
    choice: { source: Source } & Pick<
      TenantRestoreSettings,
      'wanted' | 'id' | 'toId' | 'toDatabase' | 'owners' | 'restorePoint' | 'how'
    >,
    options: RunOptions,
  ): Promise<RunReport[]>;
  /** Drops what earlier restores replaced, without waiting for its week; returns the names of databases and schemas. */
  dropReplaced(source: Source, signal: AbortSignal): Promise<Dropped>;
}

export function createTenancy(deps: {
  /** By the name of the source; null for one without. */
  tenants: Map<string, Tenants | null>;
  /** Whose tenants alone are there; null for no limit. */
  role: TenantRole | null;
  clock: Clock;
  ledger: Ledger;
  runner: Runner;
  storing: (source: Source) => Pick<TenantRestoreSettings, 'repository' | 'notes' | 'compression'>;
  timeoutMs: number;
}): Tenancy {
  const { tenants, role, clock, ledger, runner, storing, timeoutMs } = deps;
  const tenantsOf = ({ name }: Source): Tenants => {
    const found = tenants.get(name) ?? null;
    if (found === null) throw noTenants(name);
    return limitedTenants(found, name, role);
  };
  return {
    tenantsOf,
    restoreTenant: async ({ source, ...choice }, options) => {
      const settings = {
        ...storing(source),
        tenants: tenantsOf(source),
        ledger,
        now: () => clock.now(),
        timeoutMs,
      };
      return runner.run([restoreTenantJob(source, { ...settings, ...choice })], options);
    },
    dropReplaced: (source, signal) =>
      runner.exclusively(signal, async () => {
        const one = { source, tenants: tenants.get(source.name) ?? null };
        return dropAllKept(one, ledger, { now: clock.now(), all: true }, signal);
      }),
  };
}

function noTenants(source: string): HoldfastError {
  return new HoldfastError('configuration', `the configuration names no tenants of ${source}`, {
    hint: "Set TENANT_SCHEMAS='tenant_*' or TENANT_QUERY (in the file: tenants); docs/tenants.md tells how.",
  });
}
