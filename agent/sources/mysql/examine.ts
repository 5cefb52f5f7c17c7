import { counted } from '../../core/units.ts';
import type { Examination } from '../source.ts';
import { statementError } from './errors.ts';
import { isDatabase, quoteName } from './names.ts';
import type { MysqlSession } from './session.ts';
import { inTwoSessions, type OpenAnother } from './two-sessions.ts';

/** Statistics for every table of a database. */
export async function analyzeDatabase(
  session: MysqlSession,
  another: OpenAnother,
  target: string,
): Promise<void> {
  await eachTable(session, another, target, 'ANALYZE TABLE', 'cannot analyze what was restored');
}

/** Lets the server read every table of a database, and its indexes, by CHECK TABLE. */
export async function examineDatabase(
  session: MysqlSession,
  another: OpenAnother,
  target: string,
): Promise<Examination> {
  const what = 'cannot check the tables of what was restored';
  const { tables, said } = await eachTable(session, another, target, 'CHECK TABLE', what);
  const findings = said
    .filter(isFinding)
    .map(({ Table, Msg_text }) => `${String(Table)}: ${String(Msg_text)}`);
  if (findings.length > 0) return { kind: 'damaged', findings };
  return { kind: 'sound', what: `${counted(tables, 'table')} sound by CHECK TABLE` };
}

async function eachTable(
  session: MysqlSession,
  another: OpenAnother,
  target: string,
  verb: 'ANALYZE TABLE' | 'CHECK TABLE',
  what: string,
): Promise<{ tables: number; said: Record<string, unknown>[] }> {
  try {
    const tables = await session.query(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES
        WHERE ${isDatabase('TABLE_SCHEMA', target)} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
        ORDER BY DATA_LENGTH + INDEX_LENGTH DESC, 1`,
    );
    const said = await inTwoSessions(session, another, tables, (one, { name }) =>
      one.query(`${verb} ${quoteName(target)}.${quoteName(String(name))}`),
    );
    return { tables: tables.length, said: said.flat() };
  } catch (error) {
    throw statementError(error, what, null);
  }
}

/** A note says that an engine has nothing to check. */
function isFinding({ Msg_type, Msg_text }: Record<string, unknown>): boolean {
  if (Msg_type === 'error' || Msg_type === 'Error') return true;
  return Msg_type === 'status' && !/^(OK|Table is already up to date)$/i.test(String(Msg_text));
}
