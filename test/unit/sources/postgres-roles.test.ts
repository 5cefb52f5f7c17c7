import { describe, expect, test } from 'vitest';
import { chooseRoles } from '../../../agent/sources/postgres/roles/choose.ts';
import { readGlobals } from '../../../agent/sources/postgres/roles/globals-script.ts';
import { rolesNamedBy } from '../../../agent/sources/postgres/roles/named.ts';
import { planRoles } from '../../../agent/sources/postgres/roles/plan.ts';
import type { RolesThere } from '../../../agent/sources/postgres/roles/server.ts';

const SCRIPT = String.raw`--
-- PostgreSQL database cluster dump
--

\restrict LYGjP3rDan6Guu4XFQikNbI35Rnk70RihRdQDcOM9uHi0UC3kCidFUJpJcyJNVC

SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

CREATE ROLE "a;""b";
ALTER ROLE "a;""b" WITH NOSUPERUSER INHERIT NOCREATEROLE CREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:x;y' VALID UNTIL '2040-01-01 00:00:00+00';
COMMENT ON ROLE "a;""b" IS E'it''s; a \\ \' role';
CREATE ROLE boss;
ALTER ROLE boss WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS PASSWORD 'md5abc';
CREATE ROLE grp;
ALTER ROLE grp WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE above;
ALTER ROLE above WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE beside;
ALTER ROLE beside WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
-- User Config "grp"; CREATE ROLE in_a_comment;
ALTER ROLE grp SET search_path TO 'a', 'B c; d';
ALTER ROLE grp SET "my.secret" TO 'hush';

GRANT above TO grp WITH INHERIT FALSE, SET TRUE GRANTED BY boss;
GRANT above TO beside GRANTED BY boss;
GRANT grp TO "a;""b" WITH ADMIN OPTION, INHERIT TRUE GRANTED BY boss;
GRANT pg_monitor TO grp GRANTED BY boss;
GRANT SET ON PARAMETER log_statement TO grp;

CREATE TABLESPACE fast OWNER boss LOCATION '/srv/fast';
GRANT CREATE ON TABLESPACE fast TO grp;

\unrestrict LYGjP3rDan6Guu4XFQikNbI35Rnk70RihRdQDcOM9uHi0UC3kCidFUJpJcyJNVC

--
-- PostgreSQL database cluster dump complete
--

`;

/** As pg_dumpall 17 writes what a role with CREATEROLE made. */
const OF_17 = `SET standard_conforming_strings = on;
CREATE ROLE app_owner;
ALTER ROLE app_owner WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE master;
ALTER ROLE master WITH NOSUPERUSER INHERIT CREATEROLE CREATEDB LOGIN NOREPLICATION NOBYPASSRLS PASSWORD 'SCRAM-SHA-256$4096:x;y';
CREATE ROLE reports;
ALTER ROLE reports WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE stranger;
ALTER ROLE stranger WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS PASSWORD 'SCRAM-SHA-256$4096:z';
GRANT app_owner TO master WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY postgres;
GRANT app_owner TO master WITH INHERIT TRUE GRANTED BY master;
GRANT reports TO master WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY postgres;
GRANT stranger TO master WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY postgres;
--
-- PostgreSQL database cluster dump complete
--
`;

async function* inPieces(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}

const there = (user: Partial<RolesThere> = {}): RolesThere => ({
  major: 16,
  user: 'boss',
  powers: new Set(['SUPERUSER', 'CREATEROLE']),
  roles: new Map([
    ['boss', true],
    ['pg_monitor', false],
  ]),
  tablespaces: new Set(['pg_default']),
  ...user,
});
const lacking = (...roles: string[]) => ({
  roles,
  owners: [],
  wished: [],
  tablespaces: [],
  traits: [],
  made: null,
  unlike: [],
});

describe('stored globals', () => {
  test('roles, memberships and rights on parameters are read, whatever is in names and literals; tablespaces are none of it', async () => {
    const { roles, memberships, parameterRights } = await readGlobals(inPieces(SCRIPT));
    expect([...roles.keys()]).toEqual(['a;"b', 'boss', 'grp', 'above', 'beside']);
    expect(roles.get('a;"b')).toEqual({
      name: 'a;"b',
      attributes: ['CREATEDB', 'LOGIN', 'CONNECTION LIMIT 3'],
      password: `'SCRAM-SHA-256$4096:x;y'`,
      validUntil: `'2040-01-01 00:00:00+00'`,
      comment: String.raw`E'it''s; a \\ \' role'`,
      settings: [],
    });
    expect(roles.get('grp')?.settings).toEqual([`search_path TO 'a', 'B c; d'`, `"my.secret" TO 'hush'`]);
    expect(memberships).toContainEqual({
      ...{ role: 'grp', member: 'a;"b' },
      ...{ admin: true, inherit: true, set: true },
    });
    expect(parameterRights).toEqual([{ role: 'grp', sql: 'GRANT SET ON PARAMETER log_statement TO grp' }]);
  });

  test.each([
    ['cut short', SCRIPT.slice(0, SCRIPT.indexOf('GRANT above')), /without their last line/],
    ['of another encoding', SCRIPT.replace('grp', '\u00e9'), /not written in UTF-8/],
    [
      'with an attribute that nobody knows',
      SCRIPT.replace('NOSUPERUSER NOINHERIT', 'MAYDOALL NOINHERIT'),
      /an attribute of role "grp" is not known/,
    ],
    [
      'with other strings',
      SCRIPT.replace('strings = on', 'strings = off'),
      /standard_conforming_strings off/,
    ],
  ])('%s → refused, and no literal is told', async (_, script, expected) => {
    const bytes = async function* () {
      yield Buffer.from(script, expected.source.includes('UTF-8') ? 'latin1' : 'utf8');
    };
    const error: unknown = await readGlobals(bytes()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      kind: 'restore_failed',
      message: expect.stringMatching(expected) as string,
    });
    expect(String(error)).not.toMatch(/SCRAM|md5/);
  });
});

describe('the roles that are made', () => {
  test('those that are named, their members, and the groups of all these; no other members of such a group', async () => {
    const globals = await readGlobals(inPieces(SCRIPT));
    const { roles, memberships, skipped } = chooseRoles(lacking('grp'), globals, there().roles);
    expect(roles.map(({ name }) => name)).toEqual(['grp', 'a;"b', 'above']);
    expect(memberships.map(({ role, member }) => `${member} in ${role}`)).toEqual([
      'grp in above',
      'a;"b in grp',
      'grp in pg_monitor',
    ]);
    expect(skipped).toEqual([]);
  });

  test('one is not stored → refused by its name', async () => {
    const globals = await readGlobals(inPieces(SCRIPT));
    expect(() => chooseRoles(lacking('grp', 'ghost'), globals, there().roles)).toThrow(
      'role "ghost" does not exist, and the globals of the backup do not hold it either',
    );
  });

  test('statements are built of what is known; before PostgreSQL 16 a membership has no other option than ADMIN', async () => {
    const globals = await readGlobals(inPieces(SCRIPT));
    const sql = (major: number) =>
      planRoles(lacking('grp'), globals, there({ major })).statements.map((statement) => statement.sql);
    expect(sql(16)).toEqual([
      'CREATE ROLE "grp" WITH NOINHERIT',
      `CREATE ROLE "a;""b" WITH CREATEDB LOGIN CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:x;y' VALID UNTIL '2040-01-01 00:00:00+00'`,
      'CREATE ROLE "above"',
      `ALTER ROLE "grp" SET search_path TO 'a', 'B c; d'`,
      `ALTER ROLE "grp" SET "my.secret" TO 'hush'`,
      String.raw`COMMENT ON ROLE "a;""b" IS E'it''s; a \\ \' role'`,
      'GRANT "above" TO "grp" WITH INHERIT FALSE',
      'GRANT "grp" TO "a;""b" WITH ADMIN OPTION, INHERIT TRUE',
      'GRANT "pg_monitor" TO "grp"',
      'GRANT SET ON PARAMETER log_statement TO grp',
    ]);
    expect(sql(15)).toContain('GRANT "above" TO "grp"');
    expect(sql(15)).toContain('GRANT "grp" TO "a;""b" WITH ADMIN OPTION');
  });

  test('PostgreSQL 16: who made a role is its member for that alone → is not made for it, nor what it made besides; where both are made, so is that', async () => {
    const globals = await readGlobals(inPieces(OF_17));
    const names = (...needed: string[]) =>
      chooseRoles(lacking(...needed), globals, there().roles).roles.map(({ name }) => name);
    expect(names('reports')).toEqual(['reports']);
    expect(names('master')).toEqual(['master', 'app_owner']);
    const { statements } = planRoles(lacking('reports', 'master'), globals, there());
    expect(statements.map(({ sql }) => sql)).toContain(
      'GRANT "reports" TO "master" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE',
    );
  });

  test('PostgreSQL 16: a membership that several gave → one statement with all that they gave', async () => {
    const globals = await readGlobals(inPieces(OF_17));
    const { statements } = planRoles(lacking('app_owner'), globals, there());
    expect(statements.map(({ sql }) => sql).filter((sql) => sql.includes('app_owner" TO'))).toEqual([
      'GRANT "app_owner" TO "master" WITH ADMIN OPTION, INHERIT TRUE',
    ]);
  });

  test('PostgreSQL 16: whoever restores made the roles before too → is not told of a membership that it gets by that', async () => {
    const globals = await readGlobals(inPieces(OF_17));
    const roles = new Map([['master', false]]);
    const powers = new Set(['CREATEROLE']);
    const warnings = (user: string) =>
      planRoles(lacking('reports'), globals, there({ user, powers, roles })).warnings;
    expect(warnings('master')).toEqual([]);
    expect(warnings('other')).toEqual([
      'role "master" was there and is left as it is: it was a member of "reports", which `GRANT "reports" TO "master" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;` makes it again',
    ]);
  });

  test('globals without any password → who logs in is told; where some have one, nobody', async () => {
    const bare = SCRIPT.replace(/ PASSWORD '[^']*'/g, '');
    const warnings = async (script: string) =>
      planRoles(lacking('grp', 'beside'), await readGlobals(inPieces(script)), there()).warnings;
    expect(await warnings(bare)).toEqual([
      `roles "beside", "a;"b" get no password, for the stored globals hold none: \`ALTER ROLE "beside" PASSWORD '…';\``,
    ]);
    expect(await warnings(SCRIPT)).toEqual([]);
  });

  test('the value of a setting may be a secret → what could not be set is told without it', async () => {
    const globals = await readGlobals(inPieces(SCRIPT));
    const { statements } = planRoles(lacking('grp'), globals, there());
    const told = statements.map(({ orElse, what }) => `${orElse} ${what}`).join('\n');
    expect(told).toContain('lacks its setting "my.secret"');
    expect(told).not.toMatch(/hush|SCRAM/);
  });

  test.each([
    [['CREATEROLE'], lacking('boss'), /"boss" was created with SUPERUSER, which keeper may not give/],
    [[], lacking('grp'), /role.* do not exist, and keeper may not create roles/],
    [['CREATEROLE', 'CREATEDB'], { ...lacking('grp'), owners: ['grp'] }, /give no objects to "grp"/],
    [['CREATEROLE'], lacking('grp'), /"a;"b" was created with CREATEDB, which keeper may not give/],
  ])('a user with %j and %j → refused with what mends it', async (powers, needed, expected) => {
    const globals = await readGlobals(inPieces(SCRIPT));
    const roles = new Map([['keeper', false]]);
    const server = there({ user: 'keeper', powers: new Set(powers), roles });
    const refused = () => planRoles(needed, globals, server);
    expect(refused).toThrow(expected);
    expect(refused).toThrow(expect.objectContaining({ kind: 'rights_missing' }) as Error);
  });
});

test.each([
  ['ACL', 'GRANT SELECT ON TABLE public.t TO a WITH GRANT OPTION;', ['a']],
  ['ACL', 'REVOKE ALL ON TABLE public.t FROM "A,b";\nGRANT ALL ON TABLE public.t TO PUBLIC;', ['A,b']],
  ['ACL', 'GRANT ALL ON FUNCTION public.f(a integer, "to" text) TO d;', ['d']],
  [
    'ACL',
    'SET SESSION AUTHORIZATION d;\nGRANT SELECT ON TABLE t TO p;\nRESET SESSION AUTHORIZATION;',
    ['d', 'p'],
  ],
  [
    'DEFAULT ACL',
    'ALTER DEFAULT PRIVILEGES FOR ROLE f IN SCHEMA public GRANT SELECT ON TABLES  TO d;',
    ['f', 'd'],
  ],
  [
    'POLICY',
    `CREATE POLICY p ON public.t AS RESTRICTIVE FOR SELECT TO "O ""r", pol USING ((a = 'x TO y'::text));`,
    ['O "r', 'pol'],
  ],
  ['POLICY', 'CREATE POLICY q ON public.t USING (true);', []],
  ['USER MAPPING', `CREATE USER MAPPING FOR m SERVER s OPTIONS (\n    password 'a TO b'\n);`, ['m']],
  ['USER MAPPING', 'CREATE USER MAPPING FOR public SERVER s;', []],
  ['USER MAPPING', 'CREATE USER MAPPING FOR "PUBLIC" SERVER s;', ['PUBLIC']],
  ['DATABASE PROPERTIES', `ALTER ROLE grp IN DATABASE d SET work_mem TO '6MB';`, ['grp']],
  ['VIEW', 'CREATE VIEW v AS SELECT a FROM b;', []],
])('of %s %j the roles are %j', (kind, definition, expected) => {
  expect(rolesNamedBy({ kind, definition })).toEqual(expected);
});
