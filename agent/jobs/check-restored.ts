import type { Restoration } from './restore.ts';

/** What a restored database holds, and how that compares with the proof. */
export interface Checked {
  tables: number;
  rows: number;
  /** How it was compared, or why not. */
  notes: string[];
  differences: string[];
}

/** Counts what a restored database holds. */
export async function checkRestored({ source, context }: Restoration, database: string): Promise<Checked> {
  const inventory = await source.inspect(database, context.signal);
  const rows = inventory.tables.reduce((total, table) => total + table.rows, 0);
  return { tables: inventory.tables.length, rows, notes: [], differences: [] };
}
