import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Source, SwapPlan } from '../../../agent/sources/source.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
let subject: SourceSubject;
beforeAll(async () => {
  server = await startPostgres();
  subject = postgresSubject(server);
});
afterAll(() => server.stop());

const never = new AbortController().signal;
const LOADED = { notes: [], warnings: [], ownersKept: true, stilledEvents: [] };
let number = 0;

interface Prepared {
  source: Source;
  target: string;
  fresh: string;
  keep: string;
  plan: SwapPlan;
}

/** A database and, beside it, the one that shall take its place. */
async function prepared(): Promise<Prepared> {
  number += 1;
  const [target, fresh, keep] = [
    `swap${number}`,
    `holdfast_scratch_${number}_restore`,
    `swap${number}_before_20261101_150000`,
  ];
  const source = subject.source(target);
  await subject.createDatabase(target);
  await source.createDatabase(fresh, never);
  onTestFinished(async () => {
    for (const database of [target, fresh, keep]) await subject.dropDatabase(database);
  });
  return { source, target, fresh, keep, plan: await source.planSwap({ fresh, keep, loaded: LOADED }, never) };
}

describe('a swap of PostgreSQL that was cut off', () => {
  test('before the renames → undone, also when somebody has dropped the new one meanwhile', async () => {
    const { source, fresh, plan } = await prepared();
    expect(await source.settleSwap(plan, never)).toBe('undone');
    await subject.dropDatabase(fresh);
    expect(await source.settleSwap(plan, never)).toBe('undone');
  });

  test('before a rename that keeps no old one → undone, also when the new one and the target are gone', async () => {
    const { source, target, fresh } = await prepared();
    const plan = await source.planSwap({ fresh, keep: null, loaded: LOADED }, never);
    await subject.dropDatabase(target);
    expect(await source.settleSwap(plan, never)).toBe('undone');
    await subject.dropDatabase(fresh);
    expect(await source.settleSwap(plan, never)).toBe('undone');
    await subject.createDatabase(target);
    expect(await source.settleSwap(plan, never)).toBe('undone');
  });

  test('after them → done, also when the old one was dropped since', async () => {
    const { source, keep, plan } = await prepared();
    await source.swapIn(plan, never);
    expect(await source.settleSwap(plan, never)).toBe('done');
    await subject.dropDatabase(keep);
    expect(await source.settleSwap(plan, never)).toBe('done');
  });
});

test('a scratch database of ours that subscribes to another server → dropped, and the slot there is left alone', async () => {
  const { source, fresh, target } = await prepared();
  const create = `CREATE SUBSCRIPTION "ne""ws" CONNECTION 'host=127.0.0.1 port=1 dbname=far' PUBLICATION p WITH (connect = false)`;
  const forget = 'ALTER SUBSCRIPTION "ne""ws" SET (slot_name = NONE); DROP SUBSCRIPTION "ne""ws"';
  for (const database of [fresh, target]) await server.sql(create, database);
  onTestFinished(async () => {
    await server.sql(forget, target);
  });
  await server.sql('ALTER SUBSCRIPTION "ne""ws" ENABLE', fresh);
  await source.dropDatabase(fresh, never);
  expect(await source.listDatabases(fresh, never)).toEqual([]);
  await expect(source.dropDatabase(target, never)).rejects.toThrow(/subscription/);
});
