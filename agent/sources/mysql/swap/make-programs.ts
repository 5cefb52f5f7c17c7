import { errorFields } from '../../error-fields.ts';
import { quoteDefiner, quoteName } from '../names.ts';
import { charsetOf } from './plan.ts';
import type { MysqlSession } from '../session.ts';
import {
  definerOf,
  eventIn,
  movedFrom,
  PROGRAM_KINDS,
  readPrograms,
  withoutDefiner,
  type Program,
} from './programs.ts';

/** One that could not be made, and what the server said. */
export interface Missing {
  program: Program;
  error: unknown;
}

/**
 * Makes the views, routines, triggers and events of a database those that are wanted, and leaves alone which of them are so
 * already: who uses these notices nothing, and keeps the rights on them. Events run where they are `enabled`. `ofTables`: the
 * triggers of these alone, and nothing else is looked at. Returns those that could not be made. May be called again.
 */
export async function makeProgramsAlike(
  session: MysqlSession,
  database: string,
  wanted: Program[],
  ofTables: string[] | null = null,
): Promise<Missing[]> {
  const found = await readPrograms(session, database, ofTables);
  for (const kind of [...PROGRAM_KINDS].reverse()) {
    for (const { name } of found.filter((program) => program.kind === kind && !has(wanted, program)))
      await session.query(`DROP ${kind} IF EXISTS ${quoteName(name)}`);
  }
  const isThere = (program: Program) =>
    found.some((other) => same(other, program, { database, account: session.account }));
  const missing = wanted.filter((program) => !isThere(program));
  const { collation } = await charsetOf(session, database);
  const failed: Missing[] = [];
  for (const kind of PROGRAM_KINDS) {
    const ofKind = missing.filter((program) => program.kind === kind);
    failed.push(...(await makeInAnyOrder(session, { database, collation }, ofKind)));
  }
  return failed;
}

/** Makes one in the session's database; what stood there under its name gives way. */
export async function makeProgram(session: MysqlSession, program: Program): Promise<void> {
  const { kind, name, create, enabled } = program;
  if (create === null) throw new Error(`its definition is not known`);
  const text = kind === 'EVENT' && enabled ? eventIn('ENABLE', create) : create;
  // MySQL has no OR REPLACE but for views.
  const replaces = session.flavour === 'mariadb' || kind === 'VIEW';
  if (!replaces) await session.query(`DROP ${kind} IF EXISTS ${quoteName(name)}`);
  await madeUnder(session, program, () =>
    session.query(replaces ? text.replace(/^CREATE /, 'CREATE OR REPLACE ') : text),
  );
}

/** Views stand on views: what fails is tried again as long as others succeed. */
async function makeInAnyOrder(
  session: MysqlSession,
  where: { database: string; collation: string },
  programs: Program[],
): Promise<Missing[]> {
  let left = programs;
  for (;;) {
    const failed: Missing[] = [];
    for (const program of left) {
      try {
        await makeProgramUnderItsCollation(session, where, program);
      } catch (error) {
        failed.push({ program, error });
      }
    }
    if (failed.length === 0 || failed.length === left.length) return failed;
    left = failed.map(({ program }) => program);
  }
}

/** Variables and parameters without a character set of their own have that which the database had when they were made. */
export async function makeProgramUnderItsCollation(
  session: MysqlSession,
  { database, collation }: { database: string; collation: string },
  program: Program,
): Promise<void> {
  const wanted = program.databaseCollation;
  if (wanted === null || wanted === collation) return makeProgram(session, program);
  await setCollation(session, database, wanted);
  try {
    await makeProgram(session, program);
  } finally {
    await setCollation(session, database, collation);
  }
}

export async function setCollation(
  session: MysqlSession,
  database: string,
  collation: string,
): Promise<void> {
  await session.query(`ALTER DATABASE ${quoteName(database)} COLLATE ${collation}`);
}

async function madeUnder<T>(session: MysqlSession, program: Program, work: () => Promise<T>): Promise<T> {
  const { create, client, connection, sqlMode, timeZone } = program;
  // We send UTF-8. Where that is not what the client spoke whose words these are, the meaning is the same under ours.
  const isAlike = client.startsWith('utf8') || /^\p{ASCII}*$/u.test(create ?? '');
  await session.query(
    'SET SESSION sql_mode = ?, time_zone = ?, character_set_client = ?, collation_connection = ?',
    [sqlMode ?? '', timeZone ?? 'SYSTEM', isAlike ? client : 'utf8mb4', connection],
  );
  try {
    return await work();
  } finally {
    await session.query('SET NAMES utf8mb4');
    await session.query("SET SESSION sql_mode = '', time_zone = DEFAULT");
  }
}

function has(programs: Program[], { kind, name }: Program): boolean {
  return programs.some((program) => program.kind === kind && program.name === name);
}

/** Where the definer that is wanted is just who makes it, the one that is there is no worse. */
function same(
  there: Program,
  wanted: Program,
  { database, account }: { database: string; account: string },
): boolean {
  const anyDefiner = definerOf(wanted) === quoteDefiner(account);
  const plain = (program: Program) =>
    JSON.stringify(movedFrom(database, anyDefiner ? withoutDefiner(program) : program));
  return there.create !== null && plain(there) === plain(wanted);
}

/** As a sentence part. */
export function tellMissing({ program, error }: Missing): string {
  return `${program.kind.toLowerCase()} ${program.name} (${errorFields(error).message})`;
}
