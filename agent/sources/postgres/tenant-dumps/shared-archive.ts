import { createReadStream } from 'node:fs';
import { HoldfastError } from '../../../core/errors.ts';
import { humanBytes } from '../../../core/units.ts';
import type { PostgresSourceConfig } from '../../../config/config.ts';
import { describeExit } from '../../../process/run.ts';
import { writePrivateFile } from '../../private-file.ts';
import type { Probe } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import { peekContents, type Entry } from '../archive-contents.ts';
import type { PostgresTable } from '../contents.ts';
import { hintOf, LOCK_WAIT_MS, optionsFor } from '../dump.ts';
import { postgresEnvironment } from '../environment.ts';
import { quoteIdentifier, tablePattern } from '../names.ts';
import type { LeftOut } from '../proof/left-out.ts';
import type { LedTo } from './needs.ts';

/** An archive of all definitions that no tenant has, with the rows of the tables to which foreign keys of tenants lead. */
export interface SharedArchive {
  path: string;
  entries: Entry[];
  /** Tables whose rows would be needed and are too many to be stored beside each tenant: `public.visits (12 GB)`. */
  withoutRows: { table: string; why: string }[];
}

export interface SharedArchiveOptions {
  config: PostgresSourceConfig;
  deps: ClientDeps;
  probe: Probe;
  snapshot: string;
  tenants: string[];
  /** Tables in no tenant's schema. */
  tables: PostgresTable[];
  ledTo: LedTo[];
  /** What the configuration allows to be left out of every dump. */
  leftOut: LeftOut;
}

/** Rows that are stored beside each tenant are lookup tables; what is larger comes from the full or the global backup. */
const MOST_BYTES = 64 * 2 ** 20;
const TIMEOUT_MS = 60 * 60_000;

/** Writes it into a file of the runtime folder. Throws `dump_failed`, also where the disk is full; `remove` the file then too. */
export async function writeSharedArchive(
  options: SharedArchiveOptions,
  signal: AbortSignal,
): Promise<SharedArchive & { remove(): Promise<void> }> {
  const { config, deps, probe, snapshot, tenants, tables, ledTo, leftOut } = options;
  const unread = new Set([...leftOut.relations, ...leftOut.rows]);
  const isUnread = ({ schema, name }: LedTo) => unread.has(tablePattern(schema, name));
  const withRows = ledTo.filter((one) => one.bytes <= MOST_BYTES && !isUnread(one));
  const isWithRows = ({ schema, name }: PostgresTable) =>
    withRows.some((one) => one.schema === schema && one.name === name);
  const file = await writePrivateFile(deps.runtimeDir, '.shared', '').catch((cause: unknown) => {
    throw notWritten(deps.runtimeDir, cause instanceof Error ? cause.message : String(cause));
  });
  try {
    const exit = await deps.processes.run(
      {
        file: probe.client.path,
        args: [
          ...['--format=custom', '--compress=0', '--no-password', `--lock-wait-timeout=${LOCK_WAIT_MS}`],
          ...[`--snapshot=${snapshot}`, `--file=${file.path}`],
          ...tenants.map((schema) => `--exclude-schema=${quoteIdentifier(schema)}`),
          ...(withRows.length === 0
            ? ['--schema-only']
            : tables
                .filter((table) => !isWithRows(table))
                .map(({ schema, name }) => `--exclude-table-data=${tablePattern(schema, name)}`)),
          ...optionsFor({ ...leftOut, largeObjects: true }),
        ],
        env: postgresEnvironment(config, deps.tools.caFile),
        label: 'pg_dump',
        secrets: [config.password],
      },
      { timeoutMs: TIMEOUT_MS, signal },
    );
    if (exit.code !== 0) {
      const said = exit.stderr.join('\n');
      if (/No space left|could not write/.test(said)) throw notWritten(deps.runtimeDir, exit.stderr[0] ?? '');
      throw new HoldfastError(
        'dump_failed',
        `the dump of what the tenants of ${config.database} share failed (${describeExit(exit)}): ${exit.stderr[0] ?? 'it said nothing'}`,
        { hint: hintOf(said) },
      );
    }
    const { entries, close } = await peekContents(createReadStream(file.path));
    await close();
    if (entries === null) {
      throw new HoldfastError(
        'dump_failed',
        'no prelude can be made: the format of the archive is not known',
      );
    }
    const withoutRows = ledTo
      .filter((one) => !withRows.includes(one))
      .map((one) => ({
        table: `${one.schema}.${one.name}`,
        why: isUnread(one) ? 'left out of every dump' : humanBytes(one.bytes),
      }));
    return { path: file.path, entries, withoutRows, remove: file.remove };
  } catch (error) {
    await file.remove();
    throw error;
  }
}

function notWritten(folder: string, said: string): HoldfastError {
  return new HoldfastError(
    'dump_failed',
    `what the tenants share could not be written to ${folder}: ${said}`,
    {
      hint: 'Make room in the state folder (HOLDFAST_STATE_DIR), then back up again.',
    },
  );
}
