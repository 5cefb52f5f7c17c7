import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { loadDump } from '../client/load.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';
import { peekContents, type Entry } from './archive-contents.ts';
import { findPostgresClient, siblingOf } from './clients.ts';
import { postgresEnvironment } from './environment.ts';
import { databaseConninfo } from './names.ts';
import { withPostgresSession, type PostgresSession } from './session.ts';
import { chooseEntries } from './table-choice.ts';
import { watchTables } from './watch-tables.ts';
import { writePrivateFile, type PrivateFile } from '../private-file.ts';
import type { RestoreOptions, Restored } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const LOOK_TIMEOUT_MS = 60_000;

/**
 * Loads an archive by pg_restore of the server's major, in one transaction: it is there as a whole or not at all. Of chosen tables,
 * those and what they need; or those alone, dropped and made anew in that transaction.
 */
export async function loadPostgresDump(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  target: string,
  dump: AsyncIterable<Buffer>,
  signal: AbortSignal,
  options: RestoreOptions = {},
): Promise<Restored> {
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS, database: target };
  const { major, isSuperuser, roles } = await withPostgresSession(config, look, readServer);
  const client = await findPostgresClient(major, {
    processes: deps.processes,
    dirs: deps.tools.postgresDirs,
    signal,
  });
  const owners = options.owners ?? 'leave';
  const ownersKept = owners === 'keep' || (owners === 'where-allowed' && isSuperuser);
  const { entries, archive, close } = await peekContents(dump);
  let list: PrivateFile | null = null;
  let chosen: Entry[] | null;
  try {
    chosen = options.tables === undefined ? entries : choose(entries, options.tables, options.replace);
    if (ownersKept) requireRoles(chosen ?? [], roles);
    if (options.tables !== undefined) list = await writeList(deps, chosen ?? []);
  } catch (error) {
    await close();
    throw error;
  }
  const command = {
    file: siblingOf(client.path, 'pg_restore'),
    args: [
      `--dbname=${databaseConninfo(target)}`,
      '--no-password',
      '--exit-on-error',
      '--single-transaction',
      ...(list === null ? [] : [`--use-list=${list.path}`]),
      ...(options.replace === true ? ['--clean', '--if-exists'] : []),
      ...(ownersKept ? [] : ['--no-owner', '--no-acl']),
    ],
    env: { ...postgresEnvironment(config, deps.tools.caFile), PGDATABASE: target },
    label: 'pg_restore',
    secrets: [config.password],
  };
  const filter =
    options.onTable === undefined || chosen === null ? AS_IT_IS : watchTables(chosen, options.onTable);
  const label = `loading into ${target}`;
  try {
    await loadDump({ label, processes: deps.processes, signal, command, filter, hints: HINTS }, archive);
  } finally {
    await list?.remove();
  }
  return { notes: [], ownersKept, stilledEvents: [] };
}

const AS_IT_IS: ByteFilter = { push: (chunk) => [chunk], end: () => [] };

/** To give objects to any role takes a superuser, short of a member of all of them. */
async function readServer(session: PostgresSession) {
  const roles = await session.query(
    'SELECT rolname AS name, rolsuper AND rolname = current_user AS super FROM pg_roles',
  );
  return {
    major: session.major,
    isSuperuser: roles.some((role) => role.super === true),
    roles: new Set(roles.map(({ name }) => String(name))),
  };
}

function writeList(deps: ClientDeps, entries: Entry[]): Promise<PrivateFile> {
  return writePrivateFile(deps.runtimeDir, '.list', entries.map(({ id }) => `${id};\n`).join(''));
}

function choose(entries: Entry[] | null, tables: string[], replace = false): Entry[] {
  if (entries === null) {
    throw new HoldfastError(
      'restore_failed',
      'no tables can be chosen: the format of the archive is not known',
      {
        hint: 'Restore all of it into a new database with --to.',
      },
    );
  }
  return chooseEntries(entries, tables, { replace });
}

/** All of them at once, before the first statement. */
function requireRoles(entries: Entry[], roles: Set<string>): void {
  const missing = [...new Set(entries.map(({ owner }) => owner))].filter(
    (owner) => owner !== '' && !roles.has(owner),
  );
  if (missing.length === 0) return;
  const named = missing.map((role) => `"${role}"`).join(', ');
  throw new HoldfastError(
    'restore_failed',
    missing.length === 1
      ? `role ${named} does not exist, and owns what comes back`
      : `roles ${named} do not exist, and own what comes back`,
    { hint: ROLES },
  );
}

const ROLES =
  'Load the globals of the same backup first: they hold the roles (docs/runbook.md, "PostgreSQL"). For another environment: --no-owner.';

const HINTS: [RegExp, string][] = [
  [
    /permission denied to create extension/,
    'Restore as a superuser: this extension may be created by nobody else.',
  ],
  [/extension .* is not available/, 'Install the extension on the server that is restored into.'],
  [/role .* does not exist/, ROLES],
  [
    /cannot drop .* because other objects depend/,
    'A view or a foreign key of another table depends on it: restore the tables beside with --to, and copy the rows.',
  ],
  [
    /unsupported version|transaction_timeout/,
    'The dump is of a newer PostgreSQL: restore it into a server of that major.',
  ],
  [/already exists/, 'Restore into an empty database.'],
];
