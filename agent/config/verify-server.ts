import type { SourceConfig } from './config.ts';
import type { Problem } from './problems.ts';
import { isGroup, type Raw } from './raw.ts';
import type { ParsedConfig } from './schema.ts';
import { THROW_AWAY } from './url.ts';

type ParsedServer = NonNullable<ParsedConfig['sources'][number]['verify']['server']>;
type StandingServer = Exclude<ParsedServer, { type: typeof THROW_AWAY }>;

/** A source as it would be on another server, where scratch databases are made; or the word for one that is started for it. */
export function serverOf(source: SourceConfig, server: ParsedServer): SourceConfig | typeof THROW_AWAY {
  return server.type === THROW_AWAY ? THROW_AWAY : standing(source, server);
}

function standing(source: SourceConfig, server: StandingServer): SourceConfig {
  const { host, database, user, password } = server;
  const where = { host, database, user, password, verify: { server: null, queries: [] } };
  return source.type === 'postgres'
    ? {
        ...source,
        ...where,
        port: server.port ?? 5432,
        sslMode: server.sslmode ?? source.sslMode,
        caFile: server.sslrootcert ?? source.caFile,
      }
    : {
        ...source,
        ...where,
        port: server.port ?? 3306,
        tls: server.tls ?? source.tls,
        caFile: server.tls_ca ?? source.caFile,
      };
}

/** A server of another kind holds no scratch, and a URL that names a source's own database is a slip that must not be tried. */
export function unfitServers(raw: Raw): Problem[] {
  const sources = (Array.isArray(raw['sources']) ? raw['sources'] : []).filter(isGroup);
  return sources.flatMap((source, i) => {
    const server = isGroup(source['verify']) ? source['verify']['server'] : undefined;
    if (!isGroup(server) || server['type'] === THROW_AWAY) return [];
    const path = ['sources', i, 'verify', 'server'];
    if (kindOf(server) !== kindOf(source)) {
      return [
        {
          path,
          message: `is a server of ${kindOf(server)}; it must be of ${kindOf(source)}, as the source is`,
        },
      ];
    }
    const own = sources.find((other) => placeOf(other) === placeOf(server));
    if (own === undefined) return [];
    const name = String(own['name'] ?? own['database']);
    return [{ path, message: `names the database of source ${name}; name another one of that server` }];
  });
}

function kindOf({ type }: Raw): string {
  return type === 'postgres' ? 'PostgreSQL' : 'MySQL or MariaDB';
}

function placeOf(source: Raw): string {
  const port = source['port'] ?? (source['type'] === 'postgres' ? 5432 : 3306);
  return JSON.stringify([source['host'], port, source['database']]);
}
