import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { GapName } from '../../../agent/core/glossary.ts';
import type { Source } from '../../../agent/sources/source.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { readDump, streamOf } from '../../helpers/sources.ts';

const never = new AbortController().signal;
let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startPostgres(['wal_level=logical']);
  subject = postgresSubject(server);
});
afterAll(() => server.stop());

/** A database with one readable table, and what the statements add; `keeper` reads all data. */
async function shop(...statements: string[]) {
  await subject.createDatabase('shop');
  onTestFinished(() => subject.dropDatabase('shop'));
  await server.sql(
    "DROP ROLE IF EXISTS keeper; CREATE ROLE keeper LOGIN PASSWORD 'keeperpw'; GRANT pg_read_all_data TO keeper",
  );
  await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)', 'shop');
  for (const statement of statements) await server.sql(statement, 'shop');
}

function keeper(allowIncomplete: GapName[] = []): Source {
  return subject.source('shop', { user: 'keeper', password: 'keeperpw', allowIncomplete });
}

async function gapsOf(source: Source) {
  return (await source.probe(never)).gaps;
}

async function dumpOf(source: Source, kind: 'dump' | 'globals' = 'dump') {
  const part = source.parts(await source.probe(never)).find((candidate) => candidate.kind === kind)!;
  return readDump(part.open(never));
}

const GUARDED = `CREATE TABLE guarded (id int); INSERT INTO guarded VALUES (1); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
  CREATE POLICY none ON guarded USING (false)`;
const MAPPED = `CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
  CREATE USER MAPPING FOR boss SERVER far OPTIONS (user 'x', password 'y')`;
const SUBSCRIBED = `CREATE SUBSCRIPTION news CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)`;

describe('a role that lacks a right', () => {
  test.each<{ gap: GapName; statements: string[]; detail: string }>([
    {
      gap: 'tables',
      statements: [
        'CREATE SCHEMA s',
        'CREATE TABLE s.secret (id serial)',
        'REVOKE pg_read_all_data FROM keeper',
        'GRANT SELECT ON pg_authid TO keeper',
      ],
      detail: 's.secret',
    },
    { gap: 'row_security', statements: [GUARDED], detail: 'public.guarded' },
    { gap: 'large_objects', statements: ["SELECT lo_from_bytea(0, 'x')"], detail: '1 large object' },
    {
      gap: 'role_passwords',
      statements: ['REVOKE pg_read_all_data FROM keeper', 'GRANT SELECT ON t TO keeper'],
      detail: 'password hashes',
    },
    { gap: 'user_mappings', statements: [MAPPED], detail: 'far' },
    { gap: 'subscriptions', statements: [SUBSCRIBED], detail: 'superusers' },
  ])(
    '→ gap "$gap", whose statement mends it, and then the dump is good',
    async ({ gap, statements, detail }) => {
      await shop(...statements);
      onTestFinished(async () => {
        if (gap === 'subscriptions') await server.sql('DROP SUBSCRIPTION news', 'shop');
      });
      const source = keeper();
      const gaps = await gapsOf(source);
      expect(gaps.map(({ name }) => name)).toEqual([gap]);
      expect(gaps[0]!.detail).toContain(detail);
      await expect(dumpOf(source)).rejects.toMatchObject({ kind: 'rights_missing' });

      await server.sql(gaps[0]!.mend, 'shop');
      expect(await gapsOf(source)).toEqual([]);
      expect((await dumpOf(source)).facts.warnings).toEqual([]);
    },
  );

  test.each<{ gap: GapName; statements: string[]; lost: string }>([
    { gap: 'row_security', statements: [GUARDED], lost: 'TABLE DATA public guarded' },
    {
      gap: 'tables',
      statements: [
        'CREATE TABLE secret (id int)',
        'REVOKE pg_read_all_data FROM keeper',
        'GRANT SELECT ON t, pg_authid TO keeper',
      ],
      lost: 'TABLE public secret',
    },
    { gap: 'large_objects', statements: ["SELECT lo_from_bytea(0, 'x')"], lost: 'BLOB' },
    { gap: 'subscriptions', statements: [SUBSCRIBED], lost: 'SUBSCRIPTION - news' },
    { gap: 'user_mappings', statements: [MAPPED], lost: 'nothing' },
  ])(
    'allowed to lack "$gap" → a good dump without it, and with all else',
    async ({ gap, statements, lost }) => {
      await shop(...statements);
      onTestFinished(async () => {
        if (gap === 'subscriptions') await server.sql('DROP SUBSCRIPTION news', 'shop');
      });
      const { bytes, facts } = await dumpOf(keeper([gap]));
      expect(facts.warnings).toEqual([]);
      expect(bytes.toString('latin1')).not.toContain(lost);
      const boss = subject.source('shop');
      if (gap === 'user_mappings') return;
      await boss.createDatabase('copy', never);
      onTestFinished(() => subject.dropDatabase('copy'));
      await boss.restoreInto('copy', streamOf(bytes), never);
      const { tables } = await boss.inspect('copy', never);
      expect(tables).toContainEqual({ name: 'public.t', rows: 2 });
      if (gap === 'row_security') expect(tables).toContainEqual({ name: 'public.guarded', rows: 0 });
      if (gap === 'tables') expect(tables).toHaveLength(1);
    },
  );
});

test('a role that owns its database and everything in it → lacks the password hashes only', async () => {
  await server.sql("CREATE ROLE app LOGIN PASSWORD 'app'");
  await server.sql('CREATE DATABASE own OWNER app');
  onTestFinished(async () => {
    await subject.dropDatabase('own');
    await server.sql('DROP ROLE app');
  });
  const source = subject.source('own', { user: 'app', password: 'app', allowIncomplete: ['role_passwords'] });
  await server.sql(
    `SET ROLE app; CREATE SCHEMA mine; CREATE TABLE mine.t (id int); ${GUARDED}; SELECT lo_from_bytea(0, 'x')`,
    'own',
  );
  expect((await gapsOf(source)).map(({ name }) => name)).toEqual(['role_passwords']);
  await dumpOf(source);
  const globals = (await dumpOf(source, 'globals')).bytes.toString();
  expect(globals).toContain('CREATE ROLE app');
  expect(globals).not.toContain('SCRAM');
});

test('a table whose security binds its owner too → gap "row_security"', async () => {
  await shop(GUARDED, 'ALTER TABLE guarded FORCE ROW LEVEL SECURITY', 'ALTER TABLE guarded OWNER TO keeper');
  expect((await gapsOf(keeper())).map(({ name }) => name)).toEqual(['row_security']);
});

test('rows that a policy hides → inspect refuses to count', async () => {
  await shop(GUARDED);
  await expect(keeper().inspect('shop', never)).rejects.toMatchObject({ kind: 'source_denied' });
});

test('names that would break out of a statement → mends that stay statements', async () => {
  await shop(
    `CREATE ROLE "ke'e%p""er" LOGIN PASSWORD 'x'; GRANT pg_read_all_data TO "ke'e%p""er"; SELECT lo_from_bytea(0, 'x')`,
  );
  onTestFinished(async () => {
    await server.sql(`DROP OWNED BY "ke'e%p""er"`, 'shop');
    await server.sql(`DROP ROLE "ke'e%p""er"`);
  });
  const source = subject.source('shop', { user: `ke'e%p"er`, password: 'x' });
  const [gap] = await gapsOf(source);
  expect(gap!.name).toBe('large_objects');
  await server.sql(gap!.mend, 'shop');
  expect(await gapsOf(source)).toEqual([]);
});

describe('a database that may not be emptied by who owns it', () => {
  /** Empties it as its owner; the hint of what is refused, or null. */
  async function ownWith(statement: string) {
    await server.sql("CREATE ROLE app LOGIN PASSWORD 'app'");
    await server.sql('CREATE DATABASE own OWNER app');
    onTestFinished(async () => {
      await subject.dropDatabase('own');
      await server.sql('DROP ROLE app');
    });
    await server.sql('CREATE TABLE t (id int)', 'own');
    await server.sql(statement, 'own');
    const source = subject.source('own', { user: 'app', password: 'app' });
    return () =>
      source.emptyDatabase('own', never).then(
        () => null,
        (error: unknown) => error as { kind: string; hint: string },
      );
  }

  test.each([
    ['a large object', "SELECT lo_from_bytea(0, 'x')"],
    ['a schema', 'CREATE SCHEMA "the""irs"; CREATE TABLE "the""irs".t (id int)'],
    ['a publication', 'CREATE PUBLICATION news'],
    [
      'a foreign server',
      'CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA pg_catalog; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw',
    ],
  ])(
    '%s is of somebody else → the statement that gives it to the owner, and then it can',
    async (_, statement) => {
      const empty = await ownWith(statement);
      const error = await empty();
      expect(error).toMatchObject({ kind: 'rights_missing' });
      await server.sql(/administrator of the server: (.*)/s.exec(error!.hint)![1]!, 'own');
      if (statement.includes('EXTENSION')) await server.sql('DROP EXTENSION postgres_fdw CASCADE', 'own');
      expect(await empty()).toBeNull();
    },
  );

  test('an extension of somebody else → only a superuser can', async () => {
    const empty = await ownWith('CREATE EXTENSION pg_trgm');
    expect(await empty()).toMatchObject({
      kind: 'rights_missing',
      hint: expect.stringContaining('Restore as a superuser') as string,
    });
  });
});

test('a database that may not be created → the statement that allows it', async () => {
  await shop();
  const error: unknown = await keeper()
    .createDatabase('copy', never)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: 'rights_missing' });
  await server.sql(/ALTER ROLE .*;/.exec((error as { hint: string }).hint)![0]);
  await keeper().createDatabase('copy', never);
  await keeper().dropDatabase('copy', never);
});
