import type { MysqlSourceConfig } from '../../config/config.ts';
import type { GapName } from '../../core/glossary.ts';
import { acceptGaps, emptyError } from '../accept-gaps.ts';
import { tellMissing } from '../missing-tables.ts';
import { openDump, type DumpPlan } from '../client/dump.ts';
import { atLeast } from './version.ts';
import type { Exit, Processes } from '../../process/run.ts';
import { readDatabaseCharset, readMysqlContents, type MysqlContents } from './contents.ts';
import { createDumpFilter, type DumpFilter } from './dump-filter.ts';
import { writeHeader } from './header.ts';
import { optionFile } from './options.ts';
import { takeProof, type ProofTaker } from './proof/beside-dump.ts';
import { withMysqlSession, type Flavour } from './session.ts';
import type { ClientDeps } from '../tools.ts';
import { writePrivateFile } from '../private-file.ts';
import type { Dump, Probe } from '../source.ts';

/** Reading names and rights is quick; what takes longer is broken. */
const LOOK_TIMEOUT_MS = 60_000;

/** Starts the dump of the source's database by the client that the probe found. */
export function openMysqlDump(
  config: MysqlSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
): Dump {
  const { caFile } = deps.tools;
  const leftOut = {
    names: new Set(leftOutNames(probe)),
    routines: hasGap(probe, 'routines'),
    events: hasGap(probe, 'events'),
  };
  const taker = config.proof === 'none' ? null : takeProof(config, { leftOut, caFile, signal });
  const options = {
    label: `dump of ${config.database}`,
    processes: taker === null ? deps.processes : startedBy(taker, deps.processes),
    signal,
    idleTimeoutMs: deps.idleTimeoutMs,
  };
  const state: { filter?: DumpFilter } = {};
  const dump = openDump(options, async () => {
    const made = await plan(config, deps, probe, signal);
    state.filter = made.filter;
    return made;
  });
  if (taker === null) return dump;
  dump.done.then(
    () => taker.dumpEnded(state.filter?.counters ?? new Map()),
    () => taker.dumpFailed(),
  );
  return { ...dump, proof: taker.outcome };
}

/** The dump client is the one program that is started for a dump. */
function startedBy(taker: ProofTaker, processes: Processes): Processes {
  return { ...processes, start: (command) => taker.startClient(() => processes.start(command)) };
}

async function plan(
  config: MysqlSourceConfig,
  deps: ClientDeps,
  probe: Probe,
  signal: AbortSignal,
): Promise<DumpPlan & { filter: DumpFilter }> {
  const left = acceptGaps(config, probe);
  const leftOut = new Set(leftOutNames(probe));
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS };
  const before = await withMysqlSession(config, look, async (session) => ({
    flavour: session.flavour,
    encrypted: session.encrypted,
    charset: await readDatabaseCharset(session, config),
    contents: await readMysqlContents(session, config.database),
  }));
  refuseEmpty(config, before.contents);

  const file = await writePrivateFile(
    deps.runtimeDir,
    '.cnf',
    optionFile(config, { ...before, caFile: deps.tools.caFile }),
  );
  const filter = createDumpFilter(writeHeader({ database: config.database, ...before.charset }));
  return {
    command: {
      file: probe.client.path,
      args: [
        // First, or the client refuses it.
        `--defaults-file=${file.path}`,
        ...dumpOptions(before.flavour, probe.client.version, left),
        ...ignored(config, probe),
        // Behind `--` a name is a name, even `--result-file=x`.
        '--',
        config.database,
      ],
      // The login file of MySQL's clients would be read even so.
      env: { MYSQL_TEST_LOGIN_FILE: `${file.path}.none` },
      label: 'the dump client',
      secrets: [config.password],
    },
    filter,
    verify: async () => {
      filter.requireEnd();
      const tables = { before: before.contents.tables, dumped: filter.tables, leftOut };
      return tellMissing(config.database, tables, async () => {
        const still = await withMysqlSession(config, look, (session) =>
          readMysqlContents(session, config.database),
        );
        return still.tables;
      });
    },
    hint: hintOf,
    release: () => file.remove(),
  };
}

function refuseEmpty(config: MysqlSourceConfig, contents: MysqlContents): void {
  if (contents.tables.length > 0 || config.allowIncomplete.includes('empty')) return;
  throw emptyError(config, `${config.database} holds no tables that ${config.user} can see`);
}

function dumpOptions(flavour: Flavour, client: string, left: Set<GapName>): string[] {
  return [
    '--single-transaction',
    '--quick',
    '--hex-blob',
    '--triggers',
    ...(left.has('routines') ? [] : ['--routines']),
    ...(left.has('events') ? [] : ['--events']),
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    // The date at the end would make equal dumps differ.
    '--skip-dump-date',
    // Who holds locks on some tables may use no other, such as the sequence that a default draws from.
    '--skip-add-locks',
    ...(flavour === 'mysql' ? mysqlOptions(client) : []),
  ];
}

function mysqlOptions(client: string): string[] {
  return [
    // GTIDs and tablespaces take rights that neither the dump user nor the loading user has.
    '--set-gtid-purged=OFF',
    '--no-tablespaces',
    ...(atLeast(client, 8, 0) ? ['--column-statistics=0'] : []),
    // Belong to the server, not to the database; asking for them without the right prints an error and exits 0.
    ...(atLeast(client, 9, 0) ? ['--loose-skip-masking-policies'] : []),
  ];
}

function ignored(config: MysqlSourceConfig, probe: Probe): string[] {
  return leftOutNames(probe).map((name) => `--ignore-table=${config.database}.${name}`);
}

/** Tables and views. */
function leftOutNames(probe: Probe): string[] {
  return probe.gaps.flatMap((gap) => gap.objects ?? []);
}

function hasGap(probe: Probe, name: GapName): boolean {
  return probe.gaps.some((gap) => gap.name === name);
}

const ENDED_CONNECTION =
  'The server or somebody on it ended the connection: see its log, then back up again.';
/** The client's exit code for an error of the server. */
const SERVER_ERROR = 2;

function hintOf(said: string, exit: Exit): string | undefined {
  // mariadb-dump says nothing of a connection that it finds closed when it sets the character set between two tables.
  if (said.trim() === '' && exit.code === SERVER_ERROR) return ENDED_CONNECTION;
  const hints: [RegExp, string][] = [
    [/1412|definition has changed/i, 'A table was altered or truncated while the dump ran: back up again.'],
    [/1146|1051|doesn't exist/i, 'A table was dropped or renamed while the dump ran: back up again.'],
    [
      /1356|invalid table/i,
      'A view names something that is gone: drop the view or mend it, then back up again.',
    ],
    [
      /1449|does not exist.*definer|definer.*does not exist/i,
      'A definer is gone: redefine the object, then back up again.',
    ],
    [/1814|tablespace/i, 'A table has lost its tablespace: restore or drop that table.'],
    [/2013|2006|2026|lost connection|gone away|unexpected eof|1317|1927|70100/i, ENDED_CONNECTION],
    [/denied|insufficient/i, 'Run `holdfast doctor`: it names the GRANT that is missing.'],
    [/2020|max_allowed_packet/i, 'A row is larger than max_allowed_packet of the server: raise it there.'],
  ];
  return hints.find(([pattern]) => pattern.test(said))?.[1];
}
