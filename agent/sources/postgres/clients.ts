import { dirname, join } from 'node:path';
import { HoldfastError } from '../../core/errors.ts';
import type { Processes } from '../../process/run.ts';

export interface PostgresClient {
  /** Of pg_dump. */
  path: string;
  version: string;
}

export type PostgresProgram = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql';

const VERSION_TIMEOUT_MS = 10_000;

/**
 * Finds the pg_dump of the server's own major: an older one refuses the server, a newer one writes dumps that the server
 * cannot load. Looks in `<dir>/<major>/bin`, then on the PATH. Throws `client_mismatch` when there is none.
 */
export async function findPostgresClient(
  major: number,
  options: { processes: Processes; dirs: string[]; signal: AbortSignal },
): Promise<PostgresClient> {
  const candidates = [...options.dirs.map((dir) => join(dir, String(major), 'bin', 'pg_dump')), 'pg_dump'];
  const others: string[] = [];
  for (const path of candidates) {
    const version = await askVersion(path, options.processes, options.signal);
    if (version === null) continue;
    if (Number.parseInt(version, 10) === major) return { path, version };
    others.push(version);
  }
  const found = others.length === 0 ? 'none was found' : `found only ${others.join(', ')}`;
  throw new HoldfastError(
    'client_mismatch',
    `a PostgreSQL ${major} server needs pg_dump ${major}; ${found}`,
    {
      hint: `Install postgresql-client-${major} (the image has 14 to 18), then run \`holdfast doctor\`.`,
    },
  );
}

/** The program that stands beside a pg_dump. */
export function siblingOf(pgDump: string, program: PostgresProgram): string {
  return pgDump.includes('/') ? join(dirname(pgDump), program) : program;
}

async function askVersion(path: string, processes: Processes, signal: AbortSignal): Promise<string | null> {
  try {
    const finished = await processes.run(
      { file: path, args: ['--version'] },
      { timeoutMs: VERSION_TIMEOUT_MS, signal },
    );
    return finished.code === 0 ? (/\(PostgreSQL\) (\S+)/.exec(finished.stdout)?.[1] ?? null) : null;
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'tool_missing') return null;
    throw error;
  }
}
