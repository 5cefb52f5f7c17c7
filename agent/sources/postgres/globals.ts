import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { acceptGaps } from '../accept-gaps.ts';
import { openDump, type DumpPlan } from '../client/dump.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';
import { siblingOf } from './clients.ts';
import { postgresEnvironment } from './environment.ts';
import { databaseConninfo } from './names.ts';
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
  const filter = createGlobalsFilter();
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

/**
 * Newer releases wrap plain output in `\restrict` with a random key, so that equal globals would never be equal bytes.
 * The key must stay unknown to whoever could write into the dump: it is drawn from the password.
 */
async function restrictKey(config: PostgresSourceConfig, version: string): Promise<string[]> {
  if (!knowsRestrict(version)) return [];
  const key = (await promisify(scrypt)(config.password, 'holdfast restrict key', 24)) as Buffer;
  return [`--restrict-key=${key.toString('hex')}`];
}

function knowsRestrict(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const since: Record<number, number> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };
  return major >= 18 || minor >= (since[major] ?? Number.POSITIVE_INFINITY);
}

function createGlobalsFilter(): ByteFilter & { requireEnd(): void } {
  let tail = Buffer.alloc(0);
  return {
    push: (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(-1024)]).subarray(-1024);
      return [chunk];
    },
    end: () => [],
    requireEnd: () => {
      if (
        /\n-- PostgreSQL database cluster dump complete\n[-\s]*(?:\\unrestrict \w+\s*)?$/.test(
          tail.toString('latin1'),
        )
      )
        return;
      throw new HoldfastError('dump_incomplete', 'the globals ended without their last line', {
        hint: 'The dump was cut short: see the log of the database server, then back up again.',
      });
    },
  };
}
