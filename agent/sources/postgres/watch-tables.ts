import type { ByteFilter } from '../bytes/line-rewriter.ts';
import type { TableLoad } from '../source.ts';
import { createArchiveFilter } from './archive.ts';
import type { Entry } from './archive-contents.ts';

/**
 * Hands an archive on as it is, and tells of each table when its rows begin to pass. The blocks themselves are watched: what
 * `pg_restore --verbose` says would stand between its complaints. `entries` are those that are restored.
 */
export function watchTables(entries: Entry[], onTable: (table: TableLoad) => void): ByteFilter {
  const tables = new Map(
    entries.filter(({ kind }) => kind === 'TABLE DATA').map((entry) => [entry.id, entry] as const),
  );
  let number = 0;
  let archive: ByteFilter | null = createArchiveFilter((id) => {
    const table = tables.get(id);
    if (table === undefined) return;
    number += 1;
    onTable({ name: `${table.schema}.${table.tag}`, number, of: tables.size });
  });
  return {
    push: (chunk) => {
      try {
        archive?.push(chunk);
      } catch {
        // What is wrong with an archive pg_restore finds, and says itself.
        archive = null;
      }
      return [chunk];
    },
    end: () => [],
  };
}
