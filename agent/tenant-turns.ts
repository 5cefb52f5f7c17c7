import type { Config, SourceConfig, TenantTurnsConfig } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import type { Trigger } from './core/glossary.ts';
import { humanDuration } from './core/units.ts';
import { rememberedId } from './jobs/init.ts';
import type { Job } from './jobs/job.ts';
import { newestGoodSnapshot } from './jobs/known-backups.ts';
import { dumpBytesOf } from './jobs/size-up.ts';
import { createBudget } from './jobs/verify/verify-turn.ts';
import type { Ledger } from './ledger/ledger.ts';
import { tenantProofs } from './reports/tenant-proofs.ts';
import type { Repository } from './repository/repository.ts';
import type { RunOptions, RunReport, Runner } from './runner.ts';
import type { ScratchPlace } from './sources/scratch.ts';
import type { Source } from './sources/source.ts';
import type { Tenant, Tenants } from './sources/tenants.ts';
import type { Upkeep } from './upkeep.ts';

/** Verifications of tenants by themselves. */
export interface TenantTurns {
  /** Verifies tenants of each source: these, or for null all by turns, which a schedule gives no more time than is configured. */
  verifyTenants(sources: Source[], ids: string[] | null, options: RunOptions): Promise<RunReport[]>;
  /** Records that the turn of a source's tenants was due and did not come, and why. */
  skipTurn(source: string, options: { trigger: Trigger; why: unknown }): Promise<void>;
}

export function createTenantTurns(deps: {
  config: Config;
  clock: Clock;
  ledger: Ledger;
  repository: Repository;
  tenantsOf: (source: Source) => Tenants;
  scratchPlace: (source: Source) => ScratchPlace;
  runner: Runner;
  upkeep: Pick<Upkeep, 'afterVerification'>;
}): TenantTurns {
  const { config, clock, ledger, repository, runner, upkeep } = deps;
  const jobOf = async (source: Source, ids: string[] | null, trigger: Trigger): Promise<Job> => {
    const { verifyTenantsJob } = await import('./jobs/verify/verify-tenants.ts');
    const settings = settingsOf(config, source);
    const turns = settings.type === 'postgres' ? (settings.tenants?.verify ?? null) : null;
    return verifyTenantsJob(source, {
      ...{ repository, ledger, notes: ledger, now: () => clock.now(), host: config.host },
      scratch: deps.scratchPlace(source),
      tenants: deps.tenantsOf(source),
      ids,
      unlimited: config.role === null,
      inTurn: (tenants, snapshotId) =>
        ids === null ? inTurn(tenants, snapshotId, { ledger, source: source.name, turns, clock }) : tenants,
      newestGood: () => newestGoodSnapshot(ledger, source.name, rememberedId(repository, ledger)),
      wantsProof: settings.proof !== 'none',
      dumpBytes: (snapshotId) => dumpBytesOf(ledger, source.name, snapshotId),
      outOfTime: turns === null || trigger === 'command' ? () => null : budgetOf(turns, clock),
      timeoutMs: config.backupTimeoutSeconds * 1000,
    });
  };
  return {
    verifyTenants: async (sources, ids, options) => {
      const jobs = await Promise.all(sources.map((source) => jobOf(source, ids, options.trigger)));
      return runner.run(jobs, { ...options, next: (soFar) => upkeep.afterVerification(soFar) });
    },
    skipTurn: (source, options) => runner.skip([{ name: 'tenant-verify', source }], options),
  };
}

function settingsOf({ sources }: Config, { name }: Source): SourceConfig {
  const settings = sources.find((candidate) => candidate.name === name);
  if (settings === undefined) throw new Error(`no configuration for ${name}`);
  return settings;
}

/** Without those that are proved out of it already: the one that waits longest for a verification first. */
function inTurn(
  tenants: Tenant[],
  snapshotId: string,
  of: { ledger: Ledger; source: string; turns: TenantTurnsConfig | null; clock: Clock },
): Tenant[] {
  const everySeconds = of.turns?.everySeconds ?? null;
  const proofs = tenantProofs(of.ledger, of.source, {
    everySeconds,
    now: of.clock.now(),
    inRepository: null,
  });
  const proved = proofs.provedOutOf(snapshotId);
  const triedBy = ({ schema }: Tenant) => proofs.of.get(schema)?.triedBy ?? 0;
  return tenants
    .filter(({ schema }) => !proved.has(schema))
    .toSorted((one, other) => triedBy(one) - triedBy(other));
}

function budgetOf({ budgetSeconds }: TenantTurnsConfig, clock: Clock): () => string | null {
  const words = `not reached in the ${humanDuration(budgetSeconds * 1000)} of a run, and first the next time`;
  return createBudget(budgetSeconds, () => clock.now().getTime(), words);
}
