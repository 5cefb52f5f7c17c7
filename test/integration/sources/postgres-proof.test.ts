import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { PostgresSourceConfig } from '../../../agent/config/config.ts';
import { proofSchema, type Proof } from '../../../agent/proof/proof.ts';
import { createSource } from '../../../agent/sources/create.ts';
import type { Source } from '../../../agent/sources/source.ts';
import { HOSTILE } from '../../helpers/postgres-hostile.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import { differences } from '../../helpers/proofs.ts';
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
      ...testDeps(),
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
