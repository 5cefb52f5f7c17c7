import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { PostgresSourceConfig } from '../../../agent/config/config.ts';
import { compare } from '../../../agent/proof/compare.ts';
import { proofSchema, type ObjectProof, type Proof } from '../../../agent/proof/proof.ts';
import { createSource } from '../../../agent/sources/create.ts';
import type { Source } from '../../../agent/sources/source.ts';
import { HOSTILE } from '../../helpers/postgres-hostile.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import { differences } from '../../helpers/proof-differences.ts';
import type { TestServer } from '../../helpers/server.ts';
import { postgresConfig, readDump, streamOf, testDeps } from '../../helpers/sources.ts';

const never = new AbortController().signal;

describe.each(postgresMajors())('the proof of PostgreSQL %i', (major) => {
  let server: TestServer;
  let number = 0;

  beforeAll(async () => {
    server = await startPostgres([], major);
  });
  afterAll(() => server.stop());

  async function database(sql: string, options = '') {
    const name = `db_${(number += 1)}`;
    await server.sql(`CREATE DATABASE ${name} ${options}`);
    onTestFinished(async () => {
      await server.sql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    });
    if (sql !== '') await server.sql(sql, name);
    return name;
  }

  function sourceOf(name: string, more: Partial<PostgresSourceConfig> = {}) {
    const tools = { postgresDirs: [POSTGRES_ROOT] };
    return createSource(postgresConfig({ port: server.port, database: name, ...more }), {
      ...testDeps(join(server.folder, 'runtime')),
      tools,
    });
  }

  async function provenDump(source: Source) {
    const dump = source
      .parts(await source.probe(never))
      .at(-1)!
      .open(never);
    const { bytes } = await readDump(dump);
    return { bytes, outcome: await dump.proof! };
  }

  /** A proof that says of itself that it is one. */
  async function dumpAndProof(source: Source) {
    const { bytes, outcome } = await provenDump(source);
    expect(outcome).toMatchObject({ why: null, proof: { unproven: null } });
    return { bytes, proof: proofSchema.parse(outcome.proof) };
  }

  /** A database that a dump was loaded into. */
  async function restored(bytes: Buffer) {
    const copy = await database('', 'TEMPLATE template0');
    await sourceOf(copy).restoreInto(copy, streamOf(bytes), never);
    return copy;
  }

  const keyOf = ({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`;

  /** Of what proofs once had in another form than today: catalog rows as the release has them, and an extension together with its version. */
  async function formerHashes(target: string): Promise<Map<string, ObjectProof>> {
    const rows = await server.sql(
      `SELECT 'extension' AS kind, extname AS name, jsonb_build_array(extversion, extnamespace::regnamespace::text)::text AS facts
        FROM pg_extension WHERE extname <> 'plpgsql'
       UNION ALL SELECT 'collation', 'public.' || collname, (to_jsonb(l) - '{oid,collname,collnamespace,collowner,collversion}'::text[]
        || CASE WHEN collprovider = 'c' THEN jsonb_build_object('collencoding', 6) ELSE '{}' END)::text
        FROM pg_collation l WHERE collnamespace = 'public'::regnamespace
       UNION ALL SELECT 'publication', pubname, jsonb_build_array(to_jsonb(p) - '{oid,pubname,pubowner}'::text[],
        (SELECT jsonb_agg(to_jsonb(t) ORDER BY schemaname, tablename) FROM pg_publication_tables t WHERE t.pubname = p.pubname))::text
        FROM pg_publication p WHERE NOT puballtables`,
      target,
    );
    const hashed = rows.map(({ kind, name, facts }) => ({
      ...{ kind: String(kind), name: String(name) },
      hash: createHash('sha256')
        .update(JSON.stringify([facts, null]))
        .digest('hex'),
    }));
    return new Map(hashed.map((object) => [keyOf(object), object]));
  }

  const prove = (target: string, like: Proof) => sourceOf(target).prove(target, like, never);

  test('hostile names and types, and a writer that never rests → the restored dump is equal to the proof', async () => {
    const name = await database(HOSTILE);
    const writer = write(name);
    const { bytes, proof } = await dumpAndProof(sourceOf(name)).finally(writer.stop);
    expect(writer.commits()).toBeGreaterThan(5);
    const copy = await restored(bytes);
    expect(differences(proof, await prove(copy, proof))).toEqual([]);
    expect(differences(proof, await prove(name, proof))).toContain('checksum public.busy');
  });

  describe('of a restored dump in which', () => {
    let proof: Proof;
    let whole: string;

    beforeAll(async () => {
      await server.sql('CREATE DATABASE original');
      await server.sql(HOSTILE, 'original');
      const dumped = await dumpAndProof(sourceOf('original'));
      proof = dumped.proof;
      whole = 'whole';
      await server.sql('CREATE DATABASE whole TEMPLATE template0');
      await sourceOf(whole).restoreInto(whole, streamOf(dumped.bytes), never);
    });

    test.each([
      ['one value changed', `UPDATE busy SET note = note || ' ' WHERE id = 77`, ['checksum public.busy']],
      ['one row is lost', 'DELETE FROM busy WHERE id = 78', ['rows public.busy']],
      [
        'a null became empty',
        `UPDATE hollow SET x = ''; UPDATE dropped SET b = '' WHERE b IS NULL`,
        ['checksum public.dropped'],
      ],
      ['a zero lost its sign', `UPDATE "Customer" SET d = 0 WHERE d = 0`, ['checksum public.Customer']],
      [
        'two rows became two others that are twice there',
        'UPDATE fleeting SET id = NULL WHERE id = 1; UPDATE fleeting SET id = 1 WHERE ctid = (SELECT min(ctid) FROM fleeting)',
        ['checksum public.fleeting'],
      ],
      [
        'a pair of equal rows became another pair',
        'UPDATE fleeting SET id = 2 WHERE id = 1',
        ['checksum public.fleeting'],
      ],
      [
        'a row without columns is lost',
        'DELETE FROM nothing WHERE ctid = (SELECT min(ctid) FROM nothing)',
        ['rows public.nothing'],
      ],
      [
        'a row went to the other table of nearly its name',
        'DELETE FROM "dotted.name".t; INSERT INTO "Ten ant"."name.t" VALUES (1)',
        ['rows Ten ant."name.t"', 'rows "dotted.name".t'],
      ],
      [
        'a row moved to another part',
        `UPDATE parted SET day = '2021-01-01' WHERE day = '2020-06-01'`,
        ['rows public.parted_2020', 'rows public.parted_2021'],
      ],
      [
        'a table is missing',
        'DROP TABLE typed',
        [
          'table public.typed',
          'missing table public.typed',
          'missing column public.typed.a',
          'missing column public.typed.b',
        ],
      ],
      ['a byte of a large object changed', `SELECT lo_put(4711, 2, '\\x00')`, ['checksum large objects']],
      ['a large object is lost', 'SELECT lo_unlink(4712)', ['rows large objects']],
      ['an index is missing', 'DROP INDEX by_doc', ['missing index public.by_doc']],
      [
        'an index has another condition',
        `DROP INDEX lower_name; CREATE INDEX lower_name ON "Customer" (lower(name) text_pattern_ops) INCLUDE (id) WHERE "Or""der" IN ('new') AND n IN (1, 5, 10)`,
        ['changed index public.lower_name'],
      ],
      [
        'a function does otherwise',
        `CREATE OR REPLACE FUNCTION double_it(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a * 3'`,
        ['changed routine public.double_it(a integer)'],
      ],
      [
        'a trigger is missing',
        'DROP TRIGGER before ON "Customer"',
        ['missing trigger public.Customer.before'],
      ],
      [
        'a trigger sleeps',
        'ALTER TABLE "Customer" DISABLE TRIGGER before',
        ['changed trigger public.Customer.before'],
      ],
      ['an enum has one more label', `ALTER TYPE mood ADD VALUE 'angry'`, ['changed type public.mood']],
      [
        'a domain allows more',
        'ALTER DOMAIN positive DROP CONSTRAINT above',
        ['changed type public.positive'],
      ],
      [
        'a sequence was set back',
        `SELECT setval('"Customer_id_seq"', 1)`,
        ['counter public.Customer_id_seq'],
      ],
      ['a sequence that was never used was', `SELECT nextval('unused')`, ['counter public.unused']],
      ['a sequence steps otherwise', 'ALTER SEQUENCE full_up CACHE 10', ['changed sequence public.full_up']],
      [
        'a check is missing',
        'ALTER TABLE "Customer" DROP CONSTRAINT twice',
        ['missing constraint public.Customer.twice'],
      ],
      [
        'a column may be null',
        'ALTER TABLE "Customer" ALTER name DROP NOT NULL',
        ['changed column public.Customer.name'],
      ],
      [
        'a column is thought to hold fewer values',
        'ALTER TABLE "Customer" ALTER name SET (n_distinct = 7)',
        ['changed column public.Customer.name'],
      ],
      [
        'a default changed',
        `ALTER TABLE "Customer" ALTER "Or""der" SET DEFAULT 'old'`,
        ['changed column public.Customer."Or""der"'],
      ],
      [
        'a view shows less',
        `CREATE OR REPLACE VIEW topmost AS SELECT * FROM more WHERE kind::varchar(3) NOT IN ('a'::varchar)`,
        ['changed view public.topmost'],
      ],
      [
        'a policy lets through',
        'ALTER POLICY own ON guarded USING (true)',
        ['changed policy public.guarded.own'],
      ],
      [
        'row security is off',
        'ALTER TABLE guarded DISABLE ROW LEVEL SECURITY',
        ['changed table public.guarded'],
      ],
      ['a rule is missing', 'DROP RULE no_delete ON "Customer"', ['missing rule public.Customer.no_delete']],
      [
        'a comment is missing',
        'COMMENT ON TABLE "Customer" IS NULL',
        ['missing comment table public."Customer"'],
      ],
      [
        'an extension is missing',
        'ALTER TABLE "Customer" DROP bag; DROP EXTENSION hstore',
        expect.arrayContaining(['missing extension hstore']) as string[],
      ],
      ['an event trigger is missing', 'DROP EVENT TRIGGER watcher', ['missing event_trigger watcher']],
      [
        'a publication lost a table',
        'ALTER PUBLICATION paper DROP TABLE hollow',
        ['changed publication paper'],
      ],
      [
        'an aggregate begins elsewhere',
        `DROP AGGREGATE total (int); CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '1')`,
        ['changed aggregate public.total(integer)'],
      ],
      [
        'a collation is another',
        `CREATE COLLATION other (provider = icu, locale = 'de')`,
        ['extra collation public.other'],
      ],
    ])('%s → says just that', async (_, sql, expected) => {
      const copy = await database(`SELECT 1`, `TEMPLATE ${whole}`);
      await server.sql(sql, copy);
      expect(differences(proof, await prove(copy, proof))).toEqual(expected);
    });

    test('the server marked its columns in a way of its own (17.12: pg_attver) → is equal', async () => {
      const copy = await database('SELECT 1', `TEMPLATE ${whole}`);
      await server.sql(
        `UPDATE pg_attribute SET attoptions = '{pg_attver=1}' WHERE attrelid = 'busy'::regclass`,
        copy,
      );
      expect(differences(proof, await prove(copy, proof))).toEqual([]);
    });

    test('its proof has definitions in the form of before → is equal in that form, and another definition is none', async () => {
      const copy = await database('SELECT 1', `TEMPLATE ${whole}`);
      const before = await formerHashes(copy);
      const known = { ...proof, objects: proof.objects.map((object) => before.get(keyOf(object)) ?? object) };
      expect(differences(known, proof)).toContain('changed publication paper');
      expect(differences(known, proof).length).toBeGreaterThan(3);
      expect(differences(known, await prove(copy, known))).toEqual([]);
      await server.sql(
        `ALTER EXTENSION hstore SET SCHEMA "Ten ant";
         UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'numeric_order'`,
        copy,
      );
      expect(differences(known, await prove(copy, known))).toEqual(
        expect.arrayContaining([
          'changed extension hstore',
          'changed collation public.numeric_order',
        ]) as string[],
      );
    });

    test('an extension has another version → is told with both, and is no difference', async () => {
      const copy = await database(
        "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'hstore'",
        `TEMPLATE ${whole}`,
      );
      const comparison = compare(proof, await prove(copy, proof));
      expect(comparison).toMatchObject({ equal: false, differences: [] });
      expect(comparison.incomparable).toMatch(
        /^extension hstore has version 0\.9, and the source had 1\.\d+$/,
      );
    });

    test('nothing changed but the place of rows → is equal', async () => {
      const copy = await database('VACUUM FULL busy', `TEMPLATE ${whole}`);
      await server.sql('CLUSTER "Customer"; UPDATE busy SET note = note', copy);
      expect(differences(proof, await prove(copy, proof))).toEqual([]);
    });
  });

  describe('of large tables', () => {
    const LARGE = `
      CREATE TABLE sequential (id bigint PRIMARY KEY, x text);
      CREATE TABLE scattered (name text COLLATE "C", part uuid, x text, PRIMARY KEY (name, part));
      CREATE TABLE local (name text COLLATE "en_US" PRIMARY KEY, x text);
      CREATE TABLE keyless (id int, x text);
      CREATE TABLE small (id int PRIMARY KEY, x text);
      INSERT INTO sequential SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
      INSERT INTO scattered SELECT E'it''s \\ ' || md5(i::text), md5(i::text)::uuid, 'x' FROM generate_series(1, 20000) i;
      INSERT INTO local SELECT md5(i::text), 'x' FROM generate_series(1, 20000) i;
      INSERT INTO keyless SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
      INSERT INTO small SELECT i, 'x' FROM generate_series(1, 10) i;`;

    test('a limit → ranges of the key, exact rows; a table without a key that sorts alike everywhere → rows alone', async () => {
      const name = await database(`CREATE COLLATION "en_US" (provider = icu, locale = 'en-US'); ${LARGE}`);
      const { bytes, proof } = await dumpAndProof(sourceOf(name, { proofLimitBytes: 200_000 }));
      expect(proof.tables).toEqual([
        { name: 'public.keyless', rows: 20_000, checksum: null, sample: null, excuse: null },
        { name: 'public.local', rows: 20_000, checksum: null, sample: null, excuse: null },
        expect.objectContaining({
          name: 'public.scattered',
          rows: 20_000,
          checksum: expect.any(String) as string,
        }),
        expect.objectContaining({
          name: 'public.sequential',
          rows: 20_000,
          checksum: expect.any(String) as string,
        }),
        expect.objectContaining({
          name: 'public.small',
          rows: 10,
          checksum: expect.any(String) as string,
          sample: null,
        }),
      ]);
      const [, , scattered, sequential] = proof.tables;
      expect(scattered!.sample!.key).toBe('"name", "part"');
      expect(sequential!.sample!.key).toBe('"id"');
      expect(sequential!.sample!.ranges.length).toBeGreaterThan(8);
      expect(sequential!.sample!.ranges.at(-1)![1]).toBe("'20000'");
      const ids = sequential!.sample!.ranges.flat().map((literal) => Number(literal.slice(1, -1)));
      expect(ids).toEqual([...ids].sort((a, b) => a - b));

      const copy = await restored(bytes);
      expect(differences(proof, await prove(copy, proof))).toEqual([]);
      await server.sql(
        `UPDATE sequential SET x = '' WHERE id = ${ids[2]}; UPDATE scattered SET x = '' WHERE name = (SELECT max(name) FROM scattered);
         DELETE FROM keyless WHERE id = 5`,
        copy,
      );
      expect(differences(proof, await prove(copy, proof))).toEqual([
        'rows public.keyless',
        'checksum public.scattered',
        'checksum public.sequential',
      ]);
    });

    test('a stored proof with more than literals in its ranges → refused, and nothing of it is run', async () => {
      const name = await database(LARGE.replace('COLLATE "en_US" ', ''));
      const { proof } = await dumpAndProof(sourceOf(name, { proofLimitBytes: 200_000 }));
      const table = proof.tables.find((one) => one.name === 'public.sequential')!;
      for (const sample of [
        {
          ...table.sample!,
          ranges: [["'1'); COMMIT; DROP TABLE small; SELECT ('1'", "'2'"] as [string, string]],
        },
        { ...table.sample!, key: '"id") >= ROW(1); DROP TABLE small; --' },
      ]) {
        const tampered = { ...proof, tables: [{ ...table, sample }] };
        await expect(prove(name, tampered)).rejects.toThrow('the stored proof holds a');
      }
      expect(await server.sql('SELECT count(*) FROM small', name)).toEqual([{ count: '10' }]);
    });

    test('counts → rows without checksums; none → no proof at all', async () => {
      const name = await database(LARGE.replace('COLLATE "en_US" ', ''));
      const { bytes, proof } = await dumpAndProof(sourceOf(name, { proof: 'counts' }));
      expect(proof.level).toBe('counts');
      expect(new Set(proof.tables.map(({ rows, checksum }) => [rows, checksum].join()))).toEqual(
        new Set(['20000,', '10,']),
      );
      const copy = await restored(bytes);
      await server.sql('DELETE FROM small WHERE id = 1', copy);
      expect(differences(proof, await prove(copy, proof))).toEqual(['rows public.small']);
      const source = sourceOf(name, { proof: 'none' });
      const dump = source
        .parts(await source.probe(never))
        .at(-1)!
        .open(never);
      await readDump(dump);
      expect('proof' in dump).toBe(false);
    });
  });

  describe('by a role that', () => {
    test('may read all data and nothing more → is whole', async () => {
      const name = await database(
        'CREATE TABLE t (id serial PRIMARY KEY, x text); INSERT INTO t (x) VALUES (1)',
      );
      const role = await roleOf('GRANT pg_read_all_data TO');
      const { bytes, proof } = await dumpAndProof(sourceOf(name, role));
      const copy = await restored(bytes);
      expect(proof.tables).toHaveLength(1);
      expect(differences(proof, await prove(copy, proof))).toEqual([]);
    });

    test('may not read some, which is allowed by name → covers what the dump covers', async () => {
      const name =
        await database(`CREATE TABLE open_to (id serial PRIMARY KEY); CREATE TABLE closed (id int GENERATED ALWAYS AS IDENTITY, x text);
        CREATE INDEX ON closed (x); COMMENT ON TABLE closed IS 'no'; CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
        INSERT INTO open_to DEFAULT VALUES; INSERT INTO closed (x) VALUES ('x'); INSERT INTO guarded VALUES (1); SELECT lo_create(1);`);
      const role = await roleOf('GRANT USAGE ON SCHEMA public TO');
      await server.sql(`GRANT SELECT ON open_to, open_to_id_seq, guarded TO ${role.user}`, name);
      const { bytes, proof } = await dumpAndProof(
        sourceOf(name, {
          ...role,
          allowIncomplete: ['tables', 'row_security', 'large_objects', 'role_passwords'],
        }),
      );
      expect(proof.tables.map((table) => table.name)).toEqual(['public.open_to']);
      expect(proof.objects.filter((object) => object.name.includes('closed'))).toEqual([]);
      const copy = await restored(bytes);
      expect(differences(proof, await prove(copy, proof))).toEqual([]);
      await server.sql('DROP OWNED BY ' + role.user, name);
    });

    async function roleOf(grant: string) {
      const user = `keeper_${(number += 1)}`;
      await server.sql(`CREATE ROLE ${user} LOGIN PASSWORD 'keeper'; ${grant} ${user}`);
      onTestFinished(async () => {
        await server.sql(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
      });
      return { user, password: 'keeper' };
    }
  });

  /** Commits changes of rows and of counters until it is told to stop, and waited for. */
  function write(name: string) {
    let [stopped, commits] = [false, 0];
    const writing = (async () => {
      for (; !stopped; commits += 1) {
        await server.sql(
          `INSERT INTO busy (note) VALUES ('new ${commits}'); DELETE FROM busy WHERE id = ${commits};
           UPDATE busy SET note = 'changed' WHERE id = ${20_000 - commits}; SELECT nextval('unused')`,
          name,
        );
      }
    })();
    const stop = async () => {
      stopped = true;
      await writing;
    };
    return { commits: () => commits, stop };
  }
});
