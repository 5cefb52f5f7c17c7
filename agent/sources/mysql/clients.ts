import { join } from 'node:path';
import { HoldfastError } from '../../core/errors.ts';
import type { Processes } from '../../process/run.ts';
import type { Flavour } from './session.ts';

/** A program that speaks to one flavour of server. */
export interface MysqlClient {
  path: string;
  version: string;
}

export type MysqlProgram = 'dump' | 'load';

const NAMES: Record<Flavour, Record<MysqlProgram, string[]>> = {
  mariadb: { dump: ['mariadb-dump', 'mysqldump'], load: ['mariadb', 'mysql'] },
  mysql: { dump: ['mysqldump'], load: ['mysql'] },
};
const VERSION_TIMEOUT_MS = 10_000;

/**
 * Finds the client that fits a flavour by what the program says of itself: Debian's `mysqldump` *is* mariadb-dump.
 * Looks in the folders in their order, then on the PATH. Throws `client_mismatch` when none fits.
 */
export async function findMysqlClient(
  flavour: Flavour,
  program: MysqlProgram,
  options: { processes: Processes; dirs: string[]; signal: AbortSignal },
): Promise<MysqlClient> {
  const names = NAMES[flavour][program];
  const candidates = [...options.dirs.flatMap((dir) => names.map((name) => join(dir, name))), ...names];
  const others: string[] = [];
  for (const path of candidates) {
    const said = await askVersion(path, options.processes, options.signal);
    if (said === null) continue;
    if (flavourOf(said) === flavour) return { path, version: versionOf(said) };
    others.push(`${path} is ${said}`);
  }
  throw mismatch(flavour, names[0] ?? program, others);
}

function mismatch(flavour: Flavour, name: string, others: string[]): HoldfastError {
  const server = flavour === 'mysql' ? 'MySQL' : 'MariaDB';
  const found = others.length === 0 ? 'no such program was found' : `found only: ${others.join('; ')}`;
  return new HoldfastError('client_mismatch', `a ${server} server needs ${server}'s own ${name}; ${found}`, {
    hint:
      flavour === 'mysql'
        ? 'Put the mysqldump and mysql of MySQL into /usr/lib/holdfast/mysql/bin (the image has them), then run `holdfast doctor`.'
        : 'Install mariadb-client, then run `holdfast doctor`.',
  });
}

async function askVersion(path: string, processes: Processes, signal: AbortSignal): Promise<string | null> {
  try {
    const finished = await processes.run(
      { file: path, args: ['--no-defaults', '--version'] },
      { timeoutMs: VERSION_TIMEOUT_MS, signal },
    );
    return finished.code === 0 ? finished.stdout.trim() : null;
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'tool_missing') return null;
    throw error;
  }
}

function flavourOf(said: string): Flavour {
  return /mariadb/i.test(said) ? 'mariadb' : 'mysql';
}

/** `mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for …`, `mariadb-dump from 11.8.6-MariaDB, client 10.19 for …`, `mysqldump  Ver 9.7.4 for …`. */
function versionOf(said: string): string {
  return /(?:Distrib|from) ([^\s,]+)/.exec(said)?.[1] ?? /Ver ([^\s,]+)/.exec(said)?.[1] ?? said;
}
