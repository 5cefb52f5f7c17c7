import type { PostgresSourceConfig } from '../../config/config.ts';

/**
 * How libpq's programs connect, all of it in the child's own environment: neither the password nor the database's name
 * ever stands on a command line, and PGDATABASE, unlike `--dbname`, is a name and never a connection string.
 */
export function postgresEnvironment(config: PostgresSourceConfig, caFile: string): Record<string, string> {
  return {
    PGHOST: config.host,
    PGPORT: String(config.port),
    PGUSER: config.user,
    PGPASSWORD: config.password,
    PGDATABASE: config.database,
    PGSSLMODE: config.sslMode,
    ...(config.sslMode.startsWith('verify') ? { PGSSLROOTCERT: caFile } : {}),
    PGAPPNAME: 'holdfast',
    PGCONNECT_TIMEOUT: '10',
    // No file of the machine may add to it.
    PGPASSFILE: '/dev/null',
    PGSERVICEFILE: '/dev/null',
    PGOPTIONS: '',
  };
}
