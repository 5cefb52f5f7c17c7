import type { MysqlSourceConfig } from '../../config/config.ts';
import { askDatabase } from './ask.ts';
import { findMysqlClient } from './clients.ts';
import { readDatabaseCharset, readMysqlContents, type MysqlContents } from './contents.ts';
import { openMysqlDump } from './dump.ts';
import { analyzeDatabase, examineDatabase } from './examine.ts';
import { findMysqlGaps } from './gaps.ts';
import { readGrants } from './grants.ts';
import { findMysqlHurdles } from './hurdles.ts';
import { loadMysqlDump } from './load.ts';
import { createDatabase, dropDatabase, emptyDatabase, inspectDatabase, listDatabases } from './objects.ts';
import { sizeOfDatabase } from './room.ts';
import { createTableFilter } from './sections.ts';
import { proveDatabase } from './proof/prove.ts';
import { lackForProof } from './proof/rights.ts';
import { findSwapHurdle } from './swap/hurdle.ts';
import { planSwap } from './swap/plan.ts';
import { settleTables, swapTables } from './swap/swap.ts';
import { withMysqlSession, type MysqlSession } from './session.ts';
import { requireSpelling } from './spelling.ts';
import type { OpenAnother } from './two-sessions.ts';
import { bytesOf } from '../bytes-of.ts';
import { pathComponent } from '../repository-path.ts';
import type { Probe, Source } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const PROBE_TIMEOUT_MS = 60_000;
/** For what reads all of a database: longer than a run may take, which is for the job to say. */
const WHOLE_TIMEOUT_MS = 24 * 60 * 60_000;

/** A MySQL or MariaDB database: which of the two is asked of the server at every probe. */
export function createMysqlSource(config: MysqlSourceConfig, deps: ClientDeps): Source {
  const session = <T>(signal: AbortSignal, work: (session: MysqlSession) => Promise<T>, timeoutMs?: number) =>
    withMysqlSession(config, { signal, caFile: deps.tools.caFile, timeoutMs }, work);
  const inTwo = <T>(
    signal: AbortSignal,
    work: (session: MysqlSession, another: OpenAnother) => Promise<T>,
    timeoutMs?: number,
  ) => session(signal, (open) => work(open, (more) => session(signal, more, timeoutMs)), timeoutMs);
  return {
    name: config.name,
    database: config.database,
    renames: false,
    nameLimit: { most: 64, unit: 'characters' },
    probe: (signal) => session(signal, (open) => probe(config, deps, open, signal), PROBE_TIMEOUT_MS),
    parts: (probed) => [
      {
        kind: 'dump',
        path: `/mysql/${pathComponent(config.database)}.sql`,
        open: (signal) => openMysqlDump(config, deps, probed, signal),
      },
    ],
    restoreInto: (target, dump, signal, options) =>
      loadMysqlDump(config, deps, target, bytesOf(dump), signal, options),
    runScript: async (target, script, signal) => {
      await loadMysqlDump(config, deps, target, script, signal);
    },
    tablesIn: async (dump) => {
      const names: string[] = [];
      const filter = createTableFilter(new Set(), (name) => names.push(name));
      for await (const chunk of bytesOf(dump)) filter.push(chunk);
      filter.end();
      return names.map((name) => ({ name, rowsIn: [name] }));
    },
    prove: (target, like, signal) =>
      inTwo(signal, (open, another) => proveDatabase(open, another, target, like), WHOLE_TIMEOUT_MS),
    analyze: (target, signal) =>
      inTwo(signal, (open, another) => analyzeDatabase(open, another, target), WHOLE_TIMEOUT_MS),
    examine: (target, signal) =>
      inTwo(signal, (open, another) => examineDatabase(open, another, target), WHOLE_TIMEOUT_MS),
    ask: (target, question, signal) =>
      session(signal, (open) => askDatabase(open, target, question), question.timeoutMs),
    inspect: (target, signal) => session(signal, (open) => inspectDatabase(open, target), WHOLE_TIMEOUT_MS),
    sizeOf: (target, signal) => session(signal, (open) => sizeOfDatabase(open, target)),
    createDatabase: (target, signal) =>
      session(signal, async (open) => {
        // On a new server the source's database is not there yet; the dump's header brings its text attributes.
        const charset = await readDatabaseCharset(open, config).catch(() => null);
        await createDatabase(open, target, { own: config.database, charset });
        return [];
      }),
    emptyDatabase: (target, signal) => session(signal, (open) => emptyDatabase(open, target)),
    dropDatabase: (target, signal) => session(signal, (open) => dropDatabase(open, target)),
    uptime: (signal) =>
      session(signal, async (open) => {
        const [row] = await open.query("SHOW GLOBAL STATUS LIKE 'Uptime'");
        return Number(row?.Value);
      }),
    listDatabases: (prefix, signal) => session(signal, (open) => listDatabases(open, prefix)),
    swapHurdle: (keep, signal, tables = null) =>
      session(signal, (open) => findSwapHurdle(open, config.database, keep, tables)),
    planSwap: ({ fresh, keep, loaded, ofSome = false }, signal) =>
      keep === null
        ? Promise.reject(new Error(`${config.database} is not there to be swapped`))
        : session(signal, (open) => planSwap(open, config.database, { fresh, keep, loaded, ofSome })),
    swapIn: (plan, signal) =>
      session(signal, (open) => swapTables(open, (work) => session(signal, work), plan)),
    settleSwap: (plan, signal) => session(signal, (open) => settleTables(open, plan)),
  };
}

async function probe(
  config: MysqlSourceConfig,
  deps: ClientDeps,
  session: MysqlSession,
  signal: AbortSignal,
): Promise<Probe> {
  await requireSpelling(session, config.database);
  await readDatabaseCharset(session, config);
  const client = await findMysqlClient(session.flavour, 'dump', {
    processes: deps.processes,
    dirs: deps.tools.mysqlDirs,
    signal,
  });
  const contents = await readMysqlContents(session, config.database);
  const grants = await readGrants(session);
  return {
    engine: session.flavour,
    serverVersion: session.version,
    client,
    tables: contents.tables.length,
    tableNames: contents.tables,
    databaseBytes: contents.bytes,
    gaps: await findMysqlGaps(session, config, contents, grants),
    hurdles: await findMysqlHurdles(session, config.database, grants),
    lacksForProof: config.proof === 'none' ? [] : lackForProof(session, grants),
    warnings: warningsOf(contents),
  };
}

function warningsOf(contents: MysqlContents): string[] {
  const outside = contents.nonTransactional.map(({ name, engine }) => `${name} (${engine})`);
  return [
    ...(outside.length === 0
      ? []
      : [`outside the consistent snapshot, because their engine has no transactions: ${outside.join(', ')}`]),
    ...(contents.systemVersioned.length === 0
      ? []
      : [`the history of system-versioned tables is not dumped: ${contents.systemVersioned.join(', ')}`]),
  ];
}
