import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { counted } from '../../../core/units.ts';
import { enoughFor, readLockTable } from '../lock-table.ts';
import type { PostgresSession } from '../session.ts';

/**
 * What would end a parallel dump on its way: locks that the server has no room for, and connections that it does not give. pg_dump locks each
 * table in its first connection, and once more in the one that dumps it, and holds all to the end. Null for nothing.
 */
export async function directoryHurdle(
  session: PostgresSession,
  config: PostgresSourceConfig,
): Promise<HoldfastError | null> {
  const { tables, room, times } = await readLockTable(session);
  const locks = tables * (config.jobs > 1 ? 2 : 1);
  if (locks > room) {
    return new HoldfastError(
      'dump_failed',
      `a dump of ${config.database} by ${config.jobs} connections holds ${locks} locks at once (${counted(tables, 'table')}), and the server has room for ${room}`,
      {
        hint: `Set max_locks_per_transaction = ${enoughFor(locks, times)} on the server, which takes a restart; or dump by one stream: BACKUP_FORMAT=custom (in the file: format).`,
      },
    );
  }
  const wanted = config.jobs + 1 + (config.proof === 'none' ? 0 : 1);
  const free = await freeConnections(session);
  if (wanted <= free) return null;
  return new HoldfastError(
    'dump_failed',
    `a dump of ${config.database} by ${config.jobs} connections takes ${wanted} of them, and the server has ${free} left`,
    {
      hint: 'Lower BACKUP_JOBS (in the file: jobs), raise max_connections on the server, or back up when fewer are in use.',
    },
  );
}

/** Those that this user may still open; the one that asks is counted as free, since it is closed before. */
async function freeConnections(session: PostgresSession): Promise<number> {
  const [row] = await session.query(
    `SELECT current_setting('max_connections')::int
        - CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN 0
          ELSE current_setting('superuser_reserved_connections')::int
            + coalesce(current_setting('reserved_connections', true)::int, 0) END
        - (SELECT sum(numbackends) FROM pg_stat_database) + 1 AS free`,
  );
  return Math.max(0, Number(row?.free));
}
