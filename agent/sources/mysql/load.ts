import type { MysqlSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { counted } from '../../core/units.ts';
import { loadDump } from '../client/load.ts';
import { chainFilters, createLineRewriter, type ByteFilter, type LineRule } from '../bytes/line-rewriter.ts';
import { findMysqlClient } from './clients.ts';
import { DEFINERS_BACK_RULES, watchDefiners } from './definers.ts';
import { mayNameDefiners, readGrants } from './grants.ts';
import { createHeaderFilter, type DumpHeader } from './header.ts';
import { watchLastLine, type LastLine } from './last-line.ts';
import { quoteDefiner, quoteName } from './names.ts';
import { optionFile } from './options.ts';
import { createOwnNames } from './own-names.ts';
import { unquoted } from './proof/counters.ts';
import { createTableFilter } from './sections.ts';
import { withMysqlSession, type Flavour } from './session.ts';
import type { RestoreOptions, Restored } from '../source.ts';
import type { ClientDeps } from '../tools.ts';
import { writePrivateFile } from '../private-file.ts';

const LOOK_TIMEOUT_MS = 60_000;

/** Loads a dump into `target` by the client of the server's flavour; nothing in it can reach the database that it came from. */
export async function loadMysqlDump(
  config: MysqlSourceConfig,
  deps: ClientDeps,
  target: string,
  dump: AsyncIterable<Buffer>,
  signal: AbortSignal,
  options: RestoreOptions = {},
): Promise<Restored> {
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS };
  const { flavour, encrypted, own, mayDefine } = await withMysqlSession(config, look, async (session) => ({
    flavour: session.flavour,
    encrypted: session.encrypted,
    own: quoteDefiner(session.account),
    mayDefine: mayNameDefiners(await readGrants(session)),
  }));
  const client = await findMysqlClient(flavour, 'load', {
    processes: deps.processes,
    dirs: deps.tools.mysqlDirs,
    signal,
  });
  const file = await writePrivateFile(
    deps.runtimeDir,
    '.cnf',
    optionFile(config, { flavour, encrypted, caFile: deps.tools.caFile }),
  );
  try {
    const command = {
      file: client.path,
      args: [`--defaults-file=${file.path}`, ...loadOptions(flavour), `--database=${target}`],
      env: { MYSQL_TEST_LOGIN_FILE: `${file.path}.none` },
      label: 'the load client',
      secrets: [config.password],
    };
    let lost = 0;
    const owners = options.owners ?? 'leave';
    const ownersKept = owners === 'keep' || (owners === 'where-allowed' && mayDefine);
    const stilledEvents: string[] = [];
    const filter = createLoadFilter(
      target,
      { ownersKept, tables: options.tables, replace: options.replace },
      {
        lostDefiner: (definer) => {
          if (definer !== own) lost += 1;
        },
        stilledEvent: (name) => stilledEvents.push(name),
        onTable: numbered(options),
      },
    );
    const label = `loading into ${target}`;
    const lastLine = watchLastLine();
    const loading = { label, processes: deps.processes, signal, command, filter, hints: HINTS };
    await loadDump(loading, seen(dump, lastLine));
    // The client finds nothing wrong with a dump that was cut between two statements.
    if (!lastLine.isThere()) throw cutShort(label);
    // Told only to whom can have it otherwise.
    const told = mayDefine && lost > 0;
    const note = `definers of ${counted(lost, 'object')} became comments`;
    return { notes: told ? [note] : [], warnings: [], ownersKept, stilledEvents };
  } finally {
    await file.remove();
  }
}

async function* seen(dump: AsyncIterable<Buffer>, lastLine: LastLine): AsyncGenerator<Buffer> {
  for await (const chunk of dump) {
    lastLine.push(chunk);
    yield chunk;
  }
}

function cutShort(label: string): HoldfastError {
  return new HoldfastError(
    'restore_failed',
    `${label} failed: the dump ended without its last line "-- Dump completed"`,
    { hint: 'It was cut short, and so is what was loaded: restore another snapshot.' },
  );
}

/** How many tables a dump has it does not say beforehand; chosen ones are known. */
function numbered({ tables, onTable }: RestoreOptions): ((name: string) => void) | undefined {
  if (onTable === undefined) return undefined;
  let number = 0;
  return (name) => {
    number += 1;
    onTable({ name, number, of: tables?.length ?? null });
  };
}

const HINTS: [RegExp, string][] = [
  [
    /ERROR 1418/,
    'With its binary log on, MySQL lets nobody make a function that does not say what it reads: set ' +
      'log_bin_trust_function_creators to 1 there, or declare the function DETERMINISTIC or READS SQL DATA.',
  ],
  [
    /ERROR 1419/,
    'With its binary log on, MySQL lets only administrators make triggers and functions: start it with ' +
      '--log-bin-trust-function-creators=1, or restore as an administrator.',
  ],
  [
    /ERROR 1227/,
    'To give objects back to their definers takes an administrator: restore as one, or with --no-owner.',
  ],
  [/ERROR (1044|1142|1370)/, 'The user needs ALL PRIVILEGES on the database that is restored into.'],
  [
    /ERROR 3105/,
    'This dump was made by a client of the other flavour: dump MySQL by mysqldump, MariaDB by mariadb-dump.',
  ],
  [
    /ERROR 1273/,
    'The server lacks a collation of the dump: restore into the same flavour, and no older version.',
  ],
  [
    /ERROR 1146/,
    'What it needs is not in that database: of chosen tables, a sequence from which their defaults draw, for example. Restore the ' +
      'whole dump under another name (--to NAME), and take the rows from there.',
  ],
  [
    /ERROR (1153|2006|2013)/,
    'The server ended the connection: see its log, and raise max_allowed_packet there for large rows.',
  ],
];

function loadOptions(flavour: Flavour): string[] {
  return [
    '--batch',
    // Procedures keep their comments and their line ends; client commands in a dump stay text.
    '--comments',
    '--binary-mode',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    ...(flavour === 'mariadb'
      ? // A dump can otherwise run shell commands; and an error must not print a megabyte of rows.
        ['--sandbox', '--loose-skip-print-query-on-error']
      : ['--loose-skip-system-command']),
  ];
}

/** Who wants to know what a load does with a dump. */
export interface LoadWatcher {
  /** A definer stays a comment. */
  lostDefiner?: (definer: string) => void;
  /** An event is switched off, as this is a copy. */
  stilledEvent?: (name: string) => void;
  /** The rows of a table come next. */
  onTable?: ((name: string) => void) | undefined;
}

/** Takes off the header, keeping the database's text attributes; in a copy, nothing names the original or runs by itself. */
export function createLoadFilter(
  target: string,
  options: Pick<RestoreOptions, 'tables' | 'replace'> & { ownersKept?: boolean } = {},
  { lostDefiner = () => undefined, stilledEvent = () => undefined, onTable }: LoadWatcher = {},
): ByteFilter {
  let original: DumpHeader | null = null;
  const header = createHeaderFilter((found) => {
    original = found;
    // What else is in the target stays as it is, and what is made in it later with it.
    if (options.replace === true) return '';
    return `ALTER DATABASE ${quoteName(target)} CHARACTER SET ${found.charset} COLLATE ${found.collation};\n\n`;
  });
  const isCopy = () => original !== null && original.database !== target;
  const ownNames = createOwnNames(() => (original !== null && isCopy() ? original.database : null));
  const body = createLineRewriter([
    alterDatabase(() => original, target),
    event(isCopy, stilledEvent),
    ...WITHOUT_LOCKS,
  ]);
  const chosen =
    options.tables === undefined ? header : chainFilters(header, createTableFilter(new Set(options.tables)));
  const loaded = chainFilters(chainFilters(chosen, ownNames), body);
  const definers = options.ownersKept === true ? DEFINERS_BACK_RULES : watchDefiners(lostDefiner);
  const watched = onTable === undefined ? [] : [watchRows(onTable)];
  return chainFilters(loaded, createLineRewriter([...definers, ...watched]));
}

/** Objects made under another collation are dumped between two ALTER DATABASE, which name the original. */
function alterDatabase(original: () => DumpHeader | null, target: string): LineRule {
  return {
    start: 'ALTER DATABASE `',
    rewrite: (text) => {
      const lead = `ALTER DATABASE ${latin1(quoteName(original()?.database ?? target))} CHARACTER SET `;
      if (!text.startsWith(lead)) return null;
      return { length: lead.length, by: `ALTER DATABASE ${latin1(quoteName(target))} CHARACTER SET ` };
    },
  };
}

/** Dumps of before lock each table for its rows, and its default may draw from a sequence, which would be locked out. */
const WITHOUT_LOCKS: LineRule[] = [
  {
    start: 'LOCK TABLES `',
    after: '\n--\n',
    rewrite: (text) => without(/^LOCK TABLES `(?:[^`]|``)+` WRITE;\n/.exec(text)),
  },
  {
    start: 'UNLOCK TABLES;',
    after: 'ENABLE KEYS */;',
    rewrite: (text) => without(/^UNLOCK TABLES;\n/.exec(text)),
  },
];

function without(line: RegExpExecArray | null): { length: number; by: string } | null {
  return line === null ? null : { length: line[0].length, by: '' };
}

/** An event that runs in a copy does its work twice, and may do it to the original by name. */
function event(isCopy: () => boolean, stilled: (name: string) => void): LineRule {
  return {
    start: '/*!50106 CREATE*/ ',
    after: ';;',
    rewrite: (text) => {
      const lead =
        /^[^\n]*?EVENT (`(?:[^`]|``)*`|"(?:[^"]|"")*") ON SCHEDULE [^\n]*? ON COMPLETION (?:NOT )?PRESERVE ENABLE(?= )/.exec(
          text,
        );
      if (lead?.[1] === undefined || !isCopy()) return null;
      stilled(unquoted(lead[1]));
      return { length: lead[0].length, by: lead[0].replace(/ENABLE$/, 'DISABLE') };
    },
  };
}

/** Changes nothing. */
function watchRows(seen: (name: string) => void): LineRule {
  return {
    start: '-- Dumping data for table `',
    after: '\n--',
    rewrite: (text) => {
      const quoted = /^-- Dumping data for table (`(?:[^`\n]|``)+`)\n/.exec(text)?.[1];
      if (quoted !== undefined) seen(unquoted(quoted));
      return null;
    },
  };
}

/** The rules see one character per byte. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
