import type { TableProof } from '../../../proof/proof.ts';
import type { PostgresSession } from '../session.ts';
import { step } from './snapshot.ts';

/** How a proof names the large objects, which are rows of no table of their own; no table's name has no dot. */
export const LARGE_OBJECTS = 'large objects';

/** Read in pieces: no server has the memory for the largest. */
const PIECE_BYTES = 1024 * 1024;
/** INV_READ */
const READ = 262_144;

/** What all large objects take on disk, about; 0 when there are none. */
export async function largeObjectBytes(session: PostgresSession): Promise<number> {
  const [row] = await session.query(
    `SELECT CASE WHEN EXISTS (SELECT FROM pg_largeobject_metadata) THEN greatest(1, pg_table_size('pg_largeobject')) ELSE 0 END AS bytes`,
  );
  return Number(row?.bytes);
}

/** Their number and, where it is asked for, the checksum of their bytes as they read: holes are zeros, as in a dump. */
export async function readLargeObjects(session: PostgresSession, withBytes: boolean): Promise<TableProof> {
  return step(session, async () => {
    const [counted] = await session.query('SELECT count(*) AS rows FROM pg_largeobject_metadata');
    const checksum = withBytes ? await checksumOf(session) : null;
    return { name: LARGE_OBJECTS, rows: Number(counted?.rows), checksum, sample: null, excuse: null };
  });
}

/** Each is opened for its size and closed again before the next: that takes a subquery for each, in that order. */
async function checksumOf(session: PostgresSession): Promise<string> {
  const [row] = await session.query(
    `SELECT coalesce(sum(hashtextextended(format('%s:%s:%s', o.oid, at, encode(sha256(lo_get(o.oid, at, ${PIECE_BYTES})), 'hex')), 0)), 0) AS sum
      FROM (SELECT oid, size, lo_close(fd) FROM (SELECT oid, fd, lo_lseek64(fd, 0, 2) AS size FROM (
        SELECT oid, lo_open(oid, ${READ}) AS fd FROM pg_largeobject_metadata OFFSET 0) opened OFFSET 0) measured OFFSET 0) o,
        generate_series(0::bigint, greatest(size - 1, 0), ${PIECE_BYTES}) at`,
  );
  return BigInt.asUintN(64, BigInt(String(row?.sum))).toString();
}
