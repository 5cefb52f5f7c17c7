import type { TableProof } from '../../../proof/proof.ts';
import { quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import { cutFloats } from './cut-floats.ts';
import { rowHash, type Method } from './row-hash.ts';
import { drawSample, sampleCondition, type Sample } from './sample.ts';
import type { DumpedTable } from './tables.ts';

const MODULUS = 2n ** 64n;
/** A result longer than max_allowed_packet is NULL instead. */
const TOO_LONG = 1301;

/** What the checksum is to cover: every row, the rows of a sample, or none. */
export type Coverage = 'all' | Sample | 'none';

/** Reads one table's rows in the session's snapshot. Its checksum is null where `coverage` is none or a row is too long to be hashed. */
export async function proveTable(
  session: MysqlSession,
  database: string,
  table: DumpedTable,
  coverage: Coverage,
  method: Method,
): Promise<TableProof> {
  const from = `${quoteName(database)}.${quoteName(table.name)}`;
  const sum = `CAST(SUM(${rowHash(table.columns, session.flavour, method)}) AS CHAR) AS total`;
  const floats = cutFloats(session, table.columns);
  const looked = `${sum}, ${floats.count} AS cut`;
  const done = (rows: unknown, checksum: string | null, sample: Sample | null, cut?: unknown): TableProof => {
    const told = checksum === null ? undefined : floats.told(Number(cut));
    return {
      name: table.name,
      rows: Number(rows),
      checksum,
      sample: checksum === null ? null : sample,
      excuse: table.excuse,
      ...(told === undefined ? {} : { cut: told }),
    };
  };
  if (coverage === 'all') {
    const [row] = await session.query(`SELECT COUNT(*) AS n, ${looked} FROM ${from}`);
    return done(row?.n, await checksumOf(session, row?.total), null, row?.cut);
  }
  const [count] = await session.query(`SELECT COUNT(*) AS n FROM ${from}`);
  if (coverage === 'none' || !table.columns.some(({ name }) => name === coverage.key)) {
    return done(count?.n, null, null);
  }
  const [row] = await session.query(`SELECT ${looked} FROM ${from} WHERE ${sampleCondition(coverage)}`);
  return done(count?.n, await checksumOf(session, row?.total), coverage, row?.cut);
}

/** A table above the limit is sampled by its key, and only counted where it has none that ranges can be made of. */
export async function coverageOf(
  session: MysqlSession,
  database: string,
  table: DumpedTable,
  limitBytes: number | null,
): Promise<Coverage> {
  if (limitBytes === null || table.bytes <= limitBytes) return 'all';
  if (table.rangeKey === null) return 'none';
  const from = `${quoteName(database)}.${quoteName(table.name)}`;
  return (await drawSample(session, from, table.rangeKey, limitBytes / table.bytes)) ?? 'all';
}

/** Asked right after the statement whose sum it is. */
async function checksumOf(session: MysqlSession, total: unknown): Promise<string | null> {
  if (await wasTooLong(session)) return null;
  return String(typeof total === 'string' ? BigInt(total) % MODULUS : 0n);
}

/** A server may be set to keep few warnings or none: one that is not shown may be the one. */
async function wasTooLong(session: MysqlSession): Promise<boolean> {
  const [counted] = await session.query('SHOW COUNT(*) WARNINGS');
  const count = Number(Object.values(counted ?? {})[0]);
  if (count === 0) return false;
  const warnings = await session.query('SHOW WARNINGS');
  return warnings.length < count || warnings.some(({ Code }) => Number(Code) === TOO_LONG);
}
