import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { PostgresSourceConfig } from '../../../agent/config/config.ts';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { compare } from '../../../agent/proof/compare.ts';
import { proofOfSchema } from '../../../agent/proof/of-schema.ts';
import { proofSchema, type Proof } from '../../../agent/proof/proof.ts';
import { createSource, createTenants } from '../../../agent/sources/create.ts';
import { beginSnapshot, exportSnapshot } from '../../../agent/sources/postgres/proof/snapshot.ts';
import { withPostgresSession } from '../../../agent/sources/postgres/session.ts';
import { readNeeds } from '../../../agent/sources/postgres/tenant-dumps/needs.ts';
import {
  countersBefore,
  inSnapshot,
  proveSchemas,
} from '../../../agent/sources/postgres/tenant-dumps/proofs.ts';
import type { TenantOrder } from '../../../agent/sources/tenants.ts';
import { CLINIC_ROLES, clinicDatabase } from '../../fixtures/tenants/clinic.ts';
import { checksumsOf } from '../../helpers/clinic.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { postgresConfig, readDump, streamOf, tenantsByPattern, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;
const BY_PATTERN = tenantsByPattern();

describe.each(postgresMajors())('tenants of PostgreSQL %i', (major) => {
  let server: TestServer;
  let number = 0;
  beforeAll(async () => {
    server = await startPostgres([], major);
    await server.sql(CLINIC_ROLES);
  });
  afterAll(() => server.stop());

  function tenantsOf(database: string, more: Partial<PostgresSourceConfig> = {}) {
    const config = postgresConfig({ port: server.port, database, tenants: BY_PATTERN, ...more });
    const deps = { ...testDeps(join(server.folder, 'runtime')), tools: { postgresDirs: [POSTGRES_ROOT] } };
    return { source: createSource(config, deps), tenants: createTenants(config, deps)! };
  }

  async function clinic() {
    const database = `clinic_${(number += 1)}`;
    await server.sql(`CREATE DATABASE ${database}`);
    onTestFinished(async () => {
      await server.sql(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    });
    await server.sql(clinicDatabase(), database);
    return {
      database,
      sql: (text: string) => server.sql(text, database),
      checksums: () => checksumsOf(server, database),
      backup: () => backupOf(database),
    };
  }

  /** A dump of the whole database with its proof, and how tenants are restored from it. */
  async function backupOf(database: string) {
    const { source } = tenantsOf(database);
    const dump = source
      .parts(await source.probe(never))
      .at(-1)!
      .open(never);
    const { bytes } = await readDump(dump);
    const proof: Proof = proofSchema.parse((await dump.proof)?.proof);
    const restore = async (
      id: string,
      {
        to = id,
        config = {},
        stream = (whole) => streamOf(whole),
        signal = never,
        ...more
      }: Partial<TenantOrder> & {
        to?: string;
        config?: Partial<PostgresSourceConfig>;
        stream?: (bytes: Buffer) => AsyncIterable<Buffer>;
        signal?: AbortSignal;
      } = {},
    ) => {
      const { tenants } = tenantsOf(database, config);
      const { schema } = await tenants.lookUp(id, never);
      const judge = (found: Proof) => {
        const { differences, equal } = compare(proofOfSchema(proof, schema), found);
        expect({ differences, equal }).toEqual({ differences: [], equal: true });
      };
      const order: TenantOrder = {
        schema,
        into: await tenants.lookUp(to, never),
        elsewhere: null,
        keep: `${schema}_old_20261101_150000`,
        proof,
        alone: null,
        judge,
        owners: 'where-allowed',
        forGood: true,
        onStep: () => undefined,
        ...more,
      };
      return tenants.restore(order, stream(bytes), signal);
    };
    return Object.assign(restore, { proof });
  }

  test('a query for them → tenants in and out of use; what is no answer is refused with what is wrong', async () => {
    const { database, sql } = await clinic();
    const find = (text: string) =>
      tenantsOf(database, { tenants: { ...BY_PATTERN, found: { kind: 'query', sql: text } } }).tenants.find(
        never,
      );
    await sql(
      "UPDATE tenants SET schema_name = 'tenant_gone' WHERE id = '43'; UPDATE tenants SET active = false WHERE id = '42'",
    );
    const { tenants, findings } = await find('select id, schema_name, active from tenants -- all of them');
    expect(findings).toEqual(['tenant 43 has no schema: there is no "tenant_gone"']);
    expect(tenants.map(({ id }) => id)).toEqual(['42', '43', '100', 'new', 'North-East']);
    expect(tenants[0]).toMatchObject({
      schema: 'tenant_42',
      active: false,
      bytes: expect.any(Number) as unknown,
    });
    expect(tenants[1]).toMatchObject({ schema: 'tenant_gone', active: true, bytes: null });
    expect((await find('select id, schema_name from tenants where false')).findings).toEqual([
      expect.stringMatching(/the query for the tenants of clinic_\d+ gives none/),
    ]);
    const bad: [string, RegExp][] = [
      ['select schema_name from tenants', /gives no column id, or none called schema_name/],
      ['select id, schema_name from tenant', /refused by the server: relation "tenant" does not exist/],
      ['select id, schema_name from tenants where', /refused by the server: syntax error/],
      ["select id, 'tenant_42' as schema_name from tenants", /gives the schema "tenant_42" to two tenants/],
      ["select '1' as id, schema_name from tenants", /gives tenant 1 twice/],
      [
        "select id, 'public' as schema_name from tenants limit 1",
        /the schema "public", which is no tenant's/,
      ],
      ['select null as id, schema_name from tenants', /a tenant without an id/],
      ["select id, schema_name, 'yes' as active from tenants", /an active that is neither true nor false/],
      ['delete from tenants returning id, schema_name', /refused by the server/],
    ];
    for (const [text, message] of bad)
      await expect(find(text), text).rejects.toMatchObject({
        kind: 'configuration',
        message: expect.stringMatching(message) as unknown,
      });
  });

  test('one over itself → all that hangs on it is as it was, and every other tenant is untouched', async () => {
    const { database, sql, checksums, backup } = await clinic();
    const good = await checksums();
    const restore = await backup();
    const { tables } = await tenantsOf(database).source.probe(never);
    await sql(`
      DELETE FROM tenant_42.patients WHERE id > 5; DROP FUNCTION tenant_42.patients_of; DROP VIEW tenant_42.planned;
      ALTER TABLE tenant_42.patients DISABLE ROW LEVEL SECURITY; DELETE FROM tenant_43.appointments;
      INSERT INTO "tenant_North-East".notes VALUES (999, 'since')`);
    const { tenant_42: before, ...others } = await checksums();
    expect(await restore('42')).toMatchObject({
      tables: 3,
      rows: 90,
      replaced: true,
      ownersKept: true,
      warnings: [],
    });
    expect(await checksums()).toEqual({
      ...others,
      tenant_42: good['tenant_42'],
      tenant_42_old_20261101_150000: before,
    });

    // What is dropped after a week is not missed by the guard of the backups' tables.
    expect((await tenantsOf(database).source.probe(never)).tables).toBe(tables);

    const [answer] = await sql(`SET ROLE clinic_app; SELECT tenant_42.patients_of('DE') AS de,
      (SELECT count(*) FROM tenant_42.planned) AS planned, (SELECT number FROM tenant_42.totals) AS total`);
    expect(answer).toEqual({ de: '15', planned: '30', total: '30' });
    expect(await sql(`INSERT INTO tenant_42.patients (name) VALUES ('next') RETURNING id, code`)).toEqual([
      { id: '31', code: 'IT' },
    ]);
    const [touched] = await sql(
      `UPDATE tenant_42.patients SET name = 'x' WHERE id = 1 RETURNING changed_at IS NOT NULL AS done`,
    );
    expect(touched).toEqual({ done: true });
    await expect(sql("INSERT INTO tenant_42.patients (name, country) VALUES ('x', 'XX')")).rejects.toThrow(
      /patients_country_fkey/,
    );
    const [owned] =
      await sql(`SELECT pg_get_userbyid(nspowner) AS schema, pg_get_userbyid(relowner) AS table, relrowsecurity AS secured,
      obj_description(c.oid) AS comment, n_live_tup AS known FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      JOIN pg_stat_all_tables s ON s.relid = c.oid WHERE nspname = 'tenant_42' AND c.relname = 'patients'`);
    expect(owned).toMatchObject({
      schema: 'clinic_owner',
      table: 'clinic_owner',
      secured: true,
      comment: 'who comes to 42',
    });
  });

  test('a schema that was dropped, a name that needs quotes, a tenant without tables → each comes back', async () => {
    const { sql, checksums, backup } = await clinic();
    const good = await checksums();
    const restore = await backup();
    await sql(
      'DROP SCHEMA "tenant_North-East" CASCADE; DROP SCHEMA tenant_new; DROP FUNCTION code_of CASCADE',
    );
    expect(await restore('North-East')).toMatchObject({ tables: 3, rows: 30, replaced: false });
    expect(await restore('new')).toMatchObject({ tables: 0, rows: 0, replaced: false });
    const after = await checksums();
    expect(after['tenant_North-East']).toBe(good['tenant_North-East']);
    expect(
      await sql("SELECT code_of('it') AS code, to_regnamespace('tenant_new') IS NOT NULL AS there"),
    ).toEqual([{ code: 'IT', there: true }]);
  });

  test('a dump of one schema whose proof does not say what it needs → restored, and what was not compared is named', async () => {
    const { sql, backup } = await clinic();
    const restore = await backup();
    await sql('DELETE FROM tenant_42.notes');
    const proof = proofOfSchema(restore.proof, 'tenant_42');
    const heading = (name: string, kind: string) =>
      `--\n-- Name: ${name}; Type: ${kind}; Schema: public; Owner: -\n--\n\nCREATE ${kind} public.${name};\n\n`;
    const script = Buffer.from(heading('visit_state', 'TYPE') + heading('code_of(text)', 'FUNCTION'));
    expect(await restore('42', { proof, alone: { prelude: async () => streamOf(script) } })).toMatchObject({
      rows: 90,
      warnings: [
        expect.stringMatching(
          /^type public\.visit_state and 1 more, which the schema needs, was not compared/,
        ),
      ],
    });
    await sql('DROP SCHEMA tenant_42_old_20261101_150000 CASCADE');
    expect(await restore('42', { proof, alone: { prelude: async () => null } })).toMatchObject({
      warnings: [expect.stringMatching(/was not compared: its prelude is gone/)],
    });
  });

  test('what it needs is made by who may not give it to its owner → made, left to who restores, and told; by a superuser, given', async () => {
    const { database, sql, backup } = await clinic();
    const restore = await backup();
    const keeper = `maker_${major}`;
    await server.sql(
      `CREATE ROLE ${keeper} LOGIN PASSWORD 'secret' BYPASSRLS; GRANT clinic_owner, boss TO ${keeper}`,
    );
    onTestFinished(async () => {
      await sql(`DROP OWNED BY ${keeper} CASCADE`);
      await server.sql(`DROP OWNED BY ${keeper} CASCADE; DROP ROLE ${keeper}`);
    });
    await sql(
      `GRANT CREATE ON DATABASE ${database} TO ${keeper}, clinic_owner; GRANT CREATE ON SCHEMA public TO ${keeper}; GRANT REFERENCES ON public.countries TO clinic_owner, ${keeper}`,
    );
    const proof = proofOfSchema(restore.proof, 'tenant_42');
    const script = Buffer.from(
      '--\n-- Name: extra(); Type: FUNCTION; Schema: public; Owner: clinic_app\n--\n\nCREATE FUNCTION public.extra() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;\n\n\nALTER FUNCTION public.extra() OWNER TO clinic_app;\n\n',
    );
    const alone = { prelude: async () => streamOf(script) };
    const owner = async () =>
      (await sql("SELECT pg_get_userbyid(proowner) AS owner FROM pg_proc WHERE proname = 'extra'"))[0]?.[
        'owner'
      ];
    const left = `function public.extra(), which the schema needs, was made and belongs to ${keeper}`;
    const { warnings } = await restore('42', { proof, alone, config: { user: keeper, password: 'secret' } });
    expect(warnings).toContainEqual(expect.stringContaining(left));
    expect(await owner()).toBe(keeper);
    await sql('DROP FUNCTION public.extra(); DROP SCHEMA tenant_42_old_20261101_150000 CASCADE');
    const asSuperuser = await restore('42', { proof, alone });
    expect(asSuperuser.warnings.join()).not.toContain('belongs to');
    expect(await owner()).toBe('clinic_app');
  });

  test("what one tenant needs is dropped while proofs of several are read → that one's loses its word, and no other", async () => {
    const { database, sql } = await clinic();
    await sql("CREATE FUNCTION public.gone() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    const [gone] = await sql(
      "SELECT 'pg_proc'::regclass::oid || ' ' || 'public.gone'::regproc::oid AS object",
    );
    const config = postgresConfig({ port: server.port, database, tenants: BY_PATTERN });
    const leftOut = { relations: [], rows: [], largeObjects: false, subscriptions: false };
    const schemas = ['tenant_42', 'tenant_43', 'tenant_100', 'tenant_new'];
    const proofs = await withPostgresSession(config, { signal: never, caFile: '' }, async (session) => {
      await beginSnapshot(session);
      const what = { config, caFile: '', snapshot: await exportSnapshot(session), leftOut };
      return inSnapshot(what, never, async (own) => {
        const before = await countersBefore(own, what, schemas);
        const needs = await readNeeds(own, schemas);
        needs.delete('tenant_100');
        needs.get('tenant_43')!.objects.add(String(gone?.['object']));
        await sql('DROP FUNCTION public.gone()');
        return proveSchemas(own, what, { schemas, before, needs });
      });
    });
    const said = schemas.map((schema) => {
      const { withNeeds, unproven } = proofs.get(schema)!;
      return [schema, withNeeds, unproven];
    });
    expect(said).toEqual([
      ['tenant_42', true, null],
      ['tenant_43', undefined, expect.stringMatching(/^what it needs outside of itself could not be read: /)],
      ['tenant_100', undefined, 'what it needs outside of itself could not be read'],
      ['tenant_new', true, null],
    ]);
    expect(proofs.get('tenant_42')!.objects.filter(({ kind }) => kind === 'extension')).toHaveLength(1);
  });

  test('one statement is asked for and the text holds several → the server refuses all of it', async () => {
    const { database, sql } = await clinic();
    const config = postgresConfig({ port: server.port, database, tenants: BY_PATTERN });
    await withPostgresSession(config, { signal: never, caFile: '' }, async (session) => {
      await session.queryOne('CREATE TYPE public.one AS ENUM ();');
      await expect(
        session.queryOne('CREATE TYPE public.two AS ENUM (); DROP TYPE public.one;'),
      ).rejects.toThrow(/multiple commands/);
    });
    expect(await sql("SELECT typname AS name FROM pg_type WHERE typname IN ('one', 'two')")).toEqual([
      { name: 'one' },
    ]);
  });

  test('an extension lives in the schema → the restore point has it, and brings it back', async () => {
    const { database, sql } = await clinic();
    const { tenants } = tenantsOf(database);
    await sql(
      "CREATE SCHEMA tenant_ext; CREATE EXTENSION hstore SCHEMA tenant_ext; CREATE TABLE tenant_ext.facts (said tenant_ext.hstore); INSERT INTO tenant_ext.facts VALUES ('a=>1')",
    );
    const { bytes } = await readDump(tenants.part('tenant_ext').open(never));
    await sql('DROP SCHEMA tenant_ext CASCADE');
    const into = await tenants.lookUp('ext', never);
    const nothing = {
      elsewhere: null,
      proof: null,
      alone: null,
      owners: 'where-allowed',
      forGood: true,
    } as const;
    const calls = { judge: () => undefined, onStep: () => undefined };
    const order = {
      schema: 'tenant_ext',
      into,
      keep: 'tenant_ext_old_20261101_150000',
      ...nothing,
      ...calls,
    };
    expect(await tenants.restore(order, streamOf(bytes), never)).toMatchObject({ rows: 1, replaced: false });
    expect(await sql("SELECT said OPERATOR(tenant_ext.->) 'a' AS a FROM tenant_ext.facts")).toEqual([
      { a: '1' },
    ]);
  });

  test('tables that are children of a shared one → it has the rows once, before, after and where the old ones are put back by hand', async () => {
    const { sql, checksums, backup } = await clinic();
    await sql(`CREATE TABLE base (id int); CREATE TABLE events (tenant int, id int, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
      CREATE INDEX later ON events (id);
      CREATE TABLE tenant_42.heir (mark text) INHERITS (base); INSERT INTO tenant_42.heir SELECT n, 'x' FROM generate_series(1, 7) n;
      CREATE TABLE tenant_42.events PARTITION OF events FOR VALUES IN (42); CREATE TABLE tenant_43.events PARTITION OF events FOR VALUES IN (43);
      INSERT INTO events SELECT 42 + n % 2, n FROM generate_series(1, 10) n`);
    const shared = () =>
      sql('SELECT (SELECT count(*) FROM base)::int AS base, (SELECT count(*) FROM events)::int AS events');
    const good = await shared();
    expect(good).toEqual([{ base: 7, events: 10 }]);
    const all = await checksums();
    const restore = await backup();
    await sql('DELETE FROM tenant_42.heir WHERE id > 3; DELETE FROM events WHERE tenant = 42 AND id > 4');
    expect(await restore('42', { forGood: false })).toMatchObject({ replaced: false });
    expect(await shared()).toEqual([{ base: 3, events: 7 }]);
    expect(await restore('42')).toMatchObject({ replaced: true, warnings: [] });
    expect(await shared()).toEqual(good);
    expect(await checksums()).toMatchObject(all);
    // Attached with its indexes: what is written through the shared table comes into it.
    await sql('INSERT INTO events VALUES (42, 99)');
    const [valid] = await sql(
      "SELECT (SELECT count(*) FROM tenant_42.events WHERE id = 99)::int AS one, bool_and(indisvalid) AS valid FROM pg_index WHERE indrelid IN ('events'::regclass, 'tenant_42.events'::regclass)",
    );
    expect(valid).toEqual({ one: 1, valid: true });
    // docs/runbook.md: the old one put back.
    await sql(`BEGIN; ALTER TABLE tenant_42.heir NO INHERIT base; ALTER TABLE events DETACH PARTITION tenant_42.events;
      ALTER SCHEMA tenant_42 RENAME TO tenant_42_not_wanted; ALTER SCHEMA tenant_42_old_20261101_150000 RENAME TO tenant_42;
      ALTER TABLE tenant_42.heir INHERIT base; ALTER TABLE events ATTACH PARTITION tenant_42.events FOR VALUES IN (42); COMMIT`);
    expect(await shared()).toEqual([{ base: 3, events: 7 }]);
    // As another tenant there would be two partitions for the same rows.
    await expect(restore('42', { to: '77' })).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringMatching(
        /cannot restore table attach tenant_42\.events: partition "events" would overlap/,
      ) as unknown,
      hint: expect.stringContaining('restore the tenant as itself') as unknown,
    });
    expect(await shared()).toEqual([{ base: 3, events: 7 }]);
  });

  test('tried and undone → nothing has changed, the hook included', async () => {
    const { sql, checksums, backup } = await clinic();
    const restore = await backup();
    await sql('DELETE FROM tenant_42.notes');
    const before = await checksums();
    const config = { tenants: { ...BY_PATTERN, afterRestore: 'delete from tenants where id = $1' } };
    expect(await restore('42', { forGood: false, config })).toMatchObject({
      tables: 3,
      rows: 90,
      replaced: false,
    });
    expect(await checksums()).toEqual(before);
    // What the agent sets to see every row is no setting for a statement of the operator's.
    const ordinary =
      "select cast(case current_setting('row_security') when 'on' then '1' else 'off' end as int)";
    const asked = { tenants: { ...BY_PATTERN, afterRestore: ordinary } };
    expect(await restore('42', { forGood: false, config: asked })).toMatchObject({ replaced: false });
    expect(await restore('42', { config })).toMatchObject({ replaced: true });
    expect(await sql('SELECT id FROM tenants ORDER BY lower(id)')).toEqual(
      ['100', '43', 'new', 'North-East'].map((id) => ({ id })),
    );
  });

  test('an extension that it needs has another version → restored, and a warning names both', async () => {
    const { sql, backup } = await clinic();
    await sql('CREATE EXTENSION IF NOT EXISTS hstore; ALTER TABLE tenant_42.patients ADD more hstore');
    const restore = await backup();
    await sql("UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'hstore'");
    const { replaced, warnings } = await restore('42');
    expect(replaced).toBe(true);
    expect(warnings).toEqual([
      expect.stringMatching(/^extension hstore has version 0\.9, and the source had 1\.\d+$/),
    ]);
  });

  test('what would mean something else afterwards → refused by name, and nothing has changed', async () => {
    const { database, sql, checksums, backup } = await clinic();
    const restore = await backup();
    const codeOf = (word: string) =>
      `CREATE OR REPLACE FUNCTION code_of(country text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ${word}(country)'`;
    const table = (schema: string) => `ALTER TABLE ${schema}.patients DROP CONSTRAINT patients_country_fkey`;
    const refusals: [change: string, undo: string, message: RegExp][] = [
      [codeOf('lower'), codeOf('upper'), /needs function public\.code_of\(text\), which is not what it was/],
      [
        "ALTER TYPE visit_state RENAME VALUE 'done' TO 'over'",
        "ALTER TYPE visit_state RENAME VALUE 'over' TO 'done'",
        /needs type public\.visit_state, which is not what it was/,
      ],
      [
        'CREATE VIEW everybody AS SELECT name FROM tenant_42.patients',
        'DROP VIEW everybody',
        /outside of "tenant_42", view public\.everybody depends on it/,
      ],
      [
        'CREATE TABLE billed (patient bigint REFERENCES tenant_42.patients)',
        'DROP TABLE billed',
        /constraint billed_patient_fkey on table public\.billed/,
      ],
      [
        'CREATE PUBLICATION paper FOR TABLE tenant_42.notes_1',
        'DROP PUBLICATION paper',
        /publication of table tenant_42\.notes_1 in publication paper/,
      ],
      [
        'ALTER TABLE countries RENAME TO lands',
        'ALTER TABLE lands RENAME TO countries',
        /needs table public\.countries, which is not there/,
      ],
      [
        'ALTER ROLE clinic_owner RENAME TO somebody',
        'ALTER ROLE somebody RENAME TO clinic_owner',
        /role "clinic_owner" does not exist/,
      ],
      [
        `DELETE FROM tenant_42.patients; ${['tenant_43', 'tenant_100', '"tenant_North-East"'].map(table).join(';')}; DELETE FROM countries WHERE code = 'DE'`,
        "INSERT INTO countries VALUES ('DE', 'Deutschland')",
        /cannot restore fk constraint tenant_42\.patients patients_country_fkey: .*violates foreign key/,
      ],
    ];
    for (const [change, undo, message] of refusals) {
      await sql(change);
      const before = await checksums();
      await expect(restore('42'), change).rejects.toMatchObject({
        kind: 'restore_failed',
        message: expect.stringMatching(message) as unknown,
      });
      expect(await checksums()).toEqual(before);
      await sql(undo);
    }
    for (const id of ['9', `4'2"; DROP SCHEMA tenant_43`])
      await expect(restore(id)).rejects.toMatchObject({
        kind: 'usage',
        message: expect.stringMatching(/holds no schema/) as unknown,
      });

    const hook = { tenants: { ...BY_PATTERN, afterRestore: 'update tenants set state = 1 where id = $1' } };
    const before = await checksums();
    await expect(restore('43', { config: hook })).rejects.toThrow(/after_restore failed: column "state"/);
    const judge = () => {
      throw new Error('it differs');
    };
    await expect(restore('43', { judge })).rejects.toThrow(/it differs/);
    await server.sql(
      `CREATE ROLE keeper_${major} LOGIN PASSWORD 'secret' BYPASSRLS; GRANT pg_read_all_data TO keeper_${major}`,
    );
    const denied = restore('43', { config: { user: `keeper_${major}`, password: 'secret' } });
    await expect(denied).rejects.toMatchObject({
      kind: 'rights_missing',
      message: expect.stringMatching(/must be owner of schema tenant_43/) as unknown,
    });
    await server.sql(`GRANT clinic_owner TO keeper_${major}`);
    await expect(
      restore('43', { config: { user: `keeper_${major}`, password: 'secret' } }),
    ).rejects.toMatchObject({
      kind: 'rights_missing',
      hint: expect.stringContaining(`GRANT CREATE ON DATABASE "${database}" TO "keeper_${major}"`) as unknown,
    });
    expect(await checksums()).toEqual(before);
    const kept = tenantsOf(database).tenants;
    await sql('CREATE VIEW everybody AS SELECT name FROM tenant_100.patients');
    await expect(kept.drop('tenant_100', never)).rejects.toThrow(
      /not dropped: view public\.everybody depends on it/,
    );
    expect(await checksums()).toEqual(before);
  });

  test('rights that were taken away → are not given back by default privileges of the whole database, which stay', async () => {
    const { sql, backup } = await clinic();
    await sql(`CREATE ROLE looker_${major}; GRANT USAGE ON SCHEMA tenant_42 TO looker_${major};
      ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO looker_${major};
      ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO looker_${major} WITH GRANT OPTION;
      CREATE TABLE tenant_42.open (id int); CREATE TABLE tenant_42.secret (id int);
      REVOKE ALL ON tenant_42.secret FROM looker_${major}`);
    const rights = () =>
      sql(`SELECT 'right' AS what, n || ' ' || has_table_privilege('looker_${major}', 'tenant_42.' || n, 'SELECT') AS is FROM unnest('{open,secret}'::text[]) n
        UNION ALL SELECT defaclobjtype::text, a::text FROM pg_default_acl, unnest(defaclacl) a WHERE defaclnamespace = 0 ORDER BY 1, 2`);
    const before = await rights();
    expect(before).toContainEqual({ what: 'right', is: 'secret false' });
    const restore = await backup();
    expect(await restore('42')).toMatchObject({ replaced: true, ownersKept: true });
    expect(await rights()).toEqual(before);
    // Without the backup's rights it is new here, as anything else.
    await sql('DROP SCHEMA tenant_42_old_20261101_150000 CASCADE');
    expect(await restore('42', { owners: 'leave' })).toMatchObject({ replaced: true });
    expect(await rights()).toContainEqual({ what: 'right', is: 'secret true' });
    await sql(`DROP OWNED BY looker_${major}; DROP ROLE looker_${major}`);
  });

  test.runIf(major >= 15)(
    'its schema is in a publication that is gone → is said with what to make first; then it is in it again',
    async () => {
      const { sql, backup } = await clinic();
      await sql('CREATE PUBLICATION "By ""it" FOR TABLES IN SCHEMA tenant_42');
      const restore = await backup();
      await sql('DROP PUBLICATION "By ""it"');
      await expect(restore('42')).rejects.toMatchObject({
        kind: 'restore_failed',
        message: expect.stringMatching(/publication .* does not exist$/) as unknown,
        hint: expect.stringContaining('(CREATE PUBLICATION "By ""it";)') as unknown,
      });
      await sql('CREATE PUBLICATION "By ""it"');
      expect(await restore('42')).toMatchObject({ replaced: true });
      const [{ count } = {}] = await sql('SELECT count(*)::int FROM pg_publication_namespace');
      expect(count).toBe(1);
    },
  );

  test('a dump that breaks off, a repository that is damaged, a restore that is interrupted → nothing has changed', async () => {
    const { database, sql, checksums, backup } = await clinic();
    const restore = await backup();
    const before = await checksums();
    const upTo = (bytes: Buffer) => bytes.subarray(0, bytes.indexOf('P7@43.example'));
    expect(before['tenant_43']).toBeDefined();
    await expect(restore('43', { stream: (bytes) => streamOf(upTo(bytes)) })).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringContaining('it ends in the rows of tenant_43.patients') as unknown,
    });
    async function* damaged(bytes: Buffer) {
      yield upTo(bytes);
      throw new HoldfastError('repository_damaged', 'a pack is gone');
    }
    await expect(restore('43', { stream: damaged })).rejects.toMatchObject({ kind: 'repository_damaged' });
    const controller = new AbortController();
    const judge = () => controller.abort();
    await expect(restore('43', { judge, signal: controller.signal })).rejects.toMatchObject({
      kind: 'interrupted',
    });
    const sessions = () =>
      sql(`SELECT pid FROM pg_stat_activity WHERE datname = '${database}' AND application_name = 'holdfast'`);
    await until('its session is gone', async () => (await sessions()).length === 0);
    expect(await checksums()).toEqual(before);
  });

  test('as another tenant → keys, defaults, views and a search_path mean the new one; a text that names the old one is refused', async () => {
    const { sql, checksums, backup } = await clinic();
    await sql(
      `CREATE FUNCTION tenant_43.first_name() RETURNS text LANGUAGE sql AS 'SELECT name FROM tenant_43.patients LIMIT 1'`,
    );
    const restore = await backup();
    const before = await checksums();
    await expect(restore('42', { to: '43' })).rejects.toMatchObject({ kind: 'target_not_empty' });
    await expect(restore('43', { to: '78' })).rejects.toThrow(
      /routine tenant_43\.first_name\(\) would still speak of "tenant_43"/,
    );
    expect(await checksums()).toEqual(before);

    expect(await restore('42', { to: '77' })).toMatchObject({ rows: 90, replaced: false, warnings: [] });
    expect(await checksums()).toEqual({ ...before, tenant_77: before['tenant_42'] });
    await sql('DROP SCHEMA tenant_42 CASCADE');
    const [answer] = await sql(
      `SELECT tenant_77.patients_of('DE') AS de, (SELECT count(*) FROM tenant_77.planned) AS planned`,
    );
    expect(answer).toEqual({ de: '15', planned: '30' });
    expect(await sql(`INSERT INTO tenant_77.patients (name) VALUES ('next') RETURNING id`)).toEqual([
      { id: '31' },
    ]);
  });

  test('a server with little room for locks → a tenant that does not fit is not restored, and the setting that has room is told; with it, it is', async () => {
    const few = ['max_connections=10', 'max_worker_processes=2', 'max_wal_senders=2'];
    const on = async (locks: number) => {
      const one = await startPostgres([...few, `max_locks_per_transaction=${locks}`], major);
      onTestFinished(() => one.stop());
      const config = postgresConfig({ port: one.port, database: 'postgres', tenants: BY_PATTERN });
      const deps = { ...testDeps(join(one.folder, 'runtime')), tools: { postgresDirs: [POSTGRES_ROOT] } };
      return { sql: one.sql, tenants: createTenants(config, deps)! };
    };
    const large = await on(256);
    await large.sql(
      `CREATE SCHEMA tenant_1; DO $$ BEGIN FOR i IN 1..400 LOOP EXECUTE format('CREATE TABLE tenant_1.t%s (id serial PRIMARY KEY, note text)', i); END LOOP; END $$`,
    );
    const { bytes } = await readDump(large.tenants.part('tenant_1').open(never));
    const restoreOn = async ({ tenants }: Pick<typeof large, 'tenants'>) => {
      const into = await tenants.lookUp('1', never);
      const nothing = { elsewhere: null, proof: null, alone: null, owners: 'leave', forGood: true } as const;
      const calls = { judge: () => undefined, onStep: () => undefined };
      const order = { schema: 'tenant_1', into, keep: 'tenant_1_old_20261101_150000', ...nothing, ...calls };
      return tenants.restore(order, streamOf(bytes), never);
    };
    const refused = await restoreOn(await on(10)).catch((error: unknown) => error as HoldfastError);
    expect(refused).toMatchObject({
      kind: 'restore_failed',
      message: expect.stringMatching(/^cannot restore .*: out of shared memory$/) as unknown,
      hint: expect.stringMatching(/^Set max_locks_per_transaction = \d+ there/) as unknown,
    });
    const enough = Number(/= (\d+)/.exec((refused as HoldfastError).hint ?? '')?.[1]);
    expect(await restoreOn(await on(enough))).toMatchObject({ tables: 400, replaced: false });
  });

  test('as another tenant, where a role of the old one owns or may something → each is named with the statements that end it', async () => {
    const { sql, checksums, backup } = await clinic();
    await server.sql(`CREATE ROLE tenant_42; CREATE ROLE tenant_421; CREATE ROLE tenant_42_ro`);
    onTestFinished(async () => {
      await server.sql('DROP ROLE IF EXISTS tenant_42, tenant_421, tenant_42_ro');
    });
    await sql(`CREATE SCHEMA tenant_own AUTHORIZATION tenant_42; ALTER SCHEMA tenant_42 OWNER TO tenant_42; DROP SCHEMA tenant_own;
      ALTER TABLE tenant_42.patients OWNER TO tenant_42; CREATE TABLE tenant_42."My own" (id serial, secret text);
      ALTER TABLE tenant_42."My own" OWNER TO tenant_42; CREATE TYPE tenant_42.kind AS ENUM ('a'); ALTER TYPE tenant_42.kind OWNER TO tenant_42;
      CREATE PROCEDURE tenant_42.tidy(n int) LANGUAGE sql AS 'SELECT 1'; ALTER PROCEDURE tenant_42.tidy OWNER TO tenant_42;
      GRANT SELECT (secret) ON tenant_42."My own" TO tenant_42_ro; GRANT USAGE ON SCHEMA tenant_42 TO tenant_42_ro, tenant_421;
      GRANT EXECUTE ON PROCEDURE tenant_42.tidy TO tenant_42_ro;
      ALTER DEFAULT PRIVILEGES FOR ROLE clinic_owner IN SCHEMA tenant_42 GRANT SELECT ON TABLES TO tenant_42_ro;
      ALTER DEFAULT PRIVILEGES FOR ROLE tenant_42 IN SCHEMA tenant_42 GRANT EXECUTE ON FUNCTIONS TO clinic_app;
      CREATE STATISTICS tenant_42.known ON id, secret FROM tenant_42."My own"; ALTER STATISTICS tenant_42.known OWNER TO tenant_42;
      CREATE POLICY own ON tenant_42."My own" FOR SELECT TO tenant_42_ro USING (true)`);
    const restore = await backup();
    const before = await checksums();
    const { warnings } = await restore('42', { to: '77' });
    expect(warnings.join('\n')).not.toContain('tenant_421');
    const statements = warnings.flatMap((one) => one.match(/(?:ALTER|REVOKE) [^;]*;/g) ?? []);
    expect(statements.toSorted()).toEqual(
      [
        'ALTER SCHEMA tenant_77 OWNER TO NEW_ROLE;',
        'ALTER TABLE tenant_77.patients OWNER TO NEW_ROLE;',
        'ALTER TABLE tenant_77."My own" OWNER TO NEW_ROLE;',
        'ALTER TYPE tenant_77.kind OWNER TO NEW_ROLE;',
        'ALTER STATISTICS tenant_77.known OWNER TO NEW_ROLE;',
        'ALTER PROCEDURE tenant_77.tidy(integer) OWNER TO NEW_ROLE;',
        'REVOKE ALL ON SCHEMA tenant_77 FROM "tenant_42_ro";',
        'REVOKE ALL ON ALL TABLES IN SCHEMA "tenant_77" FROM "tenant_42_ro";',
        'REVOKE ALL ON ALL ROUTINES IN SCHEMA "tenant_77" FROM "tenant_42_ro";',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "clinic_owner" IN SCHEMA "tenant_77" REVOKE ALL ON TABLES FROM "tenant_42_ro";',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "tenant_42" IN SCHEMA "tenant_77" REVOKE ALL ON FUNCTIONS FROM clinic_app;',
        'ALTER POLICY own ON tenant_77."My own" TO NEW_ROLE;',
      ].toSorted(),
    );
    expect(warnings).toHaveLength(5);
    // Typed as they are told, they leave the roles nothing in it.
    await sql(statements.join(' ').replaceAll('NEW_ROLE', 'clinic_owner'));
    const [left] = await sql(`SELECT count(*)::int AS left FROM unnest('{tenant_42,tenant_42_ro}'::name[]) r
      WHERE has_schema_privilege(r, 'tenant_77', 'USAGE') OR has_any_column_privilege(r, 'tenant_77."My own"', 'SELECT')
        OR has_table_privilege(r, 'tenant_77.patients', 'SELECT')`);
    expect(left).toEqual({ left: 0 });
    expect((await checksums())['tenant_42']).toBe(before['tenant_42']);
    await sql('DROP OWNED BY tenant_42, tenant_421, tenant_42_ro CASCADE');
  });
});
