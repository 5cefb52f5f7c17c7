import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../../core/errors.ts';
import type { Hurdle } from '../source.ts';
import { errorFields } from '../error-fields.ts';
import { codeOf, statementError } from './errors.ts';
import { quoteIdentifier } from './names.ts';
import type { PostgresSession } from './session.ts';

/** Two connections to a database that is neither of the two, and what is swapped. */
export interface Swap {
  /** Renames. */
  main: PostgresSession;
  /** Ends the sessions that the renaming waits for. */
  helper: PostgresSession;
  fresh: string;
  target: string;
  /** The name under which the old one stays; null where there is no old one. */
  keep: string | null;
}

const END_SESSIONS_EVERY_MS = 50;

/**
 * Renames both databases in one transaction. The first ALTER DATABASE holds the database's lock before it waits up to five seconds
 * for sessions in it to end, so that from then on who connects waits, and whoever is in it is ended meanwhile: no
 * setting keeps others out, and nothing has to be put right when the agent dies.
 */
export async function swapDatabases({ main, helper, fresh, target, keep }: Swap): Promise<void> {
  try {
    await main.query('BEGIN');
    if (keep !== null) {
      const rename = main.query(
        `ALTER DATABASE ${quoteIdentifier(target)} RENAME TO ${quoteIdentifier(keep)}`,
      );
      await endSessionsUntil(rename, helper, target);
    }
    await main.query(`ALTER DATABASE ${quoteIdentifier(fresh)} RENAME TO ${quoteIdentifier(target)}`);
    await main.query('COMMIT');
  } catch (error) {
    await main.query('ROLLBACK').catch(() => undefined);
    throw refusal(error, main, target);
  }
}

async function endSessionsUntil(
  rename: Promise<unknown>,
  helper: PostgresSession,
  database: string,
): Promise<void> {
  let settled = false;
  const done = rename.finally(() => (settled = true));
  // Told below, after the helper's own complaint.
  done.catch(() => undefined);
  const isSettled = () => settled;
  while (!isSettled()) {
    try {
      // A worker of autovacuum, which is nobody's, ends by itself for the rename, and none but a superuser may end it.
      await helper.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usesysid IS NOT NULL',
        [database],
      );
    } catch (error) {
      await done.catch(() => undefined);
      throw error;
    }
    await Promise.race([done.catch(() => undefined), delay(END_SESSIONS_EVERY_MS)]);
  }
  await done;
}

function refusal(error: unknown, session: PostgresSession, target: string): HoldfastError {
  const what = `cannot put the restored database in the place of ${target}`;
  if (codeOf(error) === DENIED && errorFields(error).message.includes('terminate')) {
    return new HoldfastError('rights_missing', `${what}: ${errorFields(error).message}`, {
      hint: `Somebody is connected to it whom ${session.user} may not disconnect: restore as a superuser, or run as one GRANT pg_signal_backend TO ${quoteIdentifier(session.user)}; which is enough for sessions of all but superusers.`,
      cause: error,
    });
  }
  if (codeOf(error) === OBJECT_IN_USE) {
    return new HoldfastError('restore_failed', `${what}: somebody stays connected to it`, {
      hint: 'Stop what is connected to it, replication slots and prepared transactions included, and restore again.',
      cause: error,
    });
  }
  return statementError(error, what, null);
}

const OBJECT_IN_USE = '55006';
const DENIED = '42501';

/** Whether whoever is no superuser may give the setting in `c` to a database: a parameter that is not known there may be any kind's. */
function maySet(major: number): string {
  const name = `lower(split_part(c, '=', 1))`;
  const granted = major >= 15 ? `OR has_parameter_privilege(${name}, 'SET')` : '';
  return `(EXISTS (SELECT FROM pg_settings p WHERE lower(p.name) = ${name} AND p.context = 'user') ${granted})`;
}

/** What would end a swap of `target` by this user, found out before anything is done. */
export async function findSwapHurdle(session: PostgresSession, target: string): Promise<Hurdle | null> {
  const [row] = await session.query(
    `SELECT r.rolsuper AS super, r.rolcreatedb AS creates, pg_has_role(d.datdba, 'USAGE') AS owns,
      d.datistemplate AS template,
      EXISTS (SELECT FROM pg_replication_slots s WHERE s.database = d.datname) AS slots,
      EXISTS (SELECT FROM pg_subscription s WHERE s.subdbid = d.oid) AS subscribes,
      EXISTS (SELECT FROM pg_prepared_xacts x WHERE x.database = d.datname) AS prepared,
      EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole NOT IN (0, r.oid)) AS settings,
      (SELECT min(split_part(c, '=', 1)) FROM pg_db_role_setting s, unnest(s.setconfig) c
        WHERE s.setdatabase = d.oid AND s.setrole IN (0, r.oid) AND NOT ${maySet(session.major)}) AS "superusersSetting",
      EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname AND a.usesysid IS NOT NULL
        AND NOT pg_has_role(a.usesysid, 'USAGE') AND NOT pg_has_role('pg_signal_backend', 'USAGE')) AS foreign_sessions,
      EXISTS (SELECT FROM pg_stat_activity a JOIN pg_roles s ON s.oid = a.usesysid
        WHERE a.datname = d.datname AND s.rolsuper) AS superusers
      FROM pg_database d, pg_roles r WHERE d.datname = $1 AND r.rolname = current_user`,
    [target],
  );
  if (row === undefined) return null;
  const name = quoteIdentifier(target);
  const user = quoteIdentifier(session.user);
  const mended = (detail: string, sql: string) => ({ detail, mend: `Run as an administrator: ${sql}` });
  if (row.template === true)
    return { detail: `${target} is a template`, mend: `Restore into a new database with --to.` };
  if (row.slots === true || row.subscribes === true) {
    const detail = `${target} takes part in logical replication, which would stay with the old one`;
    return { detail, mend: 'Drop its slots and subscriptions first, and make them anew afterwards.' };
  }
  if (row.prepared === true) {
    return {
      detail: `${target} holds prepared transactions`,
      mend: 'Commit them or roll them back (SELECT * FROM pg_prepared_xacts).',
    };
  }
  if (row.super === true) return null;
  if (row.owns !== true)
    return mended(`${session.user} does not own ${target}`, `ALTER DATABASE ${name} OWNER TO ${user};`);
  if (row.creates !== true)
    return mended(`${session.user} may not make databases`, `ALTER ROLE ${user} CREATEDB;`);
  if (row.settings === true) {
    return {
      detail: `roles have settings of their own in ${target}`,
      mend: 'Restore as a superuser, who may set them in the new one.',
    };
  }
  if (typeof row.superusersSetting === 'string') {
    const setting = row.superusersSetting;
    const detail = `${target} has the setting ${setting}, which ${session.user} may not give to a new one`;
    const called = setting.split('.').map(quoteIdentifier).join('.');
    return session.major >= 15
      ? mended(detail, `GRANT SET ON PARAMETER ${called} TO ${user};`)
      : { detail, mend: 'Restore as a superuser, who may.' };
  }
  if (row.superusers === true) {
    const detail = `a superuser is connected to ${target}, whom ${session.user} may not disconnect`;
    return { detail, mend: 'End that session first, or restore as a superuser.' };
  }
  if (row.foreign_sessions === true) {
    return mended(
      `${session.user} may not end the sessions of others in ${target}`,
      `GRANT pg_signal_backend TO ${user};`,
    );
  }
  return null;
}
