import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import type { Owners, Restored } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { inOneSession, type Hold } from '../at-once/one-session.ts';
import { withoutDefaultPrivileges } from '../default-privileges.ts';
import { codeOf, statementError } from '../errors.ts';
import type { PreparedLoad } from '../prepare-load.ts';
import type { PostgresSession } from '../session.ts';
import { addressOf, nameOf, partitionTies } from './partitions.ts';
import { publicationTies, refuseSubscribed } from './publications.ts';

interface Order {
  target: string;
  /** Of the tables alone. */
  load: PreparedLoad;
  owners: Owners;
}

/**
 * Replaces tables of a database by those of a dump in one transaction: drops them, lets pg_restore load theirs on the same connection, and ties
 * them again to what stays: parents of partitions, publications. They are replaced as a whole or are what they were.
 */
export async function replaceTables(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  order: Order,
  signal: AbortSignal,
): Promise<Restored> {
  const { target, load } = order;
  return inOneSession(config, deps, { database: target, load }, signal, async (session, hold) => {
    try {
      return await replaceWithin(session, deps, order, hold);
    } catch (error) {
      await session.query('ROLLBACK').catch(() => undefined);
      throw error instanceof HoldfastError ? error : refusal(target, 'replace tables', error);
    }
  });
}

async function replaceWithin(
  session: PostgresSession,
  { runtimeDir }: ClientDeps,
  { target, owners }: Order,
  { load, onCommit }: Hold,
): Promise<Restored> {
  const [entries, all] = [load.entries ?? [], load.all ?? []];
  const tables = entries.filter(({ kind }) => kind === 'TABLE');
  const attempt = (what: string, work: () => Promise<unknown>) =>
    work().catch((error: unknown) => {
      throw refusal(target, what, error);
    });
  await session.query('BEGIN');
  await session.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
  await refuseSubscribed(session, tables);
  const { ties, notes } = await partitionTies(session, tables, all);
  ties.push(...(await publicationTies(session, tables, all)));
  const names = tables.map(nameOf).join(', ');
  await attempt(`drop ${names}`, () => drop(session, entries));
  const lend = () => session.lend(runtimeDir, (way) => load.run(way));
  // Whoever asks for no rights of the dump's gets those that are given here to whatever is new; nobody else does.
  const restored =
    owners === 'leave'
      ? await lend()
      : await withoutDefaultPrivileges(
          session,
          tables.map(({ schema }) => schema),
          lend,
        );
  await session.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
  for (const { statement, what } of ties) await attempt(`keep ${what}`, () => session.query(statement));
  onCommit();
  await session.query('COMMIT');
  return { ...restored, notes: [...notes, ...restored.notes] };
}

/** Everybody who wants to read the table waits behind who waits for it. */
const LOCK_TIMEOUT = '10s';

/** Sequences of theirs that nothing owns do not go with them. */
async function drop(session: PostgresSession, entries: WholeEntry[]): Promise<void> {
  for (const kind of ['TABLE', 'SEQUENCE']) {
    const addresses = entries.filter((entry) => entry.kind === kind).map(addressOf);
    if (addresses.length > 0) await session.query(`DROP ${kind} IF EXISTS ${addresses.join(', ')}`);
  }
}

function refusal(target: string, what: string, error: unknown): HoldfastError {
  const told = statementError(error, `cannot ${what} in ${target}`, null);
  if (told.kind === 'source_unreachable') return told;
  const { detail } = (error ?? {}) as { detail?: unknown };
  const why = typeof detail === 'string' ? ` (${detail.replaceAll('\n', '; ')})` : '';
  return new HoldfastError(
    told.kind === 'failed' ? 'restore_failed' : told.kind,
    `${told.message}${why}; nothing was changed`,
    { hint: HINTS[codeOf(error)] ?? BESIDE, cause: error },
  );
}

const BESIDE = 'Restore the tables beside with --to, and copy the rows.';
const STOP = 'stop what uses the tables, prepared transactions included, and restore again.';

const HINTS: Record<string, string> = {
  /** dependent_objects_still_exist */
  '2BP01': `A view or a foreign key of another table depends on it: drop that first and make it anew afterwards. Or: ${BESIDE}`,
  /** insufficient_privilege */
  '42501': 'Restore as the owner of that, or as a superuser.',
  /** lock_not_available */
  '55P03': `Somebody has used a table there for ${LOCK_TIMEOUT} without a pause: ${STOP}`,
  /** deadlock_detected */
  '40P01': `Somebody used one table there and waited for another: ${STOP}`,
};
