import type { PostgresSourceConfig } from '../../config/config.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';
import { loadDump } from '../client/load.ts';
import { writePrivateFile } from '../private-file.ts';
import type { ClientDeps } from '../tools.ts';
import type { Entry } from './archive-contents.ts';
import { lockHint } from './at-once/lock-room.ts';
import { siblingOf } from './clients.ts';
import { postgresEnvironment } from './environment.ts';
import type { WayIn } from './lend-connection.ts';
import { databaseConninfo } from './names.ts';
import { ROLES } from './roles/require.ts';

export interface RestoreRun {
  target: string;
  /** The client of the server's major: pg_restore stands beside it. */
  clientPath: string;
  /** What goes into its stdin, where it reads no folder. */
  stream: AsyncIterable<Buffer>;
  /** The folder that it reads; null for none. */
  folder: string | null;
  /** Of the archive these entries alone, in the archive's order; all for null. */
  chosen: Entry[] | null;
  /** By how many connections; by one it is all one transaction. Only a folder can be read by more. */
  atOnce: number;
  ownersKept: boolean;
  filter: ByteFilter;
  /** On a connection that is lent to it, in the transaction there; on one of its own when left out. */
  through?: WayIn | undefined;
}

/** Runs pg_restore to its end, at the first error. Throws as `loadDump`. */
export async function runPgRestore(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  run: RestoreRun,
  signal: AbortSignal,
): Promise<void> {
  const { target, chosen, atOnce } = run;
  const list =
    chosen === null
      ? null
      : await writePrivateFile(deps.runtimeDir, '.list', chosen.map(({ id }) => `${id};\n`).join(''));
  const program = siblingOf(run.clientPath, 'pg_restore');
  const command = {
    // Where no stream breaks off, it would not notice that the agent is gone.
    file: run.folder === null ? program : 'setpriv',
    args: [
      ...(run.folder === null ? [] : ['--pdeathsig', 'KILL', program]),
      `--dbname=${databaseConninfo(target)}`,
      '--no-password',
      '--exit-on-error',
      atOnce === 1 ? '--single-transaction' : `--jobs=${atOnce}`,
      ...(list === null ? [] : [`--use-list=${list.path}`]),
      ...(run.ownersKept ? [] : ['--no-owner', '--no-acl']),
      ...(run.folder === null ? [] : [run.folder]),
    ],
    env: { ...postgresEnvironment(config, deps.tools.caFile), PGDATABASE: target, ...run.through },
    label: 'pg_restore',
    secrets: [config.password],
  };
  const label = `loading into ${target}`;
  const { processes } = deps;
  try {
    await loadDump({ label, processes, signal, command, filter: run.filter, hints: HINTS }, run.stream);
  } finally {
    await list?.remove();
  }
}

export const AS_IT_IS: ByteFilter = { push: (chunk) => [chunk], end: () => [] };

const HINTS: [RegExp, string][] = [
  [
    /permission denied to create extension/,
    'Restore as a superuser: this extension may be created by nobody else.',
  ],
  [/extension .* is not available/, 'Install the extension on the server that is restored into.'],
  [/role .* does not exist/, ROLES],
  [
    /unsupported version|transaction_timeout/,
    'The dump is of a newer PostgreSQL: restore it into a server of that major.',
  ],
  [/out of shared memory/, lockHint()],
  [/lock timeout/, 'Somebody uses a table that it needs: stop that, and restore again.'],
  [/already exists/, 'Restore into an empty database.'],
];
