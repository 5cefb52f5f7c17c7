import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { loadDump } from '../client/load.ts';
import type { ClientDeps } from '../tools.ts';
import { findPostgresClient, siblingOf } from './clients.ts';
import { postgresEnvironment } from './environment.ts';
import { databaseConninfo } from './names.ts';
import { withPostgresSession } from './session.ts';

const LOOK_TIMEOUT_MS = 60_000;

/**
 * Runs a script of SQL by psql of the server's major; the first statement that fails ends it. A plain dump that does not end with its last
 * line is refused: psql itself is content with whatever part of it there is.
 */
export async function runPostgresScript(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  target: string,
  script: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS, database: target };
  const major = await withPostgresSession(config, look, async (session) => session.major);
  const client = await findPostgresClient(major, {
    processes: deps.processes,
    dirs: deps.tools.postgresDirs,
    signal,
  });
  const command = {
    file: siblingOf(client.path, 'psql'),
    args: [
      `--dbname=${databaseConninfo(target)}`,
      ...[
        '--no-psqlrc',
        '--no-password',
        '--quiet',
        '--output=/dev/null',
        '--set=ON_ERROR_STOP=1',
        '--file=-',
      ],
    ],
    env: {
      ...postgresEnvironment(config, deps.tools.caFile),
      PGDATABASE: target,
      PGOPTIONS: '-c client_min_messages=warning',
    },
    label: 'psql',
    secrets: [config.password],
  };
  const filter = { push: (chunk: Buffer) => [chunk], end: () => [] };
  const label = `loading into ${target}`;
  await loadDump(
    { label, processes: deps.processes, signal, command, filter, hints: HINTS },
    requireEnd(script),
  );
}

const DUMP_BEGINS = '-- PostgreSQL database dump\n';
const DUMP_ENDS = '-- PostgreSQL database dump complete\n';
/** What stands before and behind these lines is short. */
const LOOK_BYTES = 16 * 1024;

async function* requireEnd(script: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head = '';
  let tail = '';
  for await (const chunk of script) {
    if (head.length < LOOK_BYTES) head += chunk.subarray(0, LOOK_BYTES).toString('latin1');
    tail = (tail + chunk.subarray(-LOOK_BYTES).toString('latin1')).slice(-LOOK_BYTES);
    yield chunk;
  }
  if (head.includes(DUMP_BEGINS) && !tail.includes(DUMP_ENDS)) {
    throw new HoldfastError(
      'restore_failed',
      'the script begins as a dump of PostgreSQL and lacks its last line',
      {
        hint: 'It was cut short: take another file.',
      },
    );
  }
}

const HINTS: [RegExp, string][] = [
  [
    /permission denied to create role/,
    'Create the roles that the first lines of the script name, or restore as a role that may (CREATEROLE).',
  ],
  [
    /permission denied to create extension/,
    'Restore as a superuser: this extension may be created by nobody else.',
  ],
  [/extension .* is not available/, 'Install the extension on the server that is restored into.'],
  [
    /unrecognized configuration parameter|transaction_timeout/,
    'The dump is of a newer PostgreSQL: restore it into a server of that major.',
  ],
  [/invalid command \\restrict/, 'This psql is older than the dump: update postgresql-client.'],
];
