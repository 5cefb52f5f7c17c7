import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import type { GapName } from '../../core/glossary.ts';
import { acceptGaps, emptyError } from '../accept-gaps.ts';
import { openDump, type DumpPlan } from '../client/dump.ts';
import { createArchiveFilter } from './archive.ts';
import { readPostgresContents, type PostgresTable } from './contents.ts';
import { postgresEnvironment } from './environment.ts';
import { withPostgresSession } from './session.ts';
import type { Dump, Probe } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const LOOK_TIMEOUT_MS = 60_000;
/** Longer than any sane schema change, shorter than a night. */
const LOCK_WAIT_MS = 120_000;

/** Starts pg_dump of the source's database: custom format, uncompressed. */
export function openPostgresDump(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
): Dump {
  const label = `dump of ${config.database}`;
  const options = { label, processes: deps.processes, signal, idleTimeoutMs: deps.idleTimeoutMs };
  return openDump(options, () => plan(config, deps, probe, signal));
}

async function plan(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
): Promise<DumpPlan> {
  const left = acceptGaps(config, probe);
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS };
  const readTables = () =>
    withPostgresSession(config, look, async (session) => (await readPostgresContents(session)).tables);
  const before = await readTables();
  if (before.length === 0 && !left.has('empty'))
    throw emptyError(config, `${config.database} holds no tables`);

  const filter = createArchiveFilter();
  return {
    command: {
      file: probe.client.path,
      args: [
        '--format=custom',
        '--compress=0',
        '--no-password',
        `--lock-wait-timeout=${LOCK_WAIT_MS}`,
        ...leftOut(probe, left),
      ],
      env: postgresEnvironment(config, deps.tools.caFile),
      label: 'pg_dump',
      secrets: [config.password],
    },
    filter,
    verify: async () => {
      filter.requireEnd();
      const unread = filter.unread();
      if (unread !== null) return [unread];
      if (left.has('tables') || left.has('row_security')) return [];
      const missing = before.filter((table) => !filter.tables.has(nameOf(table)));
      return missing.length === 0 ? [] : tellMissing(config, missing, await readTables());
    },
    hint: hintOf,
    release: async () => undefined,
  };
}

function leftOut(probe: Probe, left: Set<GapName>): string[] {
  const objectsOf = (name: GapName) => probe.gaps.find((gap) => gap.name === name)?.objects ?? [];
  return [
    ...(left.has('tables') ? objectsOf('tables').map((pattern) => `--exclude-table=${pattern}`) : []),
    // Never `--enable-row-security`: it dumps the rows that happen to be visible, possibly none, and exits 0.
    ...(left.has('row_security')
      ? objectsOf('row_security').map((pattern) => `--exclude-table-data=${pattern}`)
      : []),
    ...(left.has('large_objects') ? ['--no-blobs'] : []),
    ...(left.has('subscriptions') ? ['--no-subscriptions'] : []),
  ];
}

function tellMissing(config: PostgresSourceConfig, missing: PostgresTable[], now: PostgresTable[]): string[] {
  const still = new Set(now.map(nameOf));
  const lost = missing.map(nameOf).find((name) => still.has(name));
  if (lost === undefined) {
    return missing.map((table) => `table ${nameOf(table)} was dropped as the dump began and is not in it`);
  }
  throw new HoldfastError(
    'dump_incomplete',
    `dump of ${config.database} ended well but lacks table ${lost}`,
    {
      hint: 'Back up again; if it stays, run `holdfast doctor`.',
    },
  );
}

function nameOf(table: PostgresTable): string {
  return `${table.schema}.${table.name}`;
}

function hintOf(said: string): string | undefined {
  const hints: [RegExp, string][] = [
    [/row-level security/i, 'Run `holdfast doctor`: it names the ALTER ROLE … BYPASSRLS that is missing.'],
    [/permission denied/i, 'Run `holdfast doctor`: it names the GRANT that is missing.'],
    [
      /lock timeout|could not obtain lock|due to lock/i,
      'A schema change held its lock too long: back up again when it is over.',
    ],
    [
      /relation .* does not exist|could not open relation|cache lookup failed/i,
      'A table was dropped while the dump began: back up again.',
    ],
    [/server version mismatch/i, 'The server was upgraded: install the client of its major.'],
    [
      /out of shared memory|max_locks_per_transaction/i,
      'Raise max_locks_per_transaction on the server: there are very many tables.',
    ],
    [
      /server closed the connection|terminating connection|connection to server/i,
      'The server or somebody on it ended the connection: see its log, then back up again.',
    ],
  ];
  return hints.find(([pattern]) => pattern.test(said))?.[1];
}
