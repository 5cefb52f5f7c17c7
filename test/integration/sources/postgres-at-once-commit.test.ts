import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SourceSubject } from '../../contracts/source.ts';
import { dumpOf, order } from '../../helpers/at-once.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { streamOf } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startPostgres();
  subject = postgresSubject(server);
});
afterAll(() => server.stop());

/** What becomes of a commit on its way to the server. */
type Fate = 'passes' | 'is lost with the connection' | 'is answered to nobody';

/** The port of a way to the server on which each commit meets this, after `meanwhile`. */
async function wayOn(fate: Fate, meanwhile: () => void): Promise<number> {
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const upstream = connect(server.port, server.host);
    let isSilent = false;
    client.on('data', (chunk: Buffer) => {
      const commits = chunk.toString('latin1').endsWith('COMMIT\0');
      isSilent = commits && fate === 'is answered to nobody';
      if (commits && fate === 'is lost with the connection') client.destroy();
      else upstream.write(chunk);
      if (commits) meanwhile();
    });
    upstream.on('data', (chunk: Buffer) => {
      if (!isSilent) client.write(chunk);
    });
    for (const [one, other] of [[client, upstream] as const, [upstream, client] as const]) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  return (listener.address() as AddressInfo).port;
}

/** Replaces a database whose one row is gone, and meets the commit. */
async function replaced(fate: Fate, meanwhile: () => void, signal: AbortSignal) {
  await subject.createDatabase('own');
  onTestFinished(() => subject.dropDatabase('own'));
  await server.sql('CREATE TABLE t (id int); INSERT INTO t VALUES (1)', 'own');
  const dump = await dumpOf(subject.source('own'));
  await server.sql('DELETE FROM t', 'own');
  const { atOnce } = subject.source('own', { port: await wayOn(fate, meanwhile) });
  const committing: boolean[] = [];
  // Only what begins with the commit goes by this clock.
  const check = async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
  };
  onTestFinished(() => void vi.useRealTimers());
  const end = await atOnce!
    .replace(streamOf(dump), { ...order(check), onCommit: () => void committing.push(true) }, signal)
    .catch((error: unknown) => error);
  vi.useRealTimers();
  expect(committing).toEqual([true]);
  return end;
}

const rows = async () => (await server.sql('SELECT FROM t', 'own')).length;

const UNKNOWN = {
  kind: 'source_unreachable',
  message: expect.stringMatching(
    /^the connection ended as own was put in place, and whether it was is not known: /,
  ) as string,
  hint: expect.stringMatching(/^It is whole, and what it was, or what the snapshot has/) as string,
};

describe('the commit of a database that is replaced in one transaction', () => {
  test('it is told to stop meanwhile → is done, and that is what is said', async () => {
    const stop = new AbortController();
    const end = await replaced('passes', () => stop.abort(), stop.signal);
    expect(end).toMatchObject({ ownersKept: true });
    expect(await rows()).toBe(1);
  });

  test('the connection is lost, told to stop or not → that nobody knows is said; here it is as it was', async () => {
    const stop = new AbortController();
    expect(await replaced('is lost with the connection', () => stop.abort(), stop.signal)).toMatchObject(
      UNKNOWN,
    );
    expect(await rows()).toBe(0);
  });

  test('no answer comes in time → the same; here it was done', async () => {
    const meanwhile = () => void vi.advanceTimersByTime(120_000);
    const end = await replaced('is answered to nobody', meanwhile, new AbortController().signal);
    expect(end).toMatchObject(UNKNOWN);
    await until('the commit is done', async () => (await rows()) === 1);
  });
});
