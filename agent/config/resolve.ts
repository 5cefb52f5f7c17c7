import type { Path, Problem } from './problems.ts';
import { isGroup } from './raw.ts';
import { keep as keepSchema } from './schema.ts';
import type { Raw } from './raw.ts';
import { BACKEND_SECRETS, readSecretFile } from './secrets.ts';
import { MYSQL_ALONE, POSTGRES_ALONE } from './settings.ts';
import { parseDatabaseUrl, THROW_AWAY } from './url.ts';

export interface Resolving {
  problems: Problem[];
  /** How the setting at a path is called where it was given: by its variable, or by its key. */
  nameOf(path: Path): string;
  /** The sources come from the environment, where MYSQL_TLS or PGSSLMODE may stand for the sake of others. */
  foreignIgnored: boolean;
}

/**
 * Replaces what stands for something else by what it stands for: `…_file` by the secret in the file, `url` by the settings in it.
 * What cannot be resolved becomes a problem, and a harmless stand-in, so that the schema does not complain of it again.
 */
export function resolved(raw: Raw, how: Resolving): Raw {
  const result: Raw = { ...raw };
  if (isGroup(raw['repository'])) result['repository'] = resolvedRepository(raw['repository'], how);
  if (Array.isArray(raw['sources'])) {
    result['sources'] = raw['sources'].map((source: unknown, i) =>
      isGroup(source) ? keptBesideTenants(resolvedSource(source, ['sources', i], how), raw) : source,
    );
  }
  return result;
}

/**
 * Beside dumps of tenants, which answer for the small mishaps, whole backups are for the old days: what nothing speaks of is kept for longer.
 * Dumps of tenants are kept as anything else.
 */
function keptBesideTenants(source: Raw, { keep = {} }: Raw): Raw {
  const { tenants } = source;
  if (!isGroup(tenants) || source['keep'] !== undefined) return source;
  // What is wrong with it, or keeps nothing, is told once, where it was written.
  const { success, data } = keepSchema.safeParse(keep);
  if (!success || data.daily + data.weekly + data.monthly + data.yearly === 0) return source;
  return { ...source, keep: { ...KEPT_BESIDE_TENANTS, ...(keep as Raw) }, tenants: { keep, ...tenants } };
}

const KEPT_BESIDE_TENANTS = { daily: 7, weekly: 4, monthly: 12, yearly: 5 };

function resolvedRepository(given: Raw, how: Resolving): Raw {
  const path = ['repository'];
  const result = { ...given };
  for (const name of ['location', 'password']) takeFromFile(result, name, '_file', path, how);
  // restic trims these two files on both sides; what it would open, Holdfast opens.
  for (const name of ['location', 'password']) {
    const value = result[name];
    if (`${name}_file` in given && typeof value === 'string') result[name] = value.trim();
  }
  if (isGroup(result['environment'])) {
    const environment = { ...result['environment'] };
    for (const name of BACKEND_SECRETS)
      takeFromFile(environment, name, '_FILE', [...path, 'environment'], how);
    result['environment'] = environment;
  }
  return result;
}

function resolvedSource(given: Raw, path: Path, how: Resolving): Raw {
  const result = { ...given };
  takeFromFile(result, 'password', '_file', path, how);
  const urlKey = 'url_file' in result ? 'url_file' : 'url';
  takeFromFile(result, 'url', '_file', path, how);
  if (isGroup(result['verify']))
    result['verify'] = resolvedVerify(result['verify'], [...path, 'verify'], how);
  const source = 'url' in result ? takenFromUrl(result, [...path, urlKey], how) : result;
  return how.foreignIgnored && source['type'] === 'mysql' ? streamed(source, path, how) : source;
}

/** MySQL and MariaDB know no format but the default: to write that out is no mistake, as it is to ask for another. */
function streamed(source: Raw, path: Path, how: Resolving): Raw {
  if (source['format'] !== undefined && source['format'] !== 'custom') {
    const message = `is ${JSON.stringify(source['format'])}, and a MySQL or MariaDB database is dumped as one stream: say custom, or nothing`;
    how.problems.push({ path: [...path, 'format'], message });
  }
  return Object.fromEntries(Object.entries(source).filter(([key]) => key !== 'format' && key !== 'jobs'));
}

/** Where scratch databases are made: a URL, which becomes the settings in it, or a word. */
function resolvedVerify(given: Raw, path: Path, how: Resolving): Raw {
  const { server, ...result } = given;
  const key = 'server_file' in result ? 'server_file' : 'server';
  const holder: Raw = server === undefined ? result : { ...result, server };
  takeFromFile(holder, 'server', '_file', path, how);
  const url = holder['server'];
  if (url === undefined) return holder;
  if (url === THROW_AWAY) return { ...holder, server: { type: THROW_AWAY } };
  const parsed =
    typeof url === 'string'
      ? parseDatabaseUrl(url)
      : { problem: 'must be text like postgresql://user:password@host:5432/database' };
  if (!('problem' in parsed)) return { ...holder, server: parsed };
  if (url !== STAND_IN) {
    const or = typeof url === 'string' && !url.includes(':') ? `, or be ${THROW_AWAY}` : '';
    how.problems.push({ path: [...path, key], message: parsed.problem + or });
  }
  Reflect.deleteProperty(holder, 'server');
  return holder;
}

/** What stands for a setting that could not be resolved; never leaves this folder, since there is a problem then. */
export const STAND_IN = 'unreadable';

function takeFromFile(group: Raw, name: string, suffix: string, path: Path, how: Resolving): void {
  const key = name + suffix;
  if (!(key in group)) return;
  const file = group[key];
  Reflect.deleteProperty(group, key);
  if (group[name] !== undefined) {
    how.problems.push({
      path: [...path, key],
      message: `is set, and so is ${how.nameOf([...path, name])}: remove one of the two`,
    });
    return;
  }
  group[name] = STAND_IN;
  if (typeof file !== 'string' || file === '') {
    how.problems.push({ path: [...path, key], message: 'must be the path of a file' });
    return;
  }
  const read = readSecretFile(file);
  if ('problem' in read) how.problems.push({ path: [...path, key], message: read.problem });
  else group[name] = read.value;
}

const IN_URL = ['host', 'port', 'database', 'user', 'password'];

function takenFromUrl(source: Raw, at: Path, how: Resolving): Raw {
  const { url, ...beside } = source;
  const twice = IN_URL.filter((key) => key in beside);
  if (twice.length > 0) {
    const names = twice.map((key) => how.nameOf([...at.slice(0, -1), key])).join(', ');
    how.problems.push({
      path: at,
      message: `is set, and so is ${names}: the URL says that already, remove one or the other`,
    });
  }
  const parsed =
    typeof url === 'string'
      ? parseDatabaseUrl(url)
      : { problem: 'must be text like postgresql://user:password@host:5432/database' };
  if ('problem' in parsed) {
    if (url !== STAND_IN) how.problems.push({ path: at, message: parsed.problem });
    const stands = { host: STAND_IN, database: STAND_IN, user: STAND_IN, password: STAND_IN };
    const type = Object.keys(beside).some((key) => POSTGRES_ALONE.includes(key)) ? 'postgres' : 'mysql';
    return { ...beside, ...stands, port: 1, type };
  }
  return { ...(how.foreignIgnored ? withoutForeign(beside, parsed.type) : beside), ...parsed };
}

function withoutForeign(source: Raw, type: 'mysql' | 'postgres'): Raw {
  const foreign = type === 'mysql' ? POSTGRES_ALONE : MYSQL_ALONE;
  return Object.fromEntries(Object.entries(source).filter(([key]) => !foreign.includes(key)));
}
