import { HoldfastError } from '../../../core/errors.ts';
import type { TableProof } from '../../../proof/proof.ts';
import { quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';

export type Sample = NonNullable<TableProof['sample']>;

const RANGES = 16;

/**
 * Ranges of the key that hold about `share` (0 to 1) of the values between its ends: the two ends, and one in each part
 * between, elsewhere every time. Null for an empty table.
 */
export async function drawSample(
  session: MysqlSession,
  table: string,
  key: string,
  share: number,
): Promise<Sample | null> {
  const column = quoteName(key);
  const [ends] = await session.query(
    `SELECT CAST(MIN(${column}) AS CHAR) AS low, CAST(MAX(${column}) AS CHAR) AS high FROM ${table}`,
  );
  if (typeof ends?.low !== 'string' || typeof ends.high !== 'string') return null;
  return { key, ranges: rangesBetween(BigInt(ends.low), BigInt(ends.high), share) };
}

export function rangesBetween(low: bigint, high: bigint, share: number): [string, string][] {
  const span = high - low + 1n;
  if (span <= BigInt(RANGES)) return [[String(low), String(high)]];
  const ranges: [string, string][] = [];
  for (let i = 0n; i < BigInt(RANGES); i += 1n) {
    const from = low + (span * i) / BigInt(RANGES);
    const until = low + (span * (i + 1n)) / BigInt(RANGES) - 1n;
    const width = part(until - from + 1n, share);
    const slack = until - from + 1n - width;
    const start =
      i === 0n ? from : i === BigInt(RANGES - 1) ? from + slack : from + part(slack, Math.random());
    ranges.push([String(start), String(start + width - 1n)]);
  }
  return ranges;
}

/** The condition for the rows that a sample covers. Throws `failed` when its ranges are none: they come from a file. */
export function sampleCondition({ key, ranges }: Sample): string {
  const column = quoteName(key);
  const conditions = ranges.map(([from, to]) => {
    if (!/^-?\d+$/.test(from) || !/^-?\d+$/.test(to)) {
      throw new HoldfastError('failed', `the proof holds a range of ${key} that is none`);
    }
    return `${column} BETWEEN ${from} AND ${to}`;
  });
  return conditions.length === 0 ? 'FALSE' : conditions.join(' OR ');
}

/** At least one, where there is one. */
function part(of: bigint, share: number): bigint {
  const millionths = BigInt(Math.round(Math.min(share, 1) * 1e6));
  const found = (of * millionths) / 1_000_000n;
  return found === 0n && share > 0 && of > 0n ? 1n : found;
}
