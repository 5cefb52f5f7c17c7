import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { PostgresSourceConfig } from '../../../agent/config/config.ts';
import { compare } from '../../../agent/proof/compare.ts';
import { proofSchema, type Proof } from '../../../agent/proof/proof.ts';
import { tellDifferences } from '../../../agent/proof/tell.ts';
import { createSource, createTenantDumps } from '../../../agent/sources/create.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { installExtension } from '../../helpers/postgres-extension.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { postgresConfig, readDump, streamOf, tenantsByPattern, testDeps } from '../../helpers/sources.ts';

const never = new AbortController().signal;

/** Rows that `pg_dump` takes along although an extension made their table: `pg_extension_config_dump`. */
const SETTINGS = `
  CREATE TABLE setting (name text COLLATE "C" PRIMARY KEY, value text, standard boolean NOT NULL DEFAULT false);
  INSERT INTO setting VALUES ('greeting', 'hello', true), ('limit', '10', true);
  SELECT pg_catalog.pg_extension_config_dump('setting', 'WHERE NOT standard');
  CREATE TABLE job (id int, what text);
  SELECT pg_catalog.pg_extension_config_dump('job', '');
  CREATE SEQUENCE ticket;
  SELECT pg_catalog.pg_extension_config_dump('ticket', '');
  CREATE TABLE cache (x int);
  CREATE SEQUENCE internal;`;
const USED = `
  CREATE TABLE own (id int PRIMARY KEY);
  INSERT INTO own VALUES (1);
  INSERT INTO setting VALUES ('limit of ours', '20'), ('motto', 'hold fast');
  UPDATE setting SET value = 'changed' WHERE name = 'greeting';
  INSERT INTO job VALUES (1, 'sweep');
  INSERT INTO cache VALUES (1);
  SELECT nextval('ticket'), nextval('ticket'), nextval('internal');`;

// The extension goes into the folder of the server's own.
describe.skipIf(process.getuid?.() !== 0).each(postgresMajors())(
  'rows of extensions in the proof of PostgreSQL %i',
  (major) => {
    let server: TestServer;
    let settings: Awaited<ReturnType<typeof installExtension>>;
    let number = 0;

    beforeAll(async () => {
      server = await startPostgres([], major);
      settings = await installExtension(server, SETTINGS);
    });
    afterAll(async () => {
      settings.remove();
      await server.stop();
    });

    async function database(sql = '') {
      const name = `db_${(number += 1)}`;
      await server.sql(`CREATE DATABASE ${name} TEMPLATE template0`);
      onTestFinished(async () => {
        await server.sql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      });
      if (sql !== '') await server.sql(sql, name);
      return name;
    }

    function sourceOf(name: string, more: Partial<PostgresSourceConfig> = {}) {
      return createSource(postgresConfig({ port: server.port, database: name, ...more }), {
        ...testDeps(join(server.folder, 'runtime')),
        tools: { postgresDirs: [POSTGRES_ROOT] },
      });
    }

    /** A dump's proof, and a database that the dump was loaded into. */
    async function backedUp(name: string, more: Partial<PostgresSourceConfig> = {}) {
      const source = sourceOf(name, more);
      const dump = source
        .parts(await source.probe(never))
        .at(-1)!
        .open(never);
      const { bytes } = await readDump(dump);
      const outcome = await dump.proof!;
      expect(outcome).toMatchObject({ why: null, proof: { unproven: null } });
      const copy = await database();
      await sourceOf(copy).restoreInto(copy, streamOf(bytes), never);
      return { proof: proofSchema.parse(outcome.proof), copy };
    }

    /** What a restore and a verification would say. */
    async function told(copy: string, proof: Proof) {
      const comparison = compare(proof, await sourceOf(copy).prove(copy, proof, never));
      const said = tellDifferences(comparison);
      expect(comparison.proven).toBe(said.length === 0);
      return said;
    }

    test('those that pg_dump takes along → are in the proof, equal after a restore, and missed where they are not', async () => {
      const name = await database(`CREATE EXTENSION ${settings.name}; ${USED}`);
      const { proof, copy } = await backedUp(name);
      expect(proof.tables.map((table) => [table.name, table.rows])).toEqual([
        ['public.job', 1],
        ['public.own', 1],
        ['public.setting', 2],
      ]);
      expect(proof.counters.map((counter) => counter.name)).toEqual(['public.ticket']);
      expect(await told(copy, proof)).toEqual([]);

      await server.sql("DELETE FROM setting WHERE name = 'motto'; UPDATE job SET what = 'weep'", copy);
      await server.sql("SELECT nextval('ticket')", copy);
      expect(await told(copy, proof)).toEqual([
        'table public.setting has 1 row, expected 2',
        'table public.job has its 1 row, but not the ones of the source',
        'counter public.ticket stands at 4, expected 3',
      ]);
    });

    test('a tenant whose schema an extension lives in → they are in its dump and in its proof', async () => {
      const name = await database(`CREATE SCHEMA tenant_1; CREATE EXTENSION ${settings.name} SCHEMA tenant_1;
        SET search_path = tenant_1; ${USED}`);
      const config = postgresConfig({ port: server.port, database: name, tenants: tenantsByPattern() });
      const deps = { ...testDeps(), tools: { postgresDirs: [POSTGRES_ROOT] } };
      const tenants = [{ id: '1', schema: 'tenant_1' }];
      const proofs: Proof[] = [];
      const order = {
        ...{ tenants, staging: temporaryFolder(), limitMs: 60_000 },
        ...{ onBytes: () => Promise.resolve(), onStep: () => undefined },
        encodeProof: (_: string, proof: Proof) => JSON.stringify(proofs.push(proof)),
      };
      const probe = await createSource(config, deps).probe(never);
      const set = await createTenantDumps(config, deps)!.atOneMoment({ tenants, probe }, never, (moment) =>
        moment.stage(order, never),
      );
      expect(set).toMatchObject({ left: [], failed: [], tenants: [{ unproven: null }] });
      const dump = readFileSync(join(order.staging, 'postgres', name, 'tenant_1.dump'));
      const copy = await database();
      await sourceOf(copy).restoreInto(copy, streamOf(dump), never);
      const [proof] = proofs;
      expect(proof!.tables.map((table) => [table.name, table.rows])).toEqual([
        ['tenant_1.job', 1],
        ['tenant_1.own', 1],
        ['tenant_1.setting', 2],
      ]);
      const found = await sourceOf(copy).prove(copy, proof!, never);
      expect(found.tables).toEqual(proof!.tables);
      expect(found.counters).toEqual(proof!.counters);
    });

    test('an older proof, which names none of them → is compared as it was', async () => {
      const name = await database(`CREATE EXTENSION ${settings.name}; ${USED}`);
      const { proof, copy } = await backedUp(name);
      const older = { ...proof, tables: proof.tables.filter((table) => table.name === 'public.own') };
      expect(await told(copy, { ...older, counters: [] })).toEqual([]);
    });

    test('a role that may not read them → a gap like that of any table, and where it is allowed, dump and proof go without', async () => {
      const name = await database(`CREATE EXTENSION ${settings.name}; ${USED}`);
      const user = `reader_${number}`;
      await server.sql(
        `CREATE ROLE ${user} LOGIN PASSWORD 'keeper'; GRANT SELECT ON own, setting, ticket TO ${user}`,
        name,
      );
      onTestFinished(async () => {
        await server.sql(`DROP OWNED BY ${user}`, name);
        await server.sql(`DROP ROLE ${user}`);
      });
      const role = { user, password: 'keeper' };
      const { gaps } = await sourceOf(name, role).probe(never);
      expect(gaps.find((gap) => gap.name === 'tables')).toMatchObject({ objects: ['"public"."job"'] });
      const { proof, copy } = await backedUp(name, {
        ...role,
        allowIncomplete: ['tables', 'role_passwords'],
      });
      expect(proof.tables.map((table) => table.name)).toEqual(['public.own', 'public.setting']);
      expect(await told(copy, proof)).toEqual([]);
    });

    test('larger than the limit → by ranges of the key, the condition holds there too', async () => {
      const name = await database(`CREATE EXTENSION ${settings.name}; ${USED}
        INSERT INTO setting SELECT 'n ' || lpad(i::text, 6, '0'), md5(i::text), i % 2 = 0 FROM generate_series(1, 20000) i`);
      // Those of the extension itself come back with it.
      await server.sql("DELETE FROM setting WHERE standard AND name LIKE 'n %1'", name);
      const { proof, copy } = await backedUp(name, { proofLimitBytes: 100_000 });
      const setting = proof.tables.find((table) => table.name === 'public.setting');
      expect(setting).toMatchObject({ rows: 10_002, sample: { key: '"name"' } });
      expect(await told(copy, proof)).toEqual([]);
      const [low] = setting!.sample!.ranges.at(-1)!;
      await server.sql(`UPDATE setting SET value = '' WHERE name = ${low}`, copy);
      expect(await told(copy, proof)).toEqual([
        'table public.setting has its 10002 rows, but in the samples that were compared not the ones of the source',
      ]);
    });

    test('rows that the extension brings itself, and no condition leaves out → a restore has them twice, which is told', async () => {
      const words = await installExtension(
        server,
        `CREATE TABLE word (word text); INSERT INTO word VALUES ('hello');
         SELECT pg_catalog.pg_extension_config_dump('word', '');`,
      );
      onTestFinished(words.remove);
      const name = await database(`CREATE EXTENSION ${words.name}; CREATE TABLE own (id int)`);
      const { proof, copy } = await backedUp(name);
      expect(await told(copy, proof)).toEqual(['table public.word has 2 rows, expected 1']);
    });
  },
);
