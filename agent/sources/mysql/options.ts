import type { MysqlSourceConfig } from '../../config/config.ts';
import type { Flavour } from './session.ts';

/**
 * The option file of one client run: how to connect and as whom. Nothing else is read (`--defaults-file`),
 * so neither a ~/.my.cnf nor the machine's own settings bend a dump.
 */
export function optionFile(
  config: MysqlSourceConfig,
  link: { flavour: Flavour; encrypted: boolean; caFile: string },
): string {
  const where = config.host.startsWith('/')
    ? [option('socket', config.host)]
    : [option('host', config.host), option('port', String(config.port)), 'protocol=TCP'];
  const who = [option('user', config.user), option('password', config.password)];
  const tls = link.flavour === 'mariadb' ? mariadbTls(config, link) : mysqlTls(config, link);
  return ['[client]', ...where, ...who, ...tls, ''].join('\n');
}

/** One line; quotes, `#`, backslashes and spaces survive: double quotes around, escapes inside. */
export function option(name: string, value: string): string {
  const escapes: Record<string, string> = {
    '\\': '\\\\',
    '"': '\\"',
    "'": "\\'",
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\b': '\\b',
  };
  return `${name}="${value.replace(/[\\"'\n\r\t\b]/g, (character) => escapes[character] ?? character)}"`;
}

/**
 * MariaDB's client from 11.4 on verifies certificates unless told otherwise and takes `ssl` for "TLS or nothing",
 * older ones have no TLS unless told. What `preferred` means was settled when the source was probed.
 */
function mariadbTls(config: MysqlSourceConfig, link: { encrypted: boolean; caFile: string }): string[] {
  if (!link.encrypted) return ['skip-ssl'];
  if (config.tls === 'verify') return ['ssl', 'ssl-verify-server-cert', option('ssl-ca', link.caFile)];
  return ['ssl', 'loose-skip-ssl-verify-server-cert'];
}

/** Without TLS the server's public key must be asked for, or caching_sha2_password refuses who is not in its cache. */
function mysqlTls(config: MysqlSourceConfig, link: { encrypted: boolean; caFile: string }): string[] {
  if (!link.encrypted) return ['ssl-mode=DISABLED', 'get-server-public-key'];
  if (config.tls === 'verify') return ['ssl-mode=VERIFY_IDENTITY', option('ssl-ca', link.caFile)];
  return ['ssl-mode=REQUIRED'];
}
