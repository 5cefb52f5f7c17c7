import type { MysqlSession } from './session.ts';

/** What SHOW GRANTS says of an account (and its active roles), as questions that can be asked. */
export interface MysqlGrants {
  /** Whether a privilege holds for everything in a database, by a global grant or one on the database. */
  onDatabase(privilege: string, database: string): boolean;
  /** Whether it holds for one table or view, by any grant that covers the whole of it. */
  onTable(privilege: string, database: string, table: string): boolean;
  /** Whether it holds for all databases. */
  globally(privilege: string): boolean;
}

interface Grant {
  revoked: boolean;
  privileges: Set<string>;
  /** Null for `*`. The database may be a pattern, the table never is. */
  database: string | null;
  table: string | null;
}

/** Privileges that ALL does not include. */
const NOT_IN_ALL = new Set(['GRANT OPTION', 'PROXY']);

/** What the session's own account may do. */
export async function readGrants(session: MysqlSession): Promise<MysqlGrants> {
  const rows = await session.query('SHOW GRANTS');
  const lines = rows.map((row) => String(Object.values(row)[0]));
  return readMysqlGrants(lines, { wildcards: !(await takesWildcardsLiterally(session)) });
}

async function takesWildcardsLiterally(session: MysqlSession): Promise<boolean> {
  const rows = await session.query("SHOW VARIABLES LIKE 'partial_revokes'");
  return rows.some((row) => /^(on|1)$/i.test(String(row.Value)));
}

/** Whether it may make objects that run as somebody else. */
export function mayNameDefiners(grants: MysqlGrants): boolean {
  return ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER'].some((right) => grants.globally(right));
}

/** Reads the lines of SHOW GRANTS. `wildcards`: false where the server takes `_` and `%` literally (partial_revokes). */
export function readMysqlGrants(lines: string[], options: { wildcards: boolean }): MysqlGrants {
  const grants = lines.map(parseGrant).filter((grant) => grant !== null);
  const given = grants.filter((grant) => !grant.revoked);
  const revokes = grants.filter((grant) => grant.revoked);

  const globally = (privilege: string) =>
    given.some((grant) => grant.database === null && holds(grant, privilege));
  const onDatabase = (privilege: string, database: string) => {
    const revoked = revokes.some((grant) => grant.database === database && holds(grant, privilege));
    if (globally(privilege) && !revoked) return true;
    const decisive = decisivePatterns(given, database, options.wildcards);
    return (
      decisive.length > 0 &&
      decisive.every((pattern) =>
        given.some((grant) => grant.database === pattern && grant.table === null && holds(grant, privilege)),
      )
    );
  };
  const onTable = (privilege: string, database: string, table: string) =>
    onDatabase(privilege, database) ||
    given.some((grant) => grant.database === database && grant.table === table && holds(grant, privilege));
  return { globally, onDatabase, onTable };
}

function holds(grant: Grant, privilege: string): boolean {
  if (grant.privileges.has(privilege)) return true;
  return grant.privileges.has('ALL PRIVILEGES') && !NOT_IN_ALL.has(privilege);
}

/**
 * Of several database grants that match, the server obeys one alone: the most exact, whose first wildcard comes latest.
 * Which of two equally exact ones is its own business, so that both must hold.
 */
function decisivePatterns(given: Grant[], database: string, wildcards: boolean): string[] {
  const matching = given
    .filter((grant) => grant.table === null)
    .map((grant) => grant.database)
    .filter((pattern) => pattern !== null)
    .filter((pattern) => matches(pattern, database, wildcards));
  const latest = Math.max(...matching.map(firstWildcard));
  return matching.filter((pattern) => firstWildcard(pattern) === latest);
}

function matches(pattern: string, database: string, wildcards: boolean): boolean {
  if (!wildcards) return pattern === database || unescapePattern(pattern) === database;
  let expression = '';
  for (let i = 0; i < pattern.length; i += 1) {
    const character = pattern.charAt(i);
    if (character === '\\' && i + 1 < pattern.length) expression += literal(pattern.charAt((i += 1)));
    else if (character === '_') expression += '.';
    else if (character === '%') expression += '.*';
    else expression += literal(character);
  }
  return new RegExp(`^${expression}$`, 'su').test(database);
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}

function firstWildcard(pattern: string): number {
  const at = /(?<!\\)(?:\\\\)*[_%]/.exec(pattern);
  return at === null ? Number.POSITIVE_INFINITY : at.index;
}

function unescapePattern(pattern: string): string {
  return pattern.replace(/\\([_%\\])/g, '$1');
}

/** `GRANT SELECT, SHOW VIEW (…) ON `db`.`table` TO …`; null for roles, routines, proxies and what else grants nothing to read. */
function parseGrant(line: string): Grant | null {
  const head = /^(GRANT|REVOKE) /.exec(line);
  if (head === null) return null;
  const on = indexOutsideQuotes(line, ' ON ');
  const end = indexOutsideQuotes(line, head[1] === 'GRANT' ? ' TO ' : ' FROM ');
  if (on === -1 || end < on) return null;
  const object = parseObject(line.slice(on + ' ON '.length, end));
  if (object === null) return null;
  const privileges = splitOutsideQuotes(line.slice(head[0].length, on)).map((text) =>
    text.trim().toUpperCase(),
  );
  // A privilege with columns behind it covers some columns only: it never stands for the table.
  return {
    revoked: head[1] === 'REVOKE',
    privileges: new Set(privileges.filter((text) => !text.includes('('))),
    ...object,
  };
}

function parseObject(text: string): { database: string | null; table: string | null } | null {
  const match = /^(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`)$/.exec(text.replace(/^TABLE /, ''));
  if (match === null) return null;
  return { database: unquote(match[1]), table: unquote(match[2]) };
}

function unquote(text: string | undefined): string | null {
  return text === undefined || text === '*' ? null : text.slice(1, -1).replaceAll('``', '`');
}

function indexOutsideQuotes(text: string, needle: string): number {
  const blanked = text.replace(/`(?:[^`]|``)*`|'(?:[^']|'')*'/g, (quoted) => '\0'.repeat(quoted.length));
  return blanked.indexOf(needle);
}

function splitOutsideQuotes(text: string): string[] {
  return text.match(/(?:[^,(`]|\((?:[^)`]|`(?:[^`]|``)*`)*\)|`(?:[^`]|``)*`)+/g) ?? [];
}
