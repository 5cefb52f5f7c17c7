import { afterAll, beforeAll } from 'vitest';
import { sourceContract, type SourceSubject } from '../../contracts/source.ts';
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

sourceContract('PostgreSQL', () => subject);
