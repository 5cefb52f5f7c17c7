import type { Stage } from './stage.ts';

interface Table {
  name: string;
  rows: string;
  checksum: string;
}

interface Content {
  tables: Table[];
  /** Views and triggers, counted. */
  others: string;
}

export interface Comparison {
  head: string;
  /** A line for each table. */
  rows: string[];
  others: string;
  /** Rows of all tables. */
  count: number;
}

/** Both databases side by side; throws where they differ. */
export async function compareDatabases(stage: Stage, copy: string): Promise<Comparison> {
  const source = await contentOf(stage, stage.database);
  const restored = await contentOf(stage, copy);
  const missing: Table = { name: '', rows: 'missing', checksum: '' };
  const rows = source.tables.map((table) => {
    const twin = restored.tables.find(({ name }) => name === table.name) ?? missing;
    const line = columns(table.name, table.rows, twin.rows, table.checksum, twin.checksum);
    if (twin.rows === table.rows && twin.checksum === table.checksum) return line;
    throw new Error(`table ${table.name} differs: ${line}`);
  });
  if (restored.tables.length !== source.tables.length || restored.others !== source.others) {
    throw new Error(`the copy has ${restored.others}, the source ${source.others}`);
  }
  return {
    head: columns('TABLE', 'ROWS', 'RESTORED', 'CHECKSUM', 'RESTORED'),
    rows,
    others: source.others,
    count: source.tables.reduce((sum, table) => sum + Number(table.rows), 0),
  };
}

async function contentOf(stage: Stage, database: string): Promise<Content> {
  const listed = await stage.query(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = '${database}' AND table_type = 'BASE TABLE' ORDER BY 1`,
  );
  const names = listed.flat();
  if (names.length === 0) throw new Error(`there is no table in ${database}`);
  const paths = names.map((name) => `\`${database}\`.\`${name}\``);
  const counts = await stage.query(paths.map((path) => `SELECT COUNT(*) FROM ${path}`).join(' UNION ALL '));
  const checksums = await stage.query(`CHECKSUM TABLE ${paths.join(', ')}`);
  const [[views, triggers] = []] = await stage.query(
    `SELECT (SELECT COUNT(*) FROM information_schema.views WHERE table_schema = '${database}'), (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = '${database}')`,
  );
  return {
    tables: names.map((name, i) => ({ name, rows: counts[i]?.[0] ?? '', checksum: checksums[i]?.[1] ?? '' })),
    others: `${views} view and ${triggers} trigger`,
  };
}

function columns(...cells: string[]): string {
  const widths = [12, 6, 10, 11, 11];
  return cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' ');
}
