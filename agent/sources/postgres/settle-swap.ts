import type { SwapPlan } from '../source.ts';
import type { PostgresSession } from './session.ts';

/** The plan knows the new database by its oid, which stays what it is when the name is another's. */
export async function planSwap(
  session: PostgresSession,
  { fresh, keep }: Pick<SwapPlan, 'fresh' | 'keep'>,
): Promise<SwapPlan> {
  return { fresh, keep, details: (await oidsOf(session, [fresh])).get(fresh) ?? '' };
}

/**
 * Both renames are one transaction: it is done where the new database bears the target's name, or where the old one bears the name under
 * which it stays. That there is no `fresh` any more proves nothing, for anybody may have dropped it.
 */
export async function settleSwap(
  session: PostgresSession,
  { keep, details }: SwapPlan,
  target: string,
): Promise<'undone' | 'done'> {
  const there = await oidsOf(session, keep === null ? [target] : [target, keep]);
  const isInPlace = there.get(target) === details;
  return isInPlace || (keep !== null && there.has(keep)) ? 'done' : 'undone';
}

async function oidsOf(session: PostgresSession, names: string[]): Promise<Map<string, string>> {
  const rows = await session.query(
    'SELECT datname AS name, oid::text FROM pg_database WHERE datname = ANY ($1::text[])',
    [names],
  );
  return new Map(rows.map(({ name, oid }) => [String(name), String(oid)]));
}
