import type { Path } from './problems.ts';
import { bucketLocation } from './s3-bucket.ts';
import {
  CONFIG_FILE_VARIABLE,
  DEFAULT_CONFIG_FILE,
  MYSQL_VARIABLES,
  POSTGRES_ALONE,
  SETTINGS,
  SOURCE,
} from './settings.ts';
import type { Setting } from './setting.ts';

/** Variables by name, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One value that the environment gives, and where it belongs in the configuration. */
export interface Given {
  variable: string;
  path: Path;
  value: unknown;
}

/** The environment of this process: the only place of the agent that reads it. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

/** What every child process may have: what programs need to run at all, no setting and no secret. */
export function baseEnvironment(environment: Environment): Record<string, string> {
  return picked(environment, (name) => /^(PATH|HOME|USER|LOGNAME|LANG|LC_[A-Z]+|TZ|TMPDIR)$/.test(name));
}

/** Which file holds the YAML form, and whether somebody asked for it by name: then it must be there. */
export function configFile(environment: Environment): { path: string; asked: boolean } {
  const named = environment[CONFIG_FILE_VARIABLE];
  return named ? { path: named, asked: true } : { path: DEFAULT_CONFIG_FILE, asked: false };
}

/**
 * What the environment gives, as values of the configuration. A variable that is empty counts as not set: that is what
 * `NAME: ${NAME:-}` in a compose file leaves behind. `…_FILE` variables become the `…_file` keys of the file form,
 * and `S3_BUCKET` the location that it stands for.
 */
export function settingsOf(environment: Environment): Given[] {
  const asksForMysql = MYSQL_VARIABLES.some((name) => environment[name]);
  const asksForUrl = ['DATABASE_URL', 'DATABASE_URL_FILE'].some((name) => environment[name]);
  const given = SETTINGS.flatMap((setting) => settingGiven(environment, setting)).filter(
    // Without a database to name, what only describes one is of no use: MYSQL_TLS, BACKUP_COMPRESSION, …
    ({ path }) => path[0] !== 'sources' || asksForMysql || asksForUrl,
  );
  if (asksForMysql && !asksForUrl) {
    const without = given.filter(({ path }) => !POSTGRES_ALONE.includes(path[2]));
    given.splice(
      0,
      Infinity,
      { variable: 'MYSQL_HOST', path: ['sources', SOURCE, 'type'], value: 'mysql' },
      ...without,
    );
  }
  const bucket = bucketLocation(environment);
  if (bucket !== null && !environment['RESTIC_REPOSITORY'] && !environment['RESTIC_REPOSITORY_FILE'])
    given.push({ variable: 'S3_BUCKET', path: ['repository', 'location'], value: bucket });
  const backend = Object.entries(picked(environment, isBackendVariable)).map(([variable, value]) => ({
    variable,
    path: ['repository', 'environment', variable],
    value,
  }));
  return [...given, ...backend];
}

function settingGiven(environment: Environment, setting: Setting): Given[] {
  const { variable, path } = setting;
  if (variable === null) return [];
  const given: Given[] = [];
  const value = environment[variable];
  if (value) given.push({ variable, path, value: formed(value, setting) });
  const file = setting.secret && environment[`${variable}_FILE`];
  if (file)
    given.push({
      variable: `${variable}_FILE`,
      path: [...path.slice(0, -1), `${String(path.at(-1))}_file`],
      value: file,
    });
  return given;
}

function formed(value: string, { form }: Setting): unknown {
  if (form === 'number' && /^-?\d+(\.\d+)?$/.test(value.trim())) return Number(value);
  if (form === 'list')
    return value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  return value;
}

/** What restic reads by itself: its backends' variables, its own, and how to get through a proxy. */
function isBackendVariable(name: string): boolean {
  if (OURS.has(name)) return false;
  return (
    /^(AWS|B2|AZURE|GOOGLE|OS|ST|RCLONE|RESTIC)_/.test(name) ||
    /^(https?|all|no)_proxy$/i.test(name) ||
    ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'SSH_AUTH_SOCK'].includes(name)
  );
}

/** restic's variables that Holdfast decides about. */
const OURS = new Set([
  'RESTIC_REPOSITORY',
  'RESTIC_REPOSITORY_FILE',
  'RESTIC_PASSWORD',
  'RESTIC_PASSWORD_FILE',
  'RESTIC_PASSWORD_COMMAND',
  'RESTIC_CACHE_DIR',
  'RESTIC_HOST',
]);

function picked(environment: Environment, wanted: (name: string) => boolean): Record<string, string> {
  const entries = Object.entries(environment).filter(([name, value]) => value && wanted(name));
  return Object.fromEntries(entries) as Record<string, string>;
}
