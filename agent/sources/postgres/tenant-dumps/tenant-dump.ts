import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { openDump, type DumpPlan } from '../../client/dump.ts';
import type { Dump, Probe } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import { createArchiveFilter } from '../archive.ts';
import type { PostgresTable } from '../contents.ts';
import { hintOf, LOCK_WAIT_MS, optionsFor } from '../dump.ts';
import { postgresEnvironment } from '../environment.ts';
import type { LeftOut } from '../proof/left-out.ts';

export interface PartialDump {
  config: PostgresSourceConfig;
  deps: ClientDeps;
  probe: Probe;
  /** How messages name it: `tenant 42`. */
  name: string;
  snapshot: string;
  /** What of the database, in options of pg_dump. */
  choice: () => Promise<string[]>;
  /** What must be done before it begins. */
  ready?: Promise<unknown>;
  /** Tables that must be in it. */
  tables: PostgresTable[];
  leftOut: LeftOut;
  /** Asked when it has ended well: throws where it is not whole all the same. */
  check?: () => Promise<void>;
}

/** Starts pg_dump of a part of the database in a snapshot that somebody else holds: custom format, uncompressed. */
export function openPartialDump(what: PartialDump, signal: AbortSignal): Dump {
  const { deps, name } = what;
  const label = `dump of ${name}`;
  const options = { label, processes: deps.processes, signal, idleTimeoutMs: deps.idleTimeoutMs };
  return openDump(options, () => plan(what));
}

async function plan(what: PartialDump): Promise<DumpPlan> {
  const { config, deps, probe, name, snapshot, tables, leftOut } = what;
  await what.ready;
  const filter = createArchiveFilter();
  const args = [
    ...['--format=custom', '--compress=0', '--no-password', `--lock-wait-timeout=${LOCK_WAIT_MS}`],
    ...(await what.choice()),
    ...optionsFor(leftOut),
    `--snapshot=${snapshot}`,
  ];
  return {
    command: {
      file: probe.client.path,
      args,
      env: postgresEnvironment(config, deps.tools.caFile),
      label: 'pg_dump',
      secrets: [config.password],
    },
    filter,
    verify: async () => {
      filter.requireEnd();
      await what.check?.();
      const left = new Set([...leftOut.relations, ...leftOut.rows]);
      if (left.size > 0) return [];
      const missing = tables.find(({ schema, name: table }) => !filter.tables.has(`${schema}.${table}`));
      if (missing === undefined) return [];
      throw new HoldfastError(
        'dump_incomplete',
        `dump of ${name} ended well but lacks table ${missing.schema}.${missing.name}`,
        { hint: 'Back up again; if it stays, run `holdfast doctor`.' },
      );
    },
    hint: (said) =>
      said.includes('SET TRANSACTION SNAPSHOT')
        ? 'The session that held the snapshot was ended: see the log of the database server, then back up again.'
        : hintOf(said),
    release: async () => undefined,
  };
}
