import type { PostgresSourceConfig } from '../config/config.ts';
import { HoldfastError } from '../core/errors.ts';
import { errorFields } from './error-fields.ts';

/** What a failed attempt to connect means for the person who configured it. */
export function connectError(config: PostgresSourceConfig, database: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message } = errorFields(error);
  const where = config.host.startsWith('/') ? config.host : `${config.host}:${config.port}`;
  if (/^(28|3D|42)/.test(code)) {
    return new HoldfastError('source_denied', `the server at ${where} refuses ${config.user}: ${message}`, {
      hint: deniedHint(config, database, code),
      cause: error,
    });
  }
  return new HoldfastError(
    'source_unreachable',
    `cannot reach the database of source ${config.name} at ${where}: ${reasonOf(code, message)}`,
    {
      hint:
        code === 'ENOTFOUND' || code === 'EAI_AGAIN'
          ? 'Check the host; in compose it is the service name, and both services must share a network.'
          : 'See whether the database runs (docker compose ps), then run `holdfast doctor`.',
      cause: error,
    },
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
  const lost = /^(08|57P|ECONN|EPIPE|ETIMEDOUT)/.test(code) || message.includes('Connection terminated');
  return new HoldfastError(lost ? 'source_unreachable' : 'failed', `${what}: ${message}`, { cause: error });
}

/** SQLSTATE of a statement's error, or the system's code. */
export function codeOf(error: unknown): string {
  return errorFields(error).code;
}

function deniedHint(config: PostgresSourceConfig, database: string, code: string): string {
  if (code === '28P01') return `Check user and password of source ${config.name}.`;
  if (code === '3D000') return `Check the database's name in source ${config.name} (psql -l lists them).`;
  if (code === '42501')
    return `Run as an administrator of the server: GRANT CONNECT ON DATABASE "${database}" TO "${config.user}";`;
  return `Allow ${config.user} in the server's pg_hba.conf, and check sslMode of source ${config.name}.`;
}

function reasonOf(code: string, message: string): string {
  const reasons: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the name cannot be resolved now',
    ETIMEDOUT: 'no answer',
    ENOENT: 'there is no such socket',
  };
  return reasons[code] ?? (message || code || 'the connection failed');
}
