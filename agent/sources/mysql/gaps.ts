import type { MysqlSourceConfig } from '../../config/config.ts';
import type { GapName } from '../../core/glossary.ts';
import { emptyMend } from '../accept-gaps.ts';
import { errorFields } from '../error-fields.ts';
import { isConnectionLost } from './errors.ts';
import { quoteAccount, quotePattern, quoteName } from './names.ts';
import type { MysqlGrants } from './grants.ts';
import type { MysqlContents } from './contents.ts';
import type { MysqlSession } from './session.ts';
import { atLeast } from './version.ts';
import type { Gap } from '../source.ts';

/**
 * What a dump by this account would lack. A dump user with too few rights gives a smaller dump that ends well, and the
 * server hides from that user what is missing: only the grants can tell.
 */
export async function findMysqlGaps(
  session: MysqlSession,
  config: MysqlSourceConfig,
  contents: MysqlContents,
  grants: MysqlGrants,
): Promise<Gap[]> {
  const look: Look = { session, config, contents, grants };
  const gaps = [
    tables(look),
    triggers(look),
    events(look),
    await views(look),
    await routines(look),
    empty(look),
  ];
  return gaps.filter((gap) => gap !== null);
}

interface Look {
  session: MysqlSession;
  config: MysqlSourceConfig;
  contents: MysqlContents;
  grants: MysqlGrants;
}

function tables(look: Look): Gap | null {
  const { grants, config } = look;
  if (grants.onDatabase('SELECT', config.database)) return null;
  const unreadable = look.contents.tables.filter(
    (table) => !grants.onTable('SELECT', config.database, table),
  );
  const detail =
    unreadable.length === 0
      ? `tables of ${config.database} beyond those granted one by one would be invisible to ${config.user}`
      : `${listed(unreadable)} of ${config.database} cannot be read by ${config.user}`;
  return {
    ...gap(look, 'tables', detail, `SELECT ON ${quotePattern(config.database)}.*`),
    objects: unreadable,
  };
}

function triggers(look: Look): Gap | null {
  const { grants, config, contents } = look;
  // A table that cannot be read is the gap `tables` already; a trigger shows to whom has TRIGGER on its table.
  const all =
    grants.onDatabase('TRIGGER', config.database) ||
    (contents.tables.length > 0 &&
      contents.tables.every((table) => grants.onTable('TRIGGER', config.database, table)));
  if (all) return null;
  const detail = `triggers of ${config.database} are invisible to ${config.user}`;
  return gap(look, 'triggers', detail, `TRIGGER ON ${quotePattern(config.database)}.*`);
}

function events(look: Look): Gap | null {
  const { grants, config } = look;
  if (grants.onDatabase('EVENT', config.database)) return null;
  const detail = `events of ${config.database} are invisible to ${config.user}`;
  return gap(look, 'events', detail, `EVENT ON ${quotePattern(config.database)}.*`);
}

/**
 * Asks for each view what the dump client will ask; one that does not answer ends the client. Rights are not all that
 * a view may lack: it may call a function that this account may not execute, or read a table that is gone.
 */
async function views(look: Look): Promise<Gap | null> {
  const broken: { name: string; error: unknown }[] = [];
  for (const name of look.contents.views) {
    const view = `${quoteName(look.config.database)}.${quoteName(name)}`;
    try {
      await look.session.query(`SHOW CREATE VIEW ${view}`);
      await look.session.query(`SHOW FIELDS FROM ${view}`);
    } catch (error) {
      if (isConnectionLost(error)) throw error;
      broken.push({ name, error });
    }
  }
  const [first] = broken;
  if (first === undefined) return null;
  const names = broken.map(({ name }) => name);
  const { code, message } = errorFields(first.error);
  const detail = `${listed(names)} of ${look.config.database} cannot be dumped by ${look.config.user}: ${message}`;
  return {
    ...gap(look, 'views', detail, viewRight(look, code)),
    objects: names,
    // MariaDB and MySQL say the same of a definer that lacks a right: to whoever dumps, it is the same.
    ...(broken.every(({ error }) => errorFields(error).code === INVALID) ? { damaged: true } : {}),
    ...mendForBroken(look, first.name, code),
  };
}

function viewRight(look: Look, code: string): string {
  const right = code === 'ER_PROCACCESS_DENIED_ERROR' ? 'SELECT, SHOW VIEW, EXECUTE' : 'SELECT, SHOW VIEW';
  return `${right} ON ${quotePattern(look.config.database)}.*`;
}

const INVALID = 'ER_VIEW_INVALID';

function mendForBroken(look: Look, view: string, code: string): { mend?: string } {
  if (code !== INVALID) return {};
  return {
    mend: `DROP VIEW ${quoteName(look.config.database)}.${quoteName(view)}; -- or mend what it refers to`,
  };
}

/**
 * The names of all routines show to whom has any right on all of them; their text only to whom has a right of the whole
 * server, or defined them. So an account that owns its database and all that is in it needs nothing more.
 */
async function routines(look: Look): Promise<Gap | null> {
  const { session, config, grants, contents } = look;
  if (readsAllRoutines(look)) return null;
  const seesAllNames = ['EXECUTE', 'ALTER ROUTINE', 'CREATE ROUTINE'].some((privilege) =>
    grants.onDatabase(privilege, config.database),
  );
  const hidden = contents.routines.filter((routine) => !routine.readable).map((routine) => routine.name);
  if (seesAllNames && hidden.length === 0) return null;
  const detail = seesAllNames
    ? `the text of ${listed(hidden)} of ${config.database} is invisible to ${config.user}, who did not define it`
    : `procedures and functions of ${config.database} are invisible to ${config.user}`;
  return gap(look, 'routines', detail, routineRight(session, config.database));
}

function readsAllRoutines({ session, config, grants }: Look): boolean {
  if (session.flavour === 'mysql' && atLeast(session.version, 8, 0)) {
    return grants.globally('SELECT') || grants.globally('SHOW_ROUTINE');
  }
  if (grants.onTable('SELECT', 'mysql', 'proc')) return true;
  // Older servers do not know the right, so that ALL does not include it there.
  return knowsShowCreateRoutine(session) && grants.onDatabase('SHOW CREATE ROUTINE', config.database);
}

function routineRight(session: MysqlSession, database: string): string {
  if (session.flavour === 'mysql') {
    if (atLeast(session.version, 8, 0, 20)) return 'SHOW_ROUTINE ON *.*';
    return atLeast(session.version, 8, 0) ? 'SELECT ON *.*' : 'SELECT ON `mysql`.`proc`';
  }
  return knowsShowCreateRoutine(session)
    ? `SHOW CREATE ROUTINE ON ${quotePattern(database)}.*`
    : 'SELECT ON `mysql`.`proc`';
}

function knowsShowCreateRoutine(session: MysqlSession): boolean {
  return session.flavour === 'mariadb' && atLeast(session.version, 11, 3);
}

function empty({ config, contents }: Look): Gap | null {
  if (contents.tables.length > 0) return null;
  return {
    name: 'empty',
    detail: `${config.database} holds no tables that ${config.user} can see`,
    mend: emptyMend(config),
  };
}

function gap(look: Look, name: GapName, detail: string, right: string): Gap {
  return { name, detail, mend: `GRANT ${right} TO ${quoteAccount(look.session.account)};` };
}

/** At most three names, and how many more. */
function listed(names: string[]): string {
  const shown = names.slice(0, 3).map(quoteName).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
