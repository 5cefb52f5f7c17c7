/** Stands where a URL names a server for scratch databases: one of the agent's own is started for each verification. */
export const THROW_AWAY = 'throw-away';

/** A database URL, taken apart; the keys are those of a source in the configuration file. */
export interface DatabaseUrl {
  type: 'mysql' | 'postgres';
  host: string;
  port?: number;
  database: string;
  user: string;
  password: string;
  sslmode?: string;
  sslrootcert?: string;
  tls?: string;
  tls_ca?: string;
}

/**
 * Takes a database URL apart. A problem is a sentence part to be read behind the name of the setting; it tells nothing of the
 * URL but its scheme and the names of its parameters, since people put passwords in every other place of it.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl | { problem: string } {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  const type = scheme === undefined ? undefined : TYPES[scheme];
  if (scheme === 'sqlite' || scheme === 'file')
    return { problem: 'names an SQLite file; SQLite is not supported yet' };
  if (type === undefined) {
    const given = scheme === undefined ? 'has no scheme' : `starts with ${scheme}:`;
    return { problem: `${given}; it must start with postgresql://, postgres://, mysql:// or mariadb://` };
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  const whole = url?.hash === '' && text.slice(scheme?.length).startsWith('://');
  const parts = url !== null && whole ? decoded(url) : null;
  return url === null || parts === null ? { problem: MALFORMED } : takenApart(type, url, parts);
}

const TYPES: Record<string, 'mysql' | 'postgres'> = {
  postgresql: 'postgres',
  postgres: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
};

const MALFORMED =
  'cannot be taken apart; it must look like postgresql://user:password@host:5432/database, with every @ : / ? # % and space in user, password and database percent-encoded (@ is %40)';

/** Parameters that change where or how a client connects: obeyed or refused, never passed over. */
const CONNECTING =
  /^(ssl|tls|gss|host|port|user|password|dbname|service|options|socket|unix|channel|requirepeer|krb)/i;

interface Parts {
  host: string;
  user: string;
  password: string;
  database: string;
}

function decoded(url: URL): Parts | null {
  try {
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    return null;
  }
}

function takenApart(type: DatabaseUrl['type'], url: URL, parts: Parts): DatabaseUrl | { problem: string } {
  const missing = (['host', 'user', 'database'] as const).filter((part) => parts[part] === '');
  if (missing.length > 0) return { problem: `names no ${missing.join(', no ')}` };
  const result: DatabaseUrl = { type, ...parts };
  if (url.port !== '') result.port = Number(url.port);
  for (const [name, value] of url.searchParams) {
    if (type === 'postgres' && (name === 'sslmode' || name === 'sslrootcert')) result[name] = value;
    else if (type === 'mysql' && (name === 'tls' || name === 'tls_ca')) result[name] = value;
    else if (CONNECTING.test(name))
      return { problem: `has the parameter ${name}, which is not understood here${REMEDY[type]}` };
  }
  return result;
}

const REMEDY = {
  mysql: '; tls=… and tls_ca=… are',
  postgres: '; sslmode=… and sslrootcert=… are',
} as const;
