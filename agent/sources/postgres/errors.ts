import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { howToSet } from '../../core/how-to-set.ts';
import { errorFields } from '../error-fields.ts';
import { reasonOf, unreachableHint } from '../unreachable.ts';

/** What a failed attempt to connect means for the person who configured it. */
export function connectError(config: PostgresSourceConfig, database: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message } = errorFields(error);
  const where = config.host.startsWith('/') ? config.host : `${config.host}:${config.port}`;
  if (/^(28|3D|42)/.test(code)) {
    return new HoldfastError('source_denied', `the server at ${where} refuses ${config.user}: ${message}`, {
      hint: deniedHint(config, database, code, message),
      cause: error,
    });
  }
  const reason = reasonOf(code) ?? (message || code || 'the connection failed');
  return new HoldfastError(
    'source_unreachable',
    `cannot reach the database of source ${config.name} at ${where}: ${reason}`,
    { hint: hintOf(config, code, message), cause: error },
  );
}

/** What a refused statement means; anything else stays what it is. `mend` is the statement that would allow it. */
export function statementError(error: unknown, what: string, mend: string | null): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message } = errorFields(error);
  if (code === '42501') {
    const hint = mend === null ? undefined : `Run as an administrator of the server: ${mend}`;
    return new HoldfastError('rights_missing', `${what}: ${message}`, { hint, cause: error });
  }
  // A connection that was ended between two statements is "not queryable" for the driver.
  const lost =
    /^(08|57P|ECONN|EPIPE|ETIMEDOUT)/.test(code) || /Connection terminated|not queryable/.test(message);
  return new HoldfastError(lost ? 'source_unreachable' : 'failed', `${what}: ${message}`, { cause: error });
}

/** SQLSTATE of a statement's error, or the system's code. */
export function codeOf(error: unknown): string {
  return errorFields(error).code;
}

function deniedHint(config: PostgresSourceConfig, database: string, code: string, message: string): string {
  if (code === '28P01') return `Check user and password of source ${config.name}.`;
  if (code === '3D000') return `Check the database's name in source ${config.name} (psql -l lists them).`;
  if (code === '42501')
    return `Run as an administrator of the server: GRANT CONNECT ON DATABASE "${database}" TO "${config.user}";`;
  if (!message.includes('pg_hba.conf')) return `Check user and password of source ${config.name}.`;
  const line = `Add a line for it to the server's pg_hba.conf, such as "${hbaLine(config, database)}", then SELECT pg_reload_conf();`;
  // Tried both ways where the mode is prefer or allow; otherwise the other way may be open.
  if (config.sslMode === 'disable')
    return `The server may want TLS: set ${sslMode(config, 'require')}. ${line}`;
  if (config.sslMode === 'prefer' || config.sslMode === 'allow') return line;
  return `The server may want no TLS: set ${sslMode(config, 'disable')}. ${line}`;
}

function hbaLine(config: PostgresSourceConfig, database: string): string {
  return `host "${database}" "${config.user}" samenet scram-sha-256`;
}

function hintOf(config: PostgresSourceConfig, code: string, message: string): string {
  if (message.includes('does not support SSL')) {
    return `Give the server a certificate (ssl = on), or set ${sslMode(config, 'prefer')}.`;
  }
  if (/certificate|self.signed/i.test(message)) {
    const authority = howToSet(config, { variable: 'PGSSLROOTCERT', key: 'sslrootcert', value: 'FILE' });
    return `Mount a file with the authority that signed it, and set ${authority}. Encrypted without that proof: ${sslMode(config, 'require')}.`;
  }
  return unreachableHint(config, code);
}

function sslMode(config: PostgresSourceConfig, value: PostgresSourceConfig['sslMode']): string {
  const setting = howToSet(config, { variable: 'PGSSLMODE', key: 'sslmode', value });
  return `${setting} (an sslmode in the URL wins over it)`;
}
