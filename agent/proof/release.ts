import type { Proof } from './proof.ts';

type Server = Pick<Proof, 'engine' | 'serverVersion'>;

/**
 * Whether two servers write a definition in the same words, so that one that reads otherwise is another one: releases of a kind differ in that,
 * and so do MySQL and MariaDB.
 */
export function writeAlike(one: Server, other: Server): boolean {
  return one.engine === other.engine && releaseOf(one) === releaseOf(other);
}

/** Whether rows of the one can be counted in the other, and objects found there under their names. */
export function areOfOneFamily(one: Server, other: Server): boolean {
  return (one.engine === 'postgres') === (other.engine === 'postgres');
}

/** `PostgreSQL 18.1`, without what a distribution adds. */
export function serverName({ engine, serverVersion }: Server): string {
  return `${NAMES[engine]} ${numbersOf(serverVersion).join('.')}`;
}

const NAMES: Record<Proof['engine'], string> = {
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  postgres: 'PostgreSQL',
};

/** The last patch of MySQL 8.0 that brought anything new: each before it is a release of its own. */
const LAST_OF_MYSQL_8_0 = 34;

function releaseOf({ engine, serverVersion }: Server): string {
  const [major = 0, minor = 0, patch = 0] = numbersOf(serverVersion);
  if (engine === 'postgres') return String(major);
  const series = `${major}.${minor}`;
  return engine === 'mysql' && series === '8.0' ? `${series}.${Math.min(patch, LAST_OF_MYSQL_8_0)}` : series;
}

function numbersOf(version: string): number[] {
  // MariaDB behind old replication hacks calls itself 5.5.5-10.x.
  const plain = version.replace(/^5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB)/i, '');
  return (/^\d+(?:\.\d+)*/.exec(plain)?.[0] ?? '0').split('.').map(Number);
}
