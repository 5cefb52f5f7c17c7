import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import type { Ended } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { startTap } from '../../helpers/tap.ts';
import { until } from '../../helpers/until.ts';
import type { Area } from '../fault.ts';
import type { Stage } from '../stage.ts';

const KILLS = 20;

export const verification: Area = {
  title: 'The verification',
  file: import.meta.filename,
  faults: [
    {
      name: 'A verification is killed',
      done: 'SIGKILL at random moments of the whole run',
      on: [mariadb, postgres],
      times: KILLS,
      asserted: 'the next one sweeps the scratch that was left, and proves',
      stage: { rows: 30_000 },
      next: 'verification',
      inject: async (stage) => {
        const { agent, oracle, engine, server } = stage;
        const started = performance.now();
        expect((await agent.run(['verify'])).code).toBe(0);
        const whole = performance.now() - started;
        const left = new Set<string>();
        for (const moment of stage.moments(KILLS, whole)) {
          await oracle.died(() => stage.killedAfter(moment, ['verify']));
          for (const name of await scratches(stage)) left.add(name);
        }
        // Some died with a scratch: that it is gone afterwards says something.
        expect(left.size).toBeGreaterThan(0);
        const swept = await agent.run(['verify']);
        expect(swept.stderr).toMatch(/; proved/);
        expect(await scratches({ engine, server })).toEqual([]);
      },
    },
    {
      name: 'The scratch server is not there',
      done: 'one is configured where nobody listens',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'not run, and why: never green, never silent',
      next: 'verification',
      inject: async (stage) => {
        const { engine, server, agent, oracle } = stage;
        const address = new URL(engine.address(server));
        address.port = '1';
        const back = useScratchServer(stage, address.href);
        await oracle.alarm(
          () => agent.run(['verify']),
          /verify of \S+ skipped: not verified: .*127\.0\.0\.1:1/,
        );
        back();
      },
    },
    {
      name: 'The scratch server dies while a dump is restored into it',
      done: 'it is ended at once at a random byte of the rows, and started again',
      on: [mariadb, postgres],
      times: 1,
      asserted:
        'not run, and why; no lock is left in the repository; the scratch that is left there is swept by the next verification, which proves',
      stage: { rows: 30_000 },
      next: 'verify',
      inject: async (stage) => {
        const { engine, agent, oracle, somewhere } = stage;
        const scratch = await engine.start();
        onTestFinished(() => scratch.stop());
        const tap = await startTap(scratch, engine.sendsOrders, 'taken');
        const address = new URL(engine.address(scratch));
        address.port = String(tap.port);
        const back = useScratchServer(stage, address.href);
        const crash = () => scratch.crash(engine.crashSignal);
        // The rows take a little less on the way there.
        const bytes = Math.ceil(somewhere() * 0.9);
        const attempt = () => stage.metAt({ tap, bytes, args: ['verify'] }, crash);
        await oracle.alarm(
          attempt,
          /verify of \S+ skipped: not verified: the scratch server does not answer/,
        );
        expect(locksIn(agent.folder)).toEqual([]);
        await scratch.revive();
        expect(await scratches({ engine, server: scratch }), 'what it died with').toHaveLength(1);
        const proved = await agent.run(['verify']);
        expect(proved.stderr).toMatch(/; proved/);
        expect(await scratches({ engine, server: scratch })).toEqual([]);
        back();
      },
    },
    {
      name: 'No scratch database may be made',
      done: 'the right to it is revoked',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'not run, with the statement that mends it',
      next: 'verification',
      inject: async ({ engine, server, shop, agent, oracle }) => {
        const { user } = shop;
        const [take, give, mend] =
          engine === mariadb
            ? [
                `REVOKE ALL ON \`holdfast\\_%\`.* FROM ${user}@'%'`,
                `GRANT ALL ON \`holdfast\\_%\`.* TO ${user}@'%'`,
                'GRANT',
              ]
            : [`ALTER ROLE ${user} NOCREATEDB`, `ALTER ROLE ${user} CREATEDB`, 'CREATEDB'];
        await server.sql(take);
        const told = new RegExp(`verify of \\S+ skipped: not verified: [\\s\\S]*${mend}`);
        await oracle.alarm(() => agent.run(['verify']), told);
        await server.sql(give);
      },
    },
    {
      name: 'The session of the proof is ended',
      done: '`pg_terminate_backend` on what holds the dump’s snapshot, at a random byte of the rows',
      on: [postgres],
      times: 1,
      asserted: 'the dump is good, and nothing calls it equal',
      stage: { rows: 30_000 },
      next: 'verify',
      inject: async (stage) => {
        const { server, shop, oracle } = stage;
        const end = () =>
          server.sql(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = '${shop.database}' AND application_name = 'holdfast' AND query NOT LIKE 'COPY %'`,
          );
        const attempt = () => stage.backupMetAt(stage.somewhere(), end);
        await oracle.alarm(attempt, /the session of the proof failed/, { exitCode: 3, counts: true });
        await oracle.neverEqual();
      },
    },
    {
      name: 'A table is changed between the proof’s snapshot and the dump',
      done: 'the dump client is held back before it takes its locks, and the table is emptied and filled anew meanwhile',
      on: [postgres],
      times: 1,
      asserted:
        'the dump, in which the table is empty, is not whole: nothing is stored, and the table is named',
      stage: { tapOn: /SET TRANSACTION SNAPSHOT/ },
      next: 'verify',
      inject: async (stage) => {
        const { oracle } = stage;
        const attempt = () => changedBetween(stage);
        const told = /table public\.orders of \S+ was truncated or rewritten as the dump began/;
        await oracle.alarm(attempt, told, { sourceChanges: true });
      },
    },
    {
      name: 'Rows are written between the proof’s snapshot and the dump',
      done: 'each time the dump client is held back until somebody has written a row, which the brief lock does not let them',
      on: [mariadb],
      times: 1,
      asserted:
        'the lock gives way; the backup says that its equality is not proven, and nothing calls it equal',
      next: 'verify',
      changesStage: true,
      inject: async (stage) => {
        const { oracle } = stage;
        await oracle.alarm(() => lateDump(stage), /not proven/, {
          exitCode: 3,
          counts: true,
          sourceChanges: true,
        });
        await oracle.neverEqual();
      },
    },
  ],
};

/** Somebody has the table until both sessions have their snapshot, and pg_dump, which has no lock yet, waits until it is changed. */
async function changedBetween(stage: Stage): Promise<Ended> {
  const { server, shop } = stage;
  const { host, port, admin } = server;
  const somebody = new pg.Client({ host, port, ...admin, database: shop.database });
  somebody.on('error', () => undefined);
  await somebody.connect();
  onTestFinished(() => somebody.end());
  await somebody.query('ANALYZE orders');
  await somebody.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
  const proofIs = (state: string) =>
    until(`the proof is ${state}`, async () => {
      const sessions = await server.sql(
        `SELECT FROM pg_stat_activity WHERE datname = '${shop.database}' AND application_name = 'holdfast' AND ${state}`,
      );
      return sessions.length > 0;
    });
  return stage.backupMetAt(0, async () => {
    await proofIs(`wait_event_type = 'Lock'`);
    await somebody.query(`TRUNCATE orders; INSERT INTO orders (name) VALUES ('new'); COMMIT`);
    await proofIs(`state = 'idle in transaction'`);
  });
}

/** A backup in which somebody writes a row each time before the dump client begins, also where nobody may. */
function lateDump({ agent, server, shop }: Stage): Promise<Ended> {
  const folder = temporaryFolder();
  const path = agent.environment['PATH'] ?? '';
  const { user, password } = server.admin;
  const write = `INSERT INTO orders (name) VALUES ('new')`;
  fakeProgram(
    folder,
    'mariadb-dump',
    `PATH='${path}'
     case "$*" in *--version*) ;; *)
       MYSQL_PWD='${password}' mariadb --no-defaults -h127.0.0.1 -P${server.port} -u${user} ${shop.database} -e "${write}" ;;
     esac
     exec mariadb-dump "$@"`,
  );
  return agent.run(['backup'], { PATH: `${folder}:${path}` });
}

/** Without what restic was writing when it ended: that is no lock until it is renamed. */
function locksIn(folder: string): string[] {
  return readdirSync(join(folder, 'repository', 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

async function scratches({ engine, server }: Pick<Stage, 'engine' | 'server'>): Promise<string[]> {
  return (await engine.databases(server)).filter((name) => name.startsWith('holdfast_scratch'));
}

/** From now on the shop is verified on another server; returns what takes that back. */
function useScratchServer({ agent, shop }: Stage, address: string): () => void {
  const path = join(agent.folder, 'holdfast.yml');
  const source = `sources:\n  - url: ${urlOf(shop.environment)}\n    name: ${shop.database}\n    guard: off\n`;
  writeFileSync(path, `${source}    verify: {server: '${address}'}\n`);
  agent.environment['HOLDFAST_CONFIG'] = path;
  return () => {
    delete agent.environment['HOLDFAST_CONFIG'];
  };
}

function urlOf(environment: Record<string, string>): string {
  const { DATABASE_URL, MYSQL_HOST, MYSQL_PORT, MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD } = environment;
  return (
    DATABASE_URL ?? `mysql://${MYSQL_USER}:${MYSQL_PASSWORD}@${MYSQL_HOST}:${MYSQL_PORT}/${MYSQL_DATABASE}`
  );
}
