import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScratchPlace } from '../../../agent/sources/create-scratch.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { mariadbSubject } from '../../helpers/mariadb-subject.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { mysqlConfig, postgresConfig, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;
/** A server that counts whole seconds has to have been there for more than one. */
const SECONDS = 3;

describe.each([
  { engine: 'MariaDB', start: startMariadb, subject: mariadbSubject, config: mysqlConfig },
  { engine: 'PostgreSQL', start: () => startPostgres(), subject: postgresSubject, config: postgresConfig },
])('the server of the source as a place for scratch databases, $engine', (engine) => {
  let server: TestServer;
  let subject: SourceSubject;
  beforeAll(async () => {
    server = await engine.start();
    subject = engine.subject(server);
  });
  afterAll(() => server.stop());

  test('it stands → no trouble; it goes away → told; it is back before anybody asked → told that it was started again', async () => {
    await subject.createDatabase('standing');
    const source = subject.source('standing');
    const config = engine.config({ port: server.port, database: 'standing' });
    const place = createScratchPlace(source, config, { ...testDeps(), throwawayDir: '' });
    const need = { engine: null, serverVersion: null, extensions: null, dumpBytes: null };
    const opened = await place.open(need, never);
    const before = await source.uptime(never);
    await until('it runs for a while', async () => (await source.uptime(never)) >= before + SECONDS);
    expect(await opened.trouble()).toBeNull();
    await server.crash('SIGKILL');
    expect(await opened.trouble()).toMatch(/^the server of the source does not answer any more: /);
    await server.revive();
    expect(await opened.trouble()).toBe('the server of the source was started again meanwhile');
  });
});
