import { counted } from '../../core/units.ts';
import type { Hurdle } from '../source.ts';
import { isDatabase } from './names.ts';
import type { MysqlGrants } from './grants.ts';
import type { MysqlSession } from './session.ts';

/**
 * What would end a restore by this account although the backup is complete. With its binary log on, a server lets
 * SUPER alone make triggers and functions, and nobody those functions that say nothing of what they read (errors 1419
 * and 1418); they may be there all the same, made before the log was on.
 */
export async function findMysqlHurdles(
  session: MysqlSession,
  database: string,
  grants: MysqlGrants,
): Promise<Hurdle[]> {
  if (!(await mistrustsCreators(session))) return [];
  const [counts] = await session.query(
    `SELECT
      (SELECT COUNT(*) FROM information_schema.triggers WHERE ${isDatabase('trigger_schema', database)}) AS triggers,
      (SELECT COUNT(*) FROM information_schema.routines WHERE ${isDatabase('routine_schema', database)} AND routine_type = 'FUNCTION') AS functions,
      (SELECT COUNT(*) FROM information_schema.routines WHERE ${isDatabase('routine_schema', database)} AND routine_type = 'FUNCTION'
        AND is_deterministic = 'NO' AND sql_data_access NOT IN ('NO SQL', 'READS SQL DATA')) AS undeclared`,
  );
  const of = (kind: string) => Number(counts?.[kind]);
  const isAdministrator = grants.globally('SUPER');
  const held = isAdministrator
    ? toldOf([[of('undeclared'), 'function']])
    : toldOf([
        [of('triggers'), 'trigger'],
        [of('functions'), 'function'],
      ]);
  if (held === '') return [];
  const lets = isAdministrator
    ? 'nobody make functions that do not say what they read'
    : 'only an administrator make triggers and functions';
  return [
    { detail: `with its binary log on, the server lets ${lets}, and ${database} has ${held}`, mend: TRUST },
  ];
}

const TRUST =
  'Before a restore, run as an administrator of the server: SET GLOBAL log_bin_trust_function_creators = 1; ' +
  '(for good: start it with --log-bin-trust-function-creators=1).';

async function mistrustsCreators(session: MysqlSession): Promise<boolean> {
  const rows = await session.query(
    "SHOW VARIABLES WHERE variable_name IN ('log_bin', 'log_bin_trust_function_creators')",
  );
  const isOn = (name: string) =>
    rows.some((row) => String(row.Variable_name) === name && /^(on|1)$/i.test(String(row.Value)));
  return isOn('log_bin') && !isOn('log_bin_trust_function_creators');
}

/** `2 triggers and 1 function`, without what there is none of. */
function toldOf(kinds: [count: number, noun: string][]): string {
  return kinds
    .filter(([count]) => count > 0)
    .map(([count, noun]) => counted(count, noun))
    .join(' and ');
}
