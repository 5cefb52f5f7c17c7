/** The one function that quotes identifiers for MySQL and MariaDB. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/**
 * An SQL condition: a column of information_schema holds this very name of a database. Some of its tables compare without regard to case even
 * where two databases may differ in nothing else; compared as it is, too, the name lets the server look at that database alone.
 */
export function isDatabase(column: string, database: string): string {
  const name = quoteText(database);
  return `(${column} = ${name} AND CAST(${column} AS BINARY) = ${name})`;
}

/** A database name as a pattern in GRANT … ON, where `_` and `%` are wildcards unless escaped. */
export function quotePattern(name: string): string {
  return quoteName(name.replace(/[\\_%]/g, '\\$&'));
}

/** `user@host` as CURRENT_USER() gives it, quoted for a GRANT; the host never holds an `@`, the user may. */
export function quoteAccount(account: string): string {
  const at = account.lastIndexOf('@');
  const [user, host] = at === -1 ? [account, '%'] : [account.slice(0, at), account.slice(at + 1)];
  return `${quoteText(user)}@${quoteText(host)}`;
}

/** A string literal that is the same with and without NO_BACKSLASH_ESCAPES as long as it holds no backslash. */
function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** The same as the server writes it behind DEFINER=. */
export function quoteDefiner(account: string): string {
  const at = account.lastIndexOf('@');
  return `${quoteName(account.slice(0, at))}@${quoteName(account.slice(at + 1))}`;
}
