import type { Stage } from './stage.ts';

interface Table {
  name: string;
  rows: string;
  checksum: string;
}

interface Content {
  tables: Table[];
  /** Views, triggers and so on, counted. */
  others: string;
}

/** Both databases side by side, as lines of a table; throws where they differ. */
export async function tableComparison(stage: Stage, copy: string) {
  const [source, restored] = [await contentOf(stage, stage.database), await contentOf(stage, copy)];
  const widths = [12, 6, 12, 9, 12];
  const row = (cells: string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = [row(['TABLE', 'ROWS', 'CHECKSUM', 'RESTORED', 'CHECKSUM'])];
  for (const table of source.tables) {
    const twin = restored.tables.find(({ name }) => name === table.name);
    const equal = twin?.rows === table.rows && twin.checksum === table.checksum;
    lines.push(
      row([
        table.name,
        table.rows,
        table.checksum,
        twin?.rows ?? 'missing',
        twin?.checksum ?? '-',
        equal ? 'equal' : 'DIFFERS',
      ]),
    );
    if (!equal) throw new Error(`table ${table.name} differs\n${lines.join('\n')}`);
  }
  if (restored.tables.length !== source.tables.length || restored.others !== source.others) {
    throw new Error(`the copy holds ${restored.others}, the source ${source.others}`);
  }
  lines.push(`and ${source.others}`);
  const rows = source.tables.reduce((sum, table) => sum + Number(table.rows), 0);
  return { lines, tables: source.tables.length, rows };
}

async function contentOf(stage: Stage, database: string): Promise<Content> {
  const names = (
    await stage.query(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = '${database}' AND table_type = 'BASE TABLE' ORDER BY 1`,
    )
  ).flat();
  if (names.length === 0) throw new Error(`there is no table in ${database}`);
  const paths = names.map((name) => `\`${database}\`.\`${name}\``);
  const counts = await stage.query(paths.map((path) => `SELECT COUNT(*) FROM ${path}`).join(' UNION ALL '));
  const checksums = await stage.query(`CHECKSUM TABLE ${paths.join(', ')}`);
  const [[views, triggers] = []] = await stage.query(
    `SELECT (SELECT COUNT(*) FROM information_schema.views WHERE table_schema = '${database}'),
            (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = '${database}')`,
  );
  return {
    tables: names.map((name, i) => ({ name, rows: counts[i]?.[0] ?? '', checksum: checksums[i]?.[1] ?? '' })),
    others: `${views} view, ${triggers} trigger`,
  };
}
