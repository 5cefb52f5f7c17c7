import { HoldfastError } from '../../../core/errors.ts';
import { errorFields } from '../../error-fields.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { codeOf, statementError } from '../errors.ts';
import { quoteIdentifier, quoteLiteral } from '../names.ts';
import type { OpenArchive } from '../open-archive.ts';
import { statementsOf } from '../script-reader.ts';
import type { PostgresSession } from '../session.ts';
import { told } from './needs.ts';

/**
 * Does with entries of an archive what pg_restore does, in the transaction that the session is in: definitions and rows in the order
 * of the archive, then rights, then materialized views. Throws `restore_failed` that names the entry on which the server stopped.
 */
export async function loadEntries(
  session: PostgresSession,
  archive: OpenArchive,
  entries: WholeEntry[],
  { owners }: { owners: boolean },
): Promise<void> {
  for (const entry of inLoadingOrder(entries, { owners }))
    await loadEntry(session, archive, entry, { owners });
}

/**
 * Like it, of what a script makes, which has no rows: each statement is sent by itself, and the server refuses one that is several. Text that
 * was taken for a statement's end ends nothing.
 */
export async function loadScript(
  session: PostgresSession,
  entries: WholeEntry[],
  { owners }: { owners: boolean },
): Promise<void> {
  const run = async ({ definition }: WholeEntry) => {
    for (const statement of statementsOf(definition)) await session.queryOne(statement);
  };
  for (const entry of inLoadingOrder(entries, { owners })) await make(session, entry, { owners, run });
}

/** The order in which entries are loaded, without rights where owners are not kept. */
export function inLoadingOrder(entries: WholeEntry[], { owners }: { owners: boolean }): WholeEntry[] {
  return [
    ...entries.filter(({ kind }) => !LATER.has(kind)),
    ...(owners ? entries.filter(({ kind }) => RIGHTS.has(kind)) : []),
    ...entries.filter(({ kind }) => kind === REFRESH),
  ];
}

/** One of them, in the transaction that the session is in. */
export async function loadEntry(
  session: PostgresSession,
  archive: Pick<OpenArchive, 'rowsOf'>,
  entry: WholeEntry,
  { owners }: { owners: boolean },
): Promise<void> {
  if (entry.hasData) await attempt(session, entry, () => session.copyIn(entry.copy, archive.rowsOf(entry)));
  else await make(session, entry, { owners, run: ({ definition }) => session.query(definition) });
}

/** The settings that pg_restore loads under, for the transaction that the session is in or for all of the session. */
export async function prepareToLoad(
  session: PostgresSession,
  { scope }: { scope: 'LOCAL' | 'SESSION' } = { scope: 'LOCAL' },
): Promise<void> {
  const settings = [
    "search_path = ''",
    'check_function_bodies = false',
    'xmloption = content',
    'client_min_messages = warning',
    'row_security = off',
  ];
  for (const setting of settings) await session.query(`SET ${scope} ${setting}`);
}

/** Rights come when everything is there; a materialized view is filled by who may read what it reads. */
const RIGHTS = new Set(['ACL', 'DEFAULT ACL']);
const REFRESH = 'MATERIALIZED VIEW DATA';
const LATER = new Set([...RIGHTS, REFRESH]);

async function make(
  session: PostgresSession,
  entry: WholeEntry,
  { owners, run }: { owners: boolean; run: (entry: WholeEntry) => Promise<unknown> },
): Promise<void> {
  if (entry.definition === '') return;
  await attempt(session, entry, async () => {
    if (HAS_PLACE.has(entry.kind)) {
      await session.query(`SET LOCAL default_tablespace = ${quoteLiteral(entry.tablespace)}`);
      const method = entry.accessMethod === '' ? 'heap' : entry.accessMethod;
      await session.query(`SET LOCAL default_table_access_method = ${quoteLiteral(method)}`);
    }
    await run(entry);
    const address = owners && entry.owner !== '' ? addressOf(entry) : null;
    if (address !== null) await session.query(`ALTER ${address} OWNER TO ${quoteIdentifier(entry.owner)}`);
  });
}

const HAS_PLACE = new Set(['CONSTRAINT', 'INDEX', 'MATERIALIZED VIEW', 'TABLE']);

/** What has an owner, as ALTER names it; null for what belongs to whom its table belongs. */
function addressOf({ kind, schema, tag, drop }: WholeEntry): string | null {
  if (kind === 'SCHEMA') return `SCHEMA ${quoteIdentifier(tag)}`;
  if (BY_NAME.has(kind)) return `${kind} ${quoteIdentifier(schema)}.${quoteIdentifier(tag)}`;
  // Its arguments belong to its name.
  return BY_DROP.has(kind)
    ? drop
        .trim()
        .replace(/^DROP /, '')
        .replace(/;$/, '')
    : null;
}

const BY_NAME = new Set([
  'COLLATION',
  'CONVERSION',
  'DOMAIN',
  'FOREIGN TABLE',
  'MATERIALIZED VIEW',
  'SEQUENCE',
  'STATISTICS',
  'TABLE',
  'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY',
  'TYPE',
  'VIEW',
]);
const BY_DROP = new Set([
  'AGGREGATE',
  'FUNCTION',
  'OPERATOR',
  'OPERATOR CLASS',
  'OPERATOR FAMILY',
  'PROCEDURE',
]);

async function attempt(
  session: PostgresSession,
  entry: WholeEntry,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw refusal(session, entry, error);
  }
}

function refusal(session: PostgresSession, entry: WholeEntry, error: unknown): HoldfastError {
  const { message } = errorFields(error);
  const what = `cannot restore ${told(entry)}`;
  const other = statementError(error, what, null);
  if (other.kind === 'source_unreachable') return other;
  if (other.kind === 'rights_missing')
    return new HoldfastError('rights_missing', other.message, {
      hint: `Run as an administrator of the server: GRANT CREATE ON DATABASE ${quoteIdentifier(session.database)} TO ${quoteIdentifier(session.user)}; or restore as a superuser.`,
      cause: error,
    });
  const code = codeOf(error);
  const hint =
    code === UNDEFINED
      ? hintOfUndefined(entry)
      : code === OVERLAPS && entry.kind === 'TABLE ATTACH'
        ? ONE_PARTITION
        : HINTS[code];
  return new HoldfastError('restore_failed', `${what}: ${message}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** undefined_object: a role, among others, and only what is of roles says which. */
const UNDEFINED = '42704';

function hintOfUndefined({ kind, definition }: WholeEntry): string | undefined {
  if (NAMES_ROLES.has(kind)) {
    return 'Roles are not made by this restore: load the globals of the backup first (docs/runbook.md), or restore with --no-owner.';
  }
  const [, publication] = /^ALTER PUBLICATION ((?:"(?:[^"]|"")*"|[^\s"])+) ADD /.exec(definition) ?? [];
  return publication === undefined
    ? undefined
    : `Publications are not made by this restore: make it first, with the options that it had and nothing in it (CREATE PUBLICATION ${publication};), and what is the tenant's comes into it.`;
}

/** invalid_object_definition */
const OVERLAPS = '42P17';
const ONE_PARTITION =
  'A table that all tenants share has one partition for these rows, and another table is that already: restore the tenant as itself, or into another database with --to; or detach that one first (ALTER TABLE … DETACH PARTITION …).';

const NAMES_ROLES = new Set(['ACL', 'DEFAULT ACL', 'POLICY']);

/** By SQLSTATE: a foreign key, a lock. */
const HINTS: Record<string, string> = {
  '23503':
    'Rows of tables that all tenants share are gone since the backup, and this tenant needs them: put them back first.',
  '55P03': 'Somebody holds a lock on a table that all tenants share: restore again when it is free.',
};
