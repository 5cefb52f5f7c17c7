import { counted } from '../../core/units.ts';
import type { Examination } from '../source.ts';
import { statementError } from './errors.ts';
import { quoteName } from './names.ts';
import type { MysqlSession } from './session.ts';

/** Statistics for every table of a database. */
export async function analyzeDatabase(session: MysqlSession, target: string): Promise<void> {
  await eachTable(session, target, 'ANALYZE TABLE', 'cannot analyze what was restored');
}

/** Lets the server read every table of a database, and its indexes, by CHECK TABLE. */
export async function examineDatabase(session: MysqlSession, target: string): Promise<Examination> {
  const { tables, said } = await eachTable(
    session,
    target,
    'CHECK TABLE',
    'cannot check the tables of what was restored',
  );
  const findings = said
    .filter(isFinding)
    .map(({ Table, Msg_text }) => `${String(Table)}: ${String(Msg_text)}`);
  if (findings.length > 0) return { kind: 'damaged', findings };
  return { kind: 'sound', what: `${counted(tables, 'table')} sound by CHECK TABLE` };
}

async function eachTable(
  session: MysqlSession,
  target: string,
  verb: 'ANALYZE TABLE' | 'CHECK TABLE',
  what: string,
): Promise<{ tables: number; said: Record<string, unknown>[] }> {
  try {
    const tables = await session.query(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = ? AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1`,
      [target],
    );
    const said: Record<string, unknown>[] = [];
    for (const { name } of tables)
      said.push(...(await session.query(`${verb} ${quoteName(target)}.${quoteName(String(name))}`)));
    return { tables: tables.length, said };
  } catch (error) {
    throw statementError(error, what, null);
  }
}

/** A note says that an engine has nothing to check. */
function isFinding({ Msg_type, Msg_text }: Record<string, unknown>): boolean {
  if (Msg_type === 'error' || Msg_type === 'Error') return true;
  return Msg_type === 'status' && !/^(OK|Table is already up to date)$/i.test(String(Msg_text));
}
