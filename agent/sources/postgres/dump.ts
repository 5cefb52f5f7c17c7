import type { PostgresSourceConfig } from '../../config/config.ts';
import { acceptGaps, emptyError } from '../accept-gaps.ts';
import { tellMissing } from '../missing-tables.ts';
import type { Exit } from '../../process/run.ts';
import { openDump, type DumpPlan } from '../client/dump.ts';
import { createArchiveFilter } from './archive.ts';
import { readTableFiles, refuseEmptied } from './emptied.ts';
import { readPostgresContents, type PostgresTable } from './contents.ts';
import { postgresEnvironment } from './environment.ts';
import { createProofBesideDump, type ProofBesideDump } from './proof/beside-dump.ts';
import { leftOutOf, type LeftOut } from './proof/left-out.ts';
import { outOfLocksHint, readLockTable, type LockTable } from './lock-table.ts';
import { tablePattern } from './names.ts';
import { withPostgresSession, type PostgresSession } from './session.ts';
import type { Dump, Probe } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const LOOK_TIMEOUT_MS = 60_000;
/** Longer than any sane schema change, shorter than a night. */
export const LOCK_WAIT_MS = 120_000;

/** Starts pg_dump of the source's database: custom format, uncompressed; beside it, in one snapshot with it, the proof is read. */
export function openPostgresDump(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
): Dump {
  const label = `dump of ${config.database}`;
  const options = { label, processes: deps.processes, signal, idleTimeoutMs: deps.idleTimeoutMs };
  if (config.proof === 'none') return openDump(options, () => plan(config, deps, probe, signal, null));
  const proof = createProofBesideDump(config, deps.tools.caFile, signal);
  return proof.accompany(openDump(options, () => plan(config, deps, probe, signal, proof)));
}

async function plan(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
  proof: ProofBesideDump | null,
): Promise<DumpPlan> {
  const { leftOut, locks, requireTables } = await lookBefore(config, deps, probe, signal);
  const filter = createArchiveFilter();
  const command = {
    file: probe.client.path,
    args: [
      '--format=custom',
      '--compress=0',
      '--no-password',
      `--lock-wait-timeout=${LOCK_WAIT_MS}`,
      ...optionsFor(leftOut),
    ],
    env: postgresEnvironment(config, deps.tools.caFile),
    label: 'pg_dump',
    secrets: [config.password],
  };
  const snapshot = (await proof?.begin(leftOut)) ?? null;
  return {
    command: snapshot === null ? command : { ...command, args: [...command.args, `--snapshot=${snapshot}`] },
    otherwise: (exit) => {
      if (snapshot === null || !lacksSnapshot(exit)) return null;
      proof?.notShared();
      return command;
    },
    filter,
    verify: async () => {
      filter.requireEnd();
      return requireTables(filter);
    },
    hint: (said) => (OUT_OF_LOCKS.test(said) ? outOfLocksHint(locks) : hintOf(said)),
    release: async () => undefined,
  };
}

export interface Before {
  leftOut: LeftOut;
  /** What the server has to lock the tables in. */
  locks: LockTable;
  /**
   * Holds the tables whose rows are in the dump, as `schema.table`, and those of them that have none, against those that were there before.
   * Throws `dump_incomplete` where one is missing that is still there, and where one was emptied under the dump; returns warnings.
   */
  requireTables(dumped: { tables: ReadonlySet<string>; empty: ReadonlySet<string> }): Promise<string[]>;
}

/** Looks which tables there are before a dump. Throws for a gap that is not allowed, and where there is nothing to dump. */
export async function lookBefore(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
): Promise<Before> {
  const allowed = acceptGaps(config, probe);
  const leftOut = leftOutOf(probe, allowed);
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS };
  const read = <T>(what: (session: PostgresSession) => Promise<T>) => withPostgresSession(config, look, what);
  const { before, files, locks } = await read(async (session) => ({
    files: await readTableFiles(session),
    locks: await readLockTable(session),
    before: (await readPostgresContents(session)).tables,
  }));
  if (before.length === 0 && !allowed.has('empty'))
    throw emptyError(config, `${config.database} holds no tables`);
  const named = (tables: PostgresTable[]) => tables.map(nameOf);
  const patterns = new Set([...leftOut.relations, ...leftOut.rows]);
  const left = before.filter(({ schema, name }) => patterns.has(tablePattern(schema, name)));
  return {
    leftOut,
    locks,
    requireTables: async ({ tables, empty }) => {
      await refuseEmptied(config.database, { before: files, empty }, () => read(readTableFiles));
      return tellMissing(
        config.database,
        { before: named(before), dumped: tables, leftOut: new Set(named(left)) },
        async () => named((await read(readPostgresContents)).tables),
      );
    },
  };
}

/** The session that held the snapshot was ended. pg_dump asks for it first, and quotes that statement whatever the server's language is. */
export function lacksSnapshot(exit: Exit): boolean {
  return exit.stderr.some((line) => line.includes('SET TRANSACTION SNAPSHOT'));
}

/** What pg_dump is told to leave out. */
export function optionsFor(leftOut: LeftOut): string[] {
  return [
    ...leftOut.relations.map((pattern) => `--exclude-table=${pattern}`),
    // Never `--enable-row-security`: it dumps the rows that happen to be visible, possibly none, and exits 0.
    ...leftOut.rows.map((pattern) => `--exclude-table-data=${pattern}`),
    ...(leftOut.largeObjects ? ['--no-blobs'] : []),
    ...(leftOut.subscriptions ? ['--no-subscriptions'] : []),
  ];
}

function nameOf(table: PostgresTable): string {
  return `${table.schema}.${table.name}`;
}

const OUT_OF_LOCKS = /out of shared memory|max_locks_per_transaction/i;

/** What a complaint of pg_dump means for a person. */
export function hintOf(said: string): string | undefined {
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
    [OUT_OF_LOCKS, 'Raise max_locks_per_transaction on the server: there are very many tables.'],
    [
      /server closed the connection|terminating connection|connection to server/i,
      'The server or somebody on it ended the connection: see its log, then back up again.',
    ],
  ];
  return hints.find(([pattern]) => pattern.test(said))?.[1];
}
