import type { PostgresSourceConfig } from '../../config/config.ts';
import { loadDump } from '../client/load.ts';
import { findPostgresClient, siblingOf } from './clients.ts';
import { postgresEnvironment } from './environment.ts';
import { databaseConninfo } from './names.ts';
import { withPostgresSession, type PostgresSession } from './session.ts';
import type { RestoreOptions, Restored } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const LOOK_TIMEOUT_MS = 60_000;

/** Loads an archive by pg_restore of the server's major, in one transaction: it is there as a whole or not at all. */
export async function loadPostgresDump(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  target: string,
  dump: AsyncIterable<Buffer>,
  signal: AbortSignal,
  options: RestoreOptions = {},
): Promise<Restored> {
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS, database: target };
  const { major, mayGiveAway } = await withPostgresSession(config, look, async (session) => ({
    major: session.major,
    mayGiveAway: await isSuperuser(session),
  }));
  const owners = options.owners ?? 'leave';
  const ownersKept = owners === 'keep' || (owners === 'where-allowed' && mayGiveAway);
  const client = await findPostgresClient(major, {
    processes: deps.processes,
    dirs: deps.tools.postgresDirs,
    signal,
  });
  const command = {
    file: siblingOf(client.path, 'pg_restore'),
    args: [
      `--dbname=${databaseConninfo(target)}`,
      '--no-password',
      '--exit-on-error',
      '--single-transaction',
      ...(ownersKept ? [] : ['--no-owner', '--no-acl']),
    ],
    env: { ...postgresEnvironment(config, deps.tools.caFile), PGDATABASE: target },
    label: 'pg_restore',
    secrets: [config.password],
  };
  const filter = { push: (chunk: Buffer) => [chunk], end: () => [] };
  const label = `loading into ${target}`;
  await loadDump({ label, processes: deps.processes, signal, command, filter, hints: HINTS }, dump);
  return { notes: [], ownersKept };
}

/** To give objects to any role takes no less, short of a member of all of them. */
async function isSuperuser(session: PostgresSession): Promise<boolean> {
  const [row] = await session.query('SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user');
  return row?.super === true;
}

const HINTS: [RegExp, string][] = [
  [
    /permission denied to create extension/,
    'Restore as a superuser: this extension may be created by nobody else.',
  ],
  [/extension .* is not available/, 'Install the extension on the server that is restored into.'],
  [
    /role .* does not exist/,
    'Load the globals of the same backup first: they hold the roles (docs/runbook.md, "PostgreSQL"). For another environment: --no-owner.',
  ],
  [/already exists/, 'Restore into an empty database.'],
];
