import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';

/**
 * Takes the tables of a schema out of the inheritance of tables in other schemas, in the transaction that the session is in: another schema's
 * tables take their place there, and whoever reads the parent would see the rows of both; of two partitions with the same bounds the second
 * is refused. Detaching a partition keeps everybody from its parent until the transaction ends.
 */
export async function leaveParents(session: PostgresSession, schema: string): Promise<void> {
  const rows = await session.query(
    `SELECT n.nspname AS schema, p.relname AS parent, c.relname AS child, c.relkind = 'f' AS foreign, c.relispartition AS is_partition
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        JOIN pg_namespace n ON n.oid = p.relnamespace
      WHERE c.relnamespace = to_regnamespace($1) AND p.relnamespace <> c.relnamespace AND c.relkind IN ('r', 'p', 'f') ORDER BY 1, 2, 3`,
    [quoteIdentifier(schema)],
  );
  for (const row of rows) {
    const parent = `${quoteIdentifier(String(row.schema))}.${quoteIdentifier(String(row.parent))}`;
    const child = `${quoteIdentifier(schema)}.${quoteIdentifier(String(row.child))}`;
    const kind = row.foreign === true ? 'FOREIGN TABLE' : 'TABLE';
    await session.query(
      row.is_partition === true
        ? `ALTER TABLE ${parent} DETACH PARTITION ${child}`
        : `ALTER ${kind} ${child} NO INHERIT ${parent}`,
    );
  }
}
