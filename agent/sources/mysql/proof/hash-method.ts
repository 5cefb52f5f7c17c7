import type { MysqlSession } from '../session.ts';
import { atLeast } from '../version.ts';
import { CRC_PRODUCT, crcProduct, SHA2, type Method } from './row-hash.ts';

/** The cheapest method that this server has. */
export async function chooseMethod(session: MysqlSession): Promise<Method> {
  return (await knowsCrcProduct(session)) ? CRC_PRODUCT : SHA2;
}

/** The method of a proof that is to be compared with, where this server has it; another one says nothing of it. */
export async function methodLike(session: MysqlSession, method: string): Promise<Method> {
  return method === SHA2 ? SHA2 : chooseMethod(session);
}

/** What everybody's check values are of: CRC-32 cbf43926, CRC-32C e3069283; of nothing both are 0. */
const KNOWN = '123456789';
const EXPECTED = new Map([
  [KNOWN, String(0xcbf43926n * 0xe3069283n)],
  ['', '0'],
]);

/** Seen on rows that follow each other: in which order the parts of an expression are taken, no manual promises. */
async function knowsCrcProduct(session: MysqlSession): Promise<boolean> {
  if (session.flavour !== 'mariadb' || !atLeast(session.version, 10, 8)) return false;
  const rows = await session.query(
    `SELECT v, CAST(${crcProduct('v')} AS CHAR) AS product
      FROM (SELECT '${KNOWN}' AS v UNION ALL SELECT '' UNION ALL SELECT '${KNOWN}' UNION ALL SELECT '') AS checked`,
  );
  return rows.length === 4 && rows.every(({ v, product }) => product === EXPECTED.get(String(v)));
}
