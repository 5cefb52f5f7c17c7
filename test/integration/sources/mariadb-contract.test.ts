import { afterAll, beforeAll } from 'vitest';
import { sourceContract, type SourceSubject } from '../../contracts/source.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { mariadbSubject } from '../../helpers/mariadb-subject.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startMariadb();
  subject = mariadbSubject(server);
});
afterAll(() => server.stop());

sourceContract('MariaDB', () => subject);
