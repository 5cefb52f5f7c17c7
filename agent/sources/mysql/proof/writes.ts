import type { MysqlSession } from '../session.ts';

/** Ids above are InnoDB's names for transactions that write nothing. */
const FIRST_READ_ONLY_ID = 2n ** 47n;

/**
 * Where the server's writing stands, as text that stays the same as long as nothing is committed: InnoDB gives a number
 * from one counter to each transaction that begins to write and again to each that commits, and one that had its number
 * before and is only now on its way out leaves the list. Null where the server does not tell all. Takes PROCESS.
 */
export async function readWrites(session: MysqlSession): Promise<string | null> {
  const [row] = await session.query('SHOW ENGINE INNODB STATUS');
  const text = String(row?.Status);
  const counter = /^Trx id counter (\d+)$/m.exec(text)?.[1];
  // What is longer than a megabyte is cut in the middle of the list.
  if (counter === undefined || text.includes('... truncated...')) return null;
  const ids = [...text.matchAll(/^---TRANSACTION (\d+), /gm)].map((match) => match[1] ?? '');
  const writing = ids.filter((id) => BigInt(id) < FIRST_READ_ONLY_ID).sort();
  return `${counter}: ${writing.join(' ')}`;
}
