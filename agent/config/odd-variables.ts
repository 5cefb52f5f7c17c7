import type { Environment } from './environment.ts';
import { nearest } from './problems.ts';
import { BACKEND_SECRETS } from './secrets.ts';
import { COMPOSE_VARIABLES, RESTIC_VARIABLES, SENTINEL_VARIABLES } from './others-variables.ts';
import { S3_VARIABLES } from './s3-bucket.ts';
import { CONFIG_FILE_VARIABLE, SETTINGS } from './settings.ts';

/** Variables that look like a slip of the pen or that nobody obeys; sentence parts that name them. */
export interface Odd {
  /** Meant for the agent: obeying the rest would be another backup than was asked for. */
  refused: string[];
  /** Meant for others (the sentinel, restic, the compose files), which the agent can only tell of. */
  warnings: string[];
}

export function oddVariables(environment: Environment): Odd {
  const slip = (name: string, known: readonly string[]) => {
    const meant = meantBy(name, known);
    // Where what was meant is set too, this one belongs to somebody else.
    return meant === null || environment[meant] ? null : `${name} is no setting; did you mean ${meant}?`;
  };
  const odd: Odd = { refused: [], warnings: [] };
  for (const name of Object.keys(environment).filter((given) => environment[given] && !KNOWN.has(given))) {
    const refused = OWN.test(name) ? slip(name, AGENTS) : null;
    const warning = slip(name, OTHERS) ?? unknown(name);
    if (refused !== null) odd.refused.push(refused);
    else if (warning !== null) odd.warnings.push(warning);
  }
  if (environment['RESTIC_PASSWORD_COMMAND']) {
    odd.refused.push(
      'RESTIC_PASSWORD_COMMAND is not obeyed; give the password as RESTIC_PASSWORD or RESTIC_PASSWORD_FILE',
    );
  }
  odd.warnings.push(...unreadPostgres(environment));
  return odd;
}

/** Prefixes that are the agent's own. */
const OWN = /^(BACKUP|VERIFY|HOLDFAST|MYSQL)_/;
/**
 * What begins so and is unknown is worth a word, but for what a service called backup brings along (BACKUP_PORT, BACKUP_SERVICE_HOST) and the
 * scripts of the clone have of their own. MYSQL_ is not among them: the database server's own image reads many.
 */
const OURS_ALONE = /^(BACKUP|VERIFY|HOLDFAST|TENANT)_(?!(.*_)?(PORT|SERVICE)(_|$)|(ROOT|BIN|CACHE)$)/;

const SETTING_NAMES = [
  ...SETTINGS.flatMap(({ variable, secret }) =>
    variable === null ? [] : secret ? [variable, `${variable}_FILE`] : [variable],
  ),
  CONFIG_FILE_VARIABLE,
];
const AGENTS = SETTING_NAMES.filter((name) => OWN.test(name));
const OTHERS = [
  ...SETTING_NAMES.filter((name) => !OWN.test(name)),
  ...BACKEND_SECRETS.flatMap((name) => [name, `${name}_FILE`]),
  ...RESTIC_VARIABLES,
  ...S3_VARIABLES,
  ...SENTINEL_VARIABLES,
  ...COMPOSE_VARIABLES,
];
const KNOWN = new Set<string>([...AGENTS, ...OTHERS]);

function unknown(name: string): string | null {
  if (name.startsWith('SENTINEL_'))
    return `${name} is no setting of the sentinel; there are ${SENTINEL_VARIABLES.join(', ')}`;
  return OURS_ALONE.test(name)
    ? `${name} is no setting, and nothing obeys it; docs/configuration.md names all there are`
    : null;
}

/** The known variable of the same prefix that is nearest; the prefix itself is taken as it is. */
function meantBy(name: string, known: readonly string[]): string | null {
  const prefix = /^(?:PG|[A-Z0-9]+_)/.exec(name)?.[0];
  if (prefix === undefined) return null;
  const rests = known.filter((other) => other.startsWith(prefix)).map((other) => other.slice(prefix.length));
  const meant = nearest(name.slice(prefix.length), rests);
  return meant === null ? null : prefix + meant;
}

/** What people write by analogy with MYSQL_HOST, or because libpq reads it. */
function unreadPostgres(environment: Environment): string[] {
  if (environment['DATABASE_URL'] || environment['DATABASE_URL_FILE']) return [];
  const unread = ['POSTGRES_HOST', 'PGHOST'].filter((name) => environment[name]);
  return unread.map(
    (name) =>
      `${name} is not read; a PostgreSQL database is named by DATABASE_URL=postgresql://user:password@host:5432/database`,
  );
}
