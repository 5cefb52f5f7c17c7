import type { MysqlSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { howToSet } from '../../core/how-to-set.ts';
import { errorFields } from '../error-fields.ts';
import { reasonOf, unreachableHint } from '../unreachable.ts';

const LOST = 'the server closed the connection';
const FAILED = 'the connection failed';

/** What a failed attempt to connect means for the person who configured it. */
export function connectError(config: MysqlSourceConfig, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message } = errorFields(error);
  const where = config.host.startsWith('/') ? config.host : `${config.host}:${config.port}`;
  if (code.startsWith('ER_ACCESS_DENIED')) return denied(config, message, error);
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') {
    return new HoldfastError(
      'source_unreachable',
      `${where} does not offer TLS, which source ${config.name} asks for`,
      {
        hint: `Give the server a certificate, or set ${tls(config, 'preferred')}.`,
        cause: error,
      },
    );
  }
  if (code.startsWith('ER_')) {
    return new HoldfastError('source_denied', `${where} turned ${config.user} away: ${message}`, {
      cause: error,
    });
  }
  const reason = code === 'PROTOCOL_CONNECTION_LOST' ? LOST : (reasonOf(code) ?? (message || code || FAILED));
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
  if (code.includes('DENIED')) {
    const hint = mend === null ? undefined : `Run as an administrator of the server: ${mend}`;
    return new HoldfastError('rights_missing', `${what}: ${message}`, { hint, cause: error });
  }
  const kind = isConnectionLost(error) ? 'source_unreachable' : 'failed';
  return new HoldfastError(kind, `${what}: ${message}`, { cause: error });
}

export function isConnectionLost(error: unknown): boolean {
  return /^(PROTOCOL_|ECONN|EPIPE|ETIMEDOUT)/.test(errorFields(error).code);
}

/** The server's code for an error of a statement, for example `ER_DB_CREATE_EXISTS`. */
export function codeOf(error: unknown): string {
  return errorFields(error).code;
}

function denied(config: MysqlSourceConfig, message: string, cause: unknown): HoldfastError {
  const account = /'([^']*)'@'([^']*)'/.exec(message);
  const host = account?.[2] ?? 'this host';
  return new HoldfastError('source_denied', `the server refuses ${config.user} from ${host}: ${message}`, {
    hint:
      `Check user and password of source ${config.name}. If both are right: an account for a more exact host wins over ` +
      `'${config.user}'@'%', even the anonymous ''@'${host}' of a fresh MariaDB ` +
      `(SELECT user, host FROM mysql.user; then DROP USER ''@'${host}').`,
    cause,
  });
}

function hintOf(config: MysqlSourceConfig, code: string, message: string): string {
  if (/certificate|self.signed/i.test(message)) {
    const authority = howToSet(config, { variable: 'MYSQL_TLS_CA', key: 'tls_ca', value: 'FILE' });
    return `Mount a file with the authority that signed it, and set ${authority}. Encrypted without that proof: ${tls(config, 'required')}.`;
  }
  return unreachableHint(config, code);
}

function tls(config: MysqlSourceConfig, value: MysqlSourceConfig['tls']): string {
  return howToSet(config, { variable: 'MYSQL_TLS', key: 'tls', value });
}
