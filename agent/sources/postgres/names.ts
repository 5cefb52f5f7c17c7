/** The one function that quotes identifiers for PostgreSQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal, whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

/**
 * A database's name as a conninfo string. Where libpq's programs take a database on the command line, a name such as
 * `host=elsewhere` would be read as one; a conninfo that holds nothing but the quoted name is read once and no further.
 */
export function databaseConninfo(name: string): string {
  return `dbname='${name.replace(/[\\']/g, '\\$&')}'`;
}

/** `schema.table` as a pattern of pg_dump that matches nothing else. */
export function tablePattern(schema: string, table: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}
