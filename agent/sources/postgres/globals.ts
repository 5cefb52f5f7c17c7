import type { PostgresSourceConfig } from '../../config/config.ts';
import { acceptGaps } from '../accept-gaps.ts';
import { openDump, type DumpPlan } from '../client/dump.ts';
import { siblingOf } from './clients.ts';
import { postgresEnvironment } from './environment.ts';
import { databaseConninfo } from './names.ts';
import { restrictKey } from './restrict-key.ts';
import { createScriptFilter } from './script-filter.ts';
import type { Dump, Probe } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

/** Starts pg_dumpall for what belongs to no database: roles with their passwords, memberships, tablespaces. */
export function openPostgresGlobals(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
): Dump {
  const label = `dump of the globals beside ${config.database}`;
  const options = { label, processes: deps.processes, signal, idleTimeoutMs: deps.idleTimeoutMs };
  return openDump(options, () => plan(config, deps, probe));
}

async function plan(config: PostgresSourceConfig, deps: ClientDeps, probe: Probe): Promise<DumpPlan> {
  const left = acceptGaps(config, probe);
  const filter = createScriptFilter({
    ends: 'cluster dump',
    cut: 'the globals ended without their last line',
  });
  return {
    command: {
      file: siblingOf(probe.client.path, 'pg_dumpall'),
      args: [
        '--globals-only',
        '--no-password',
        `--database=${databaseConninfo(config.database)}`,
        ...(left.has('role_passwords') ? ['--no-role-passwords'] : []),
        ...(await restrictKey(config, probe.client.version)),
      ],
      env: postgresEnvironment(config, deps.tools.caFile),
      label: 'pg_dumpall',
      secrets: [config.password],
    },
    filter,
    verify: async () => {
      filter.requireEnd();
      return [];
    },
    hint: (said) =>
      /permission denied/i.test(said)
        ? 'Run `holdfast doctor`: it names the GRANT that is missing.'
        : undefined,
    release: async () => undefined,
  };
}
