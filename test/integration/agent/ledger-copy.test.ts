import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

test('backups and a verification → the repository has one copy of the ledger, the newest dump stays `latest`, and a new server gets its history back', async () => {
  const { environment, database } = await createShop(server, 50);
  const agent = await testAgent({ ...environment, BACKUP_LEDGER: 'on' });
  const restic = (...args: string[]) => execFileSync('restic', args, { env: agent.environment });
  const kinds = () => {
    const listed = JSON.parse(restic('snapshots', '--json').toString()) as { tags: string[] }[];
    return listed.map(({ tags }) => tags.find((tag) => tag.startsWith('kind='))).toSorted();
  };
  expect((await agent.run(['backup'])).stderr).toMatch(/ledger: stored the ledger as/);
  const first = kinds();
  expect(first).toContain('kind=ledger');
  expect((await agent.run(['backup'])).stderr).not.toMatch(/ledger/);
  expect(restic('ls', 'latest').toString()).toContain(`/mysql/${database}.sql.gz`);

  const verified = await agent.run(['verify']);
  expect(verified.stderr).toMatch(/ledger: stored the ledger as/);
  expect(kinds().filter((kind) => kind === 'kind=ledger')).toHaveLength(1);
  expect(restic('ls', 'latest').toString()).toContain(`/mysql/${database}.sql.gz`);

  // The command of docs/runbook.md, on a server that has nothing but the repository and its password.
  const state = join(agent.folder, 'new-state');
  mkdirSync(state);
  const ledger = restic('dump', '--path', '/holdfast/ledger.db', 'latest', '/holdfast/ledger.db');
  writeFileSync(join(state, 'ledger.db'), ledger);
  const history = await agent.run(['history', '--json'], { HOLDFAST_STATE_DIR: state });
  const runs = JSON.parse(history.stdout) as { job: string; result: string }[];
  expect(
    runs.map(({ job, result }) => `${job} ${result}`).filter((run) => /^(backup|verify)/.test(run)),
  ).toEqual(['verify succeeded', 'backup succeeded', 'backup succeeded']);
});

test('the ledger cannot be stored → the verification stands, and the ledger is told as a warning', async () => {
  const { environment } = await createShop(server, 50);
  const agent = await testAgent({ ...environment, BACKUP_RETENTION: 'off' });
  expect((await agent.run(['backup'])).code).toBe(0);
  const script = 'case "$*" in *ledger.db*) echo "no luck" >&2; exit 1 ;; esac\nexec restic "$@"';
  const restic = fakeProgram(agent.folder, 'restic-without-luck', script);
  const verified = await agent.run(['verify'], { BACKUP_LEDGER: 'on', HOLDFAST_RESTIC: restic });
  expect(verified.stderr).toMatch(/verify of .*: restored[^]*error: ledger failed/);
  expect(verified.code).toBe(3);
});
