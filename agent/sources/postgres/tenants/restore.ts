import type { TenantsConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { errorFields } from '../../error-fields.ts';
import type { TenantOrder, TenantRestored } from '../../tenants.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { withLockHint } from '../at-once/lock-room.ts';
import { withoutDefaultPrivileges } from '../default-privileges.ts';
import { statementError } from '../errors.ts';
import { quoteIdentifier } from '../names.ts';
import type { OpenArchive } from '../open-archive.ts';
import { readInOneWay } from '../proof/snapshot.ts';
import type { PostgresSession } from '../session.ts';
import { analyzeSchema } from './analyze.ts';
import { chooseSchema, isRemarkOn, type SchemaEntries } from './choose.ts';
import { loadEntries, loadScript, prepareToLoad } from './load.ts';
import { allThere, missingNeeds, missingOfPrelude, requireRecorded, told } from './needs.ts';
import { mayKeepOwners } from './owners.ts';
import { leaveParents } from './parents.ts';
import { makePlace, takePlace, type Place } from './place.ts';
import { preludeEntries, remarksOn } from './prelude-entries.ts';
import { readRest, readRows } from './read-back.ts';
import { requireUtf8 } from './utf8.ts';

/**
 * Restores one schema of an archive in one transaction: renames the one that is there, loads the archive's under the name that it always
 * had, so that every text in it means what it meant, reads it back, and commits. Until then nobody else sees any of it. From `onCommit` on it
 * is done or not done, and nobody may stop in between to ask which.
 */
export async function restoreTenant(
  session: PostgresSession,
  archive: OpenArchive,
  order: TenantOrder,
  { afterRestore, onCommit }: Pick<TenantsConfig, 'afterRestore'> & { onCommit: () => void },
): Promise<TenantRestored> {
  requireUtf8(archive.entries, 'restore_failed');
  const chosen = chooseSchema(archive.entries, order.schema);
  const owners = await mayKeepOwners(session, chosen.own, order.owners);
  await readInOneWay(session);
  const prelude = await whatMayBeMissing(session, order);
  await session.query('BEGIN');
  try {
    await session.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    const place = await makePlace(session, order);
    const loading = () => load(session, archive, order, { chosen, owners, prelude, place });
    const schemas = [...chosen.own, ...chosen.needed, ...(prelude ?? [])].map((entry) => entry.schema);
    // Whoever asks for no rights of the dump's gets those that are given here to whatever is new; nobody else does.
    const { read, warnings } =
      order.owners === 'leave' ? await loading() : await withoutDefaultPrivileges(session, schemas, loading);
    order.onStep('comparing it with what was backed up');
    order.judge(read);
    const rights = await takePlace(session, order, place);
    if (afterRestore !== null) await callHook(session, afterRestore, order.into.id);
    if (order.forGood) await commit(session, order, place, onCommit);
    else await session.query('ROLLBACK');
    return {
      tables: read.tables.length,
      rows: read.tables.reduce((total, { rows }) => total + rows, 0),
      replaced: place.replaces && order.forGood,
      ownersKept: owners,
      warnings: [...warnings, ...rights, ...leftOutside(chosen)],
    };
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw refusal(session, order, await withLockHint(session, chosen.own, error));
  }
}

/** For a foreign key into a shared table, whose writers wait behind it meanwhile. */
const LOCK_TIMEOUT = '10s';

/** Of a dump of the schema alone; null where nothing is known of it. It is not fetched where all that is needed is there. */
async function whatMayBeMissing(
  session: PostgresSession,
  { schema, proof, alone }: TenantOrder,
): Promise<WholeEntry[] | null> {
  if (alone === null) return null;
  if (proof?.withNeeds === true) {
    await session.query('BEGIN');
    const nothing = await allThere(session, schema, proof).finally(() => session.query('ROLLBACK'));
    if (nothing) return [];
  }
  const script = await alone.prelude();
  return script === null ? null : preludeEntries(script);
}

async function load(
  session: PostgresSession,
  archive: OpenArchive,
  { schema, proof, alone, keep, owners: asked, onStep }: TenantOrder,
  { chosen, owners, prelude, place }: Loading,
) {
  onStep(`loading ${schema}`);
  // What a dump of the schema alone has not stands in its prelude and its proof.
  const needs = await missingNeeds(session, chosen.needed, alone === null ? proof : null);
  const lacking = await missingOfPrelude(session, prelude ?? []);
  await prepareToLoad(session);
  const toMake = [...lacking, ...remarksOn(lacking, prelude ?? [])];
  const theirs = owners && (await mayKeepOwners(session, toMake, asked));
  await loadScript(session, toMake, { owners: theirs });
  const warnings = [
    ...(alone === null || proof === null
      ? needs.warnings
      : await requireRecorded(session, schema, { proof, prelude })),
    ...(owners && !theirs ? ownersLeft(session, lacking) : []),
  ];
  const { first, last } = inTwo(archive.entries, chosen, needs.missing);
  await loadEntries(session, archive, first, { owners });
  // Other names are told with their schema; a new one has no statistics, and its first queries would be planned blindly.
  await session.query('SET LOCAL search_path = pg_catalog');
  onStep(`reading ${schema} back`);
  const tables = await readRows(session, schema, proof);
  if (place.replaces) await leaveParents(session, keep);
  await loadEntries(session, archive, last, { owners });
  await analyzeSchema(session, schema);
  return { read: await readRest(session, schema, { tables, like: proof }), warnings };
}

interface Loading {
  chosen: SchemaEntries;
  owners: boolean;
  prelude: WholeEntry[] | null;
  place: Place;
}

/**
 * In the archive's order; last what locks tables that all share until the transaction ends, which is to be short: foreign keys into them,
 * partitions of them, and what speaks of these.
 */
function inTwo(entries: WholeEntry[], { own, needed }: SchemaEntries, missing: WholeEntry[]) {
  const outside = new Set(needed.map(({ id }) => id));
  const made = new Set(missing.map(({ id }) => id));
  const ids = new Set([...own.map(({ id }) => id), ...made]);
  const all = entries.filter((entry) => ids.has(entry.id) || isRemarkOn(entry, made));
  // Both tables are named by what attaches one to the other; a dump of the schema alone has one of them.
  const attaches = ({ kind, dependencies }: WholeEntry) =>
    kind === 'TABLE ATTACH' && dependencies.filter((id) => ids.has(id)).length < 2;
  const isChild = all.some(attaches);
  const leadsOut = (entry: WholeEntry) =>
    attaches(entry) ||
    // An index is attached when its table is.
    (isChild && entry.kind === 'INDEX ATTACH') ||
    (entry.kind === 'FK CONSTRAINT' && entry.dependencies.some((id) => outside.has(id)));
  const late = new Set(all.filter(leadsOut).map(({ id }) => id));
  for (const { id, dependencies } of all) if (dependencies.some((other) => late.has(other))) late.add(id);
  return { first: all.filter(({ id }) => !late.has(id)), last: all.filter(({ id }) => late.has(id)) };
}

async function callHook(session: PostgresSession, sql: string, id: string): Promise<void> {
  await session.query('SET LOCAL search_path = "$user", public');
  // Off, to see every row while comparing: policies that apply to the user would be an error and not a rule.
  await session.query('SET LOCAL row_security = on');
  try {
    await session.query(sql, sql.includes('$1') ? [id] : []);
  } catch (error) {
    const other = statementError(error, '', null);
    if (other.kind === 'source_unreachable') throw error;
    throw new HoldfastError(
      'restore_failed',
      `after_restore failed: ${errorFields(error).message}; nothing was changed`,
      {
        hint: 'Mend tenants.after_restore in the configuration, or take it out, and restore again.',
        cause: error,
      },
    );
  }
}

async function commit(
  session: PostgresSession,
  { into, keep, onStep }: TenantOrder,
  { replaces }: Place,
  onCommit: () => void,
): Promise<void> {
  onStep(`putting it in the place of ${into.schema}`);
  onCommit();
  try {
    await session.query('COMMIT');
  } catch (error) {
    const what = `the connection was lost as ${into.schema} was put in place`;
    const told = statementError(error, what, null);
    if (told.kind !== 'source_unreachable') throw error;
    throw new HoldfastError('source_unreachable', told.message, {
      hint: replaces
        ? `It is in place if there is a schema "${keep}" now, and nothing has happened otherwise.`
        : `It is in place if the schema is there now, and nothing has happened otherwise.`,
      cause: error,
    });
  }
}

function refusal(session: PostgresSession, { schema }: TenantOrder, error: unknown): HoldfastError {
  const told = statementError(error, `cannot restore the schema "${schema}"`, null);
  if (told.kind !== 'rights_missing' || told.hint !== undefined) return told;
  return new HoldfastError('rights_missing', `${told.message}; nothing was changed`, {
    hint: `Restore as a superuser, or as the owner of the schema, who needs this as well: GRANT CREATE ON DATABASE ${quoteIdentifier(session.database)} TO ${quoteIdentifier(session.user)}; (docs/security.md).`,
    cause: error,
  });
}

/** Of what was made outside of the schema: whoever may give the schema to its owner may not give these to theirs. */
function ownersLeft({ user }: PostgresSession, [first, ...more]: WholeEntry[]): string[] {
  if (first === undefined) return [];
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return [
    `${told(first)}${others}, which the schema needs, was made and belongs to ${user}, and rights that others had on it are gone: only a superuser, or a member of every role that owned it, can restore both`,
  ];
}

/** What the dump has elsewhere that builds on the tenant. */
function leftOutside({ dependents }: SchemaEntries): string[] {
  const [first, ...more] = dependents;
  if (first === undefined) return [];
  return [
    `${told(first)}${more.length === 0 ? '' : ` and ${more.length} more`} outside of the schema builds on it in the backup and is not restored with it`,
  ];
}
