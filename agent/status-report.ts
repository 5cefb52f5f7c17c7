import { withTurns } from './config/tenant-turns.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import { VERSION } from './core/version.ts';
import { isHeeded, sourcesLeftOut } from './jobs/heeded.ts';
import { rememberedId } from './jobs/init.ts';
import type { Ledger } from './ledger/ledger.ts';
import { heartbeatOf } from './reports/heartbeat.ts';
import { writeStatusFolder } from './reports/status-folder.ts';
import { lastVerified, writeLastVerified } from './reports/verification.ts';
import type { Repository } from './repository/repository.ts';
import { outlookOf } from './scheduler.ts';
import type { Upkeep } from './upkeep.ts';

interface Deps {
  config: Config;
  clock: Clock;
  ledger: Ledger;
  repository: Repository;
  upkeep: Pick<Upkeep, 'space' | 'dataCheck'>;
  /** Hears why the sentinel is told nothing, once for each reason. */
  tell: (finding: string) => void;
}

/** What leaves in the status folder what the ledger knows, where that is the sentinel's business. Rejects when the folder cannot be written. */
export function createStatusReport(deps: Deps): () => Promise<void> {
  const { config, clock, ledger, repository, upkeep } = deps;
  const names = config.sources.map(({ name }) => name);
  const toldOf = new Set<string>();
  return async () => {
    // Who knows no repository would tell the sentinel that there is none.
    if (config.repository.location === null) return;
    if (!isHeeded({ repository, sources: names }, ledger)) {
      const leftOut = names.length === 0 ? '' : sourcesLeftOut(names, ledger).join(', ');
      if (leftOut !== '' && !toldOf.has(leftOut)) deps.tell(notHeeded(leftOut));
      toldOf.add(leftOut);
      return;
    }
    const outlook = (cron: string) => outlookOf(cron, config.timeZone, clock.now());
    const { freeBytes, fullInDays } = await upkeep.space();
    const facts = {
      host: config.host,
      agentVersion: VERSION,
      timeZone: config.timeZone,
      sources: withTurns(config.sources, outlook),
      schedule: { backup: outlook(config.schedule.backup), verify: outlook(config.schedule.verify) },
      retention: config.retention,
      checkInterval: config.checkInterval,
      repository: {
        location: repository.location,
        id: rememberedId(repository, ledger),
        freeBytes,
        fullInDays,
        allDataReadAt: upkeep.dataCheck()?.completedAt ?? null,
      },
    };
    await writeStatusFolder(config.statusDir, heartbeatOf(ledger, facts, clock.now()));
    await writeLastVerified(config.statusDir, lastVerified(ledger, config.sources));
  };
}

function notHeeded(leftOut: string): string {
  return `the gate and the page take no notice of this: they go by the daemon's sources, and ${leftOut} is not configured here; after a change of the configuration, restart the agent`;
}
