import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { whyNothingShown } from '../../../agent/jobs/verify/not-run.ts';
import type { WholeEntry } from '../../../agent/sources/postgres/archive-contents.ts';
import { neededOf } from '../../../agent/sources/postgres/roles/needed.ts';
import { giveTraits, traitsOf } from '../../../agent/sources/postgres/roles/of-database.ts';
import { requireRoles } from '../../../agent/sources/postgres/roles/require.ts';
import type { PostgresSession } from '../../../agent/sources/postgres/session.ts';
import { mayKeepOwners } from '../../../agent/sources/postgres/tenants/owners.ts';

const entry = (kind: string, more: Partial<WholeEntry>): WholeEntry => ({
  ...{ id: 1, catalog: '0', oid: '0', kind, schema: 'public', tag: 't', owner: '', dependencies: [] },
  ...{ hasData: false, definition: '', drop: '', copy: '', tablespace: '', accessMethod: '' },
  ...more,
});

/** As pg_dump 15 writes them. */
const TABLE = entry('TABLE', {
  owner: 'shop_owner',
  definition: 'CREATE TABLE public.t (\n    id integer\n);\n',
  drop: 'DROP TABLE public.t;\n',
});
const OF_EXTENSION = [
  entry('ACL', {
    tag: 'FUNCTION digest(text, text)',
    owner: 'installer',
    definition: 'GRANT ALL ON FUNCTION public.digest(text, text) TO app;\n',
  }),
  entry('COMMENT', { owner: 'installer', definition: "COMMENT ON TABLE public.k IS 'x';\n" }),
  entry('TABLE DATA', { owner: 'installer', hasData: true, copy: 'COPY public.k (id) FROM stdin;\n' }),
  entry('SEQUENCE SET', {
    owner: 'installer',
    definition: "SELECT pg_catalog.setval('public.k_id_seq', 1, false);\n",
  }),
  entry('INDEX', {
    owner: 'installer',
    definition: 'CREATE INDEX i ON public.k USING btree (id);\n',
    drop: 'DROP INDEX public.i;\n',
  }),
];
const PUBLIC = entry('SCHEMA', {
  schema: '',
  tag: 'public',
  owner: 'pg_database_owner',
  definition: '-- *not* creating schema, since initdb creates it\n',
  drop: '-- *not* dropping schema, since initdb creates it\n',
});
const LARGE_OBJECT = entry('BLOB METADATA', { owner: 'keeper', definition: '16390\n', drop: '-- dummy' });
const grant = (role: string) =>
  entry('ACL', { owner: 'shop_owner', definition: `GRANT SELECT ON TABLE public.t TO ${role};\n` });
const policy = (role: string) =>
  entry('POLICY', {
    owner: 'shop_owner',
    definition: `CREATE POLICY p ON public.t TO ${role} USING (true);\n`,
    drop: 'DROP POLICY p ON public.t;\n',
  });

describe('what a dump needs of roles', () => {
  test('owners of what is made alone: who made an extension, of which the dump has rights, rows, comments and indexes, is not among them', () => {
    const { roles, owners } = neededOf([TABLE, ...OF_EXTENSION, PUBLIC, LARGE_OBJECT], { owners: true });
    expect(roles).toEqual(['shop_owner', 'app', 'pg_database_owner', 'keeper']);
    expect(owners).toEqual(['shop_owner', 'pg_database_owner', 'keeper']);
  });

  test('whose default rights they are is as an owner: who sets them must be able to act for it', () => {
    const definition = 'ALTER DEFAULT PRIVILEGES FOR ROLE maker GRANT SELECT ON TABLES  TO auditor;\n';
    const { roles, owners } = neededOf([entry('DEFAULT ACL', { owner: 'maker', definition })], {
      owners: true,
    });
    expect({ roles, owners }).toEqual({ roles: ['maker', 'auditor'], owners: ['maker'] });
  });

  test('a name of another encoding than UTF-8 → left to pg_restore, which knows it', () => {
    const latin1 = Buffer.from('"p\u00fablico"', 'latin1').toString('utf8');
    const needed = neededOf(
      [policy(latin1), grant(latin1), { ...TABLE, owner: latin1, tablespace: latin1 }],
      { owners: true },
    );
    expect(needed).toEqual({ roles: [], owners: [], wished: [], tablespaces: [] });
  });

  test('a comment or setting of another encoding → not given to the database in wrong characters, but told', async () => {
    const comment = Buffer.from("COMMENT ON DATABASE d IS 'caf\u00e9';", 'latin1').toString('utf8');
    const asked: string[] = [];
    const session = { query: async (sql: string) => void asked.push(sql) } as unknown as PostgresSession;
    const traits = traitsOf([
      entry('DATABASE', { owner: 'shop_owner', drop: 'DROP DATABASE d;\n' }),
      entry('COMMENT', { tag: 'DATABASE d', definition: comment }),
    ]);
    expect(await giveTraits(session, 'd', traits)).toEqual([
      'the database lacks its comment: see them with `pg_restore --create --schema-only`',
    ]);
    expect(asked).toEqual(['BEGIN', 'ALTER DATABASE "d" OWNER TO "shop_owner"', 'COMMIT']);
  });
});

describe('roles that a scratch server has not', () => {
  const refused = (...roles: string[]) => {
    try {
      requireRoles(roles.map(policy), { roles: new Set(), ownersKept: false });
    } catch (error) {
      return error;
    }
    return null;
  };

  test.each([[['a']], [['a', 'b']], [['"say ""so"""']]])('%j → nothing was shown', (names) => {
    const error = refused(...names);
    expect(error).toMatchObject({ kind: 'restore_failed' });
    expect(whyNothingShown(error)).toMatch(/^the scratch server lacks what the dump needs: roles? "/);
    const told = new HoldfastError('restore_failed', 'it did not load', { cause: error });
    expect(whyNothingShown(told)).toMatch(/lacks what the dump needs/);
  });

  test('another failure → it was shown', () => {
    expect(whyNothingShown(new HoldfastError('restore_failed', 'a row is not as it was'))).toBeNull();
  });
});

describe('owners and rights of a tenant', () => {
  /** A server with these roles: whether the user is a member. */
  const asked = (entries: WholeEntry[], roles: Record<string, boolean>, owners: 'keep' | 'where-allowed') => {
    const query = async (_: string, [names]: [string[]]) =>
      names.map((name) => ({ name, there: name in roles, may: roles[name] ?? false }));
    return mayKeepOwners({ user: 'helper', query } as unknown as PostgresSession, entries, owners);
  };
  const GRANTED = [TABLE, grant('auditor')];

  test('the user is no member of the owner, and who had a right is gone → without owners and rights', async () => {
    expect(await asked(GRANTED, { shop_owner: false }, 'where-allowed')).toBe(false);
  });

  test('rights on what an extension made, as a user of whom this is no member → without owners and rights; of one who is gone → with', async () => {
    const all = [TABLE, ...OF_EXTENSION];
    const roles = { shop_owner: true, app: false };
    expect(await asked(all, { ...roles, installer: false }, 'where-allowed')).toBe(false);
    expect(await asked(all, roles, 'where-allowed')).toBe(true);
  });

  test.each([
    [
      'rights come back, and who had one is gone',
      GRANTED,
      { shop_owner: true },
      'where-allowed',
      /"auditor"/,
    ],
    ['owners are asked for', GRANTED, { shop_owner: false }, 'keep', /"auditor"/],
    ['an owner is gone', [TABLE], {}, 'where-allowed', /"shop_owner" does not exist/],
    [
      'who a policy is for is gone',
      [TABLE, policy('branch')],
      { shop_owner: false },
      'where-allowed',
      /"branch"/,
    ],
  ] as const)('%s → refused', async (_, entries, roles, owners, expected) => {
    await expect(asked([...entries], roles, owners)).rejects.toThrow(expected);
  });

  test('all are there, the user may → with owners and rights', async () => {
    expect(await asked(GRANTED, { shop_owner: true, auditor: false }, 'where-allowed')).toBe(true);
  });
});
