import type { GapName } from '../../../core/glossary.ts';
import type { Probe } from '../../source.ts';
import type { PostgresSession } from '../session.ts';

/** What a dump leaves out because its lack was allowed by name. Its proof leaves out the same. */
export interface LeftOut {
  /** Tables and sequences that are not in it, as patterns of pg_dump that match nothing else. */
  relations: string[];
  /** Tables whose rows are not. */
  rows: string[];
  largeObjects: boolean;
  subscriptions: boolean;
}

export function leftOutOf(probe: Probe, allowed: Set<GapName>): LeftOut {
  const objectsOf = (name: GapName) =>
    allowed.has(name) ? (probe.gaps.find((gap) => gap.name === name)?.objects ?? []) : [];
  return {
    relations: objectsOf('tables'),
    rows: objectsOf('row_security'),
    largeObjects: allowed.has('large_objects'),
    subscriptions: allowed.has('subscriptions'),
  };
}

/** The oids of relations that are left out by pattern, and of what goes with them: the sequences of their identity columns. */
export async function oidsOf(session: PostgresSession, patterns: string[]): Promise<string[]> {
  if (patterns.length === 0) return [];
  const rows = await session.query(
    `WITH named AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE '"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"' = ANY ($1::text[]))
      SELECT oid::text FROM named
      UNION SELECT d.objid::text FROM pg_depend d JOIN named ON named.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
          AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S')`,
    [patterns],
  );
  return rows.map(({ oid }) => String(oid));
}
