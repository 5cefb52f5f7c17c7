import type { PostgresSourceConfig } from '../../../config/config.ts';
import { openDump } from '../../client/dump.ts';
import type { Dump } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import { createArchiveFilter } from '../archive.ts';
import { findPostgresClient } from '../clients.ts';
import { postgresEnvironment } from '../environment.ts';
import { quoteIdentifier } from '../names.ts';
import { withPostgresSession } from '../session.ts';
import { extensionsIn } from '../tenant-dumps/needs.ts';

const LOOK_TIMEOUT_MS = 60_000;
const LOCK_WAIT_MS = 30_000;

/** Starts pg_dump of one schema as it is: custom format, uncompressed, without what it needs of others. */
export function openSchemaDump(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  schema: string,
  signal: AbortSignal,
): Dump {
  const label = `dump of ${schema}`;
  const options = { label, processes: deps.processes, signal, idleTimeoutMs: deps.idleTimeoutMs };
  return openDump(options, async () => {
    const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS };
    const { major, extensions } = await withPostgresSession(config, look, async (session) => ({
      major: session.major,
      // Those that live in the schema are left out unless they are named.
      extensions: session.major >= 14 ? await extensionsIn(session, [schema]) : [],
    }));
    const { processes, tools } = deps;
    const client = await findPostgresClient(major, { processes, dirs: tools.postgresDirs, signal });
    const filter = createArchiveFilter();
    return {
      command: {
        file: client.path,
        args: [
          '--format=custom',
          '--compress=0',
          '--no-password',
          `--lock-wait-timeout=${LOCK_WAIT_MS}`,
          `--schema=${quoteIdentifier(schema)}`,
          ...extensions.map(({ name }) => `--extension=${quoteIdentifier(name)}`),
        ],
        env: postgresEnvironment(config, tools.caFile),
        label: 'pg_dump',
        secrets: [config.password],
      },
      filter,
      verify: async () => {
        filter.requireEnd();
        return [];
      },
      hint: (said) =>
        /permission denied|row-level security/i.test(said)
          ? 'Run `holdfast doctor`: it names the statement that gives the right.'
          : undefined,
      release: async () => undefined,
    };
  });
}
