import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { haltedRestic, type TestAgent } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { POSTGRES_ROOT, postgresMajors } from '../../helpers/postgres.ts';
import { quickKey } from '../../helpers/quick-key.ts';
import { repositoryRoot } from '../../helpers/stack.ts';
import { until } from '../../helpers/until.ts';
import type { Area } from '../fault.ts';
import { storedBytes } from '../planting.ts';
import type { Stage } from '../stage.ts';

const KILLS = 20;
const SLOW_KILLS = 3;

export const agent: Area = {
  title: 'The agent',
  file: import.meta.filename,
  faults: [
    {
      name: 'The agent is killed at any moment of a backup',
      done: 'SIGKILL at random moments, those of the retention among them, the first of them with restic’s own slow key, which is where most kills meet it',
      on: [mariadb, postgres],
      times: KILLS,
      asserted:
        'what is there at the end was confirmed by a run that ended well, every dump of it restores whole, no lock is left, and every byte is sound',
      stage: {
        rows: 10_000,
        slowKey: true,
        environment: { BACKUP_KEEP_WITHIN: '0', BACKUP_CHECK_INTERVAL: '0' },
      },
      changesStage: true,
      inject: async (stage) => {
        const { agent, oracle } = stage;
        const repository = join(agent.folder, 'repository');
        // What was verified last stays, however little is kept.
        expect((await agent.run(['verify'])).code).toBe(0);
        for (const [kills, key] of [
          [SLOW_KILLS, 'slow'],
          [KILLS - SLOW_KILLS, 'quick'],
        ] as const) {
          if (key === 'quick') quickKey(repository, agent.environment['RESTIC_PASSWORD'] ?? '');
          const started = performance.now();
          expect((await agent.run(['backup'])).stderr).toMatch(/stored/);
          for (const moment of stage.moments(kills, performance.now() - started)) {
            await oracle.died(() => stage.killedAfter(moment, ['backup']), { forgets: true });
          }
        }
        await expectConfirmed(stage);
      },
    },
    {
      name: 'The agent is told to stop',
      done: 'SIGTERM to a command, then to the daemon, while restic stands still before it reads the dump',
      on: [postgres],
      times: 2,
      asserted:
        'interrupted; no lock, no spool and no session on the server is left, and the daemon ends well',
      stage: { rows: 30_000 },
      inject: async (stage) => {
        const { agent, oracle } = stage;
        const told = () => stopped(stage, ['backup']);
        await oracle.alarm(told, /interrupted.*told to stop/);
        const daemon = () => stopped(stage, ['run'], { BACKUP_CRON: '* * * * * *' });
        await oracle.alarm(daemon, /"msg":"stopped"/, { exitCode: 0 });
        expect(readdirSync(join(agent.folder, 'state'))).not.toContain('spool');
      },
    },
    {
      name: 'Two agents back up at once',
      done: 'the second is started while the first one’s restic stands still before it reads the dump',
      on: [postgres],
      times: 1,
      asserted: 'the second is busy, with exit code 5, and says with what; the first one’s backup is good',
      stage: { rows: 30_000 },
      inject: async ({ agent, shop, oracle }) => {
        const halted = haltedRestic(temporaryFolder());
        const first = agent.start(['backup'], { HOLDFAST_RESTIC: halted.path });
        await until('the dump is under way', async () => halted.reached());
        const told = new RegExp(`another run holds the lock: backup of ${shop.database}`);
        await oracle.alarm(() => agent.run(['backup']), told, { exitCode: 5 });
        halted.letGo();
        const { code, stderr } = await first.ended;
        expect(stderr).toMatch(/backup of \S+: stored/);
        expect(code).toBe(0);
      },
    },
    {
      name: 'A prune is killed and leaves its lock',
      done: 'SIGKILL while it has the repository alone',
      on: [mariadb],
      times: 1,
      asserted: 'a restore goes on all the same, and removes it',
      inject: async ({ agent, shop, oracle }) => {
        const attempt = async () => {
          execFileSync('bash', ['-c', KILLED_PRUNE], { env: agent.environment });
          return { code: null, stdout: '', stderr: '' };
        };
        await oracle.died(attempt);
        expect(locksOf(agent)).toHaveLength(1);
        const restore = ['restore', shop.database, '--output', join(agent.folder, 'out')];
        const { code, stderr } = await agent.run(restore);
        expect(stderr).toMatch(/restore of \S+: wrote/);
        expect(code).toBe(0);
        expect(locksOf(agent)).toEqual([]);
      },
    },
  ],
};

interface HistoryRun {
  result: string;
  facts: { snapshotIds?: string[] };
}

/** After the kills: all that is there was confirmed, and is whole. */
async function expectConfirmed({ agent, engine, repository, rows }: Stage): Promise<void> {
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).toMatch(/backup of \S+: stored/);
  expect(stderr).not.toMatch(/error/);
  expect(code, stderr).toBe(0);
  const { stdout } = await agent.run(['history', '--limit', '200', '--json']);
  const history = JSON.parse(stdout) as HistoryRun[];
  const good = history.filter(({ result }) => result === 'succeeded');
  const confirmed = good.flatMap(({ facts }) => facts.snapshotIds ?? []);
  expect(agent.snapshots().filter((id) => !confirmed.includes(id))).toEqual([]);
  expect(history.filter(({ result }) => result === 'running')).toEqual([]);
  expect(history.some(({ result }) => result === 'interrupted')).toBe(true);
  expect((await agent.run(['prune'])).code).toBe(0);
  expect(locksOf(agent)).toEqual([]);
  expect((await agent.run(['check', '--all-data'])).code).toBe(0);
  const dumps = await repository.list({ kind: 'dump' }, new AbortController().signal);
  expect(dumps).not.toEqual([]);
  for (const dump of dumps) {
    const bytes = await storedBytes(repository, dump);
    const text = engine === postgres ? scriptOf(bytes) : bytes.toString();
    expect(text).toContain(engine === postgres ? `\n${rows}\tZoë ${rows}\t` : `(${rows},'Zoë ${rows}',`);
    expect(text).toMatch(
      /\n-- (Dump completed|PostgreSQL database dump complete\n--\s*(\\unrestrict \S+)?)\s*$/,
    );
  }
}

/** An archive of pg_dump as the script that its own client makes of it, which reads it to its end. */
function scriptOf(archive: Buffer): string {
  const client = join(POSTGRES_ROOT, String(postgresMajors()[0]), 'bin/pg_restore');
  return execFileSync(client, ['--file=-'], { input: archive, maxBuffer: 10 * archive.length }).toString();
}

/** A command that gets SIGTERM in the middle of its dump, and leaves nothing. */
async function stopped({ agent, engine, server, shop }: Stage, args: string[], environment = {}) {
  const halted = haltedRestic(temporaryFolder());
  const { child, ended } = agent.start(args, { HOLDFAST_RESTIC: halted.path, ...environment });
  await until('the dump is under way', async () => halted.reached());
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  expect(locksOf(agent)).toEqual([]);
  expect(await agent.lastRun()).toMatchObject({ job: 'backup', result: 'interrupted' });
  await until('no client of ours is left on the server', async () => {
    return (await engine.sessions(server, shop)) === 0;
  });
  return { code, stdout, stderr };
}

/** Without what restic was writing when it was killed, `ID-tmp-…`: for restic that is no lock, it is none until it is renamed. */
function locksOf(agent: TestAgent): string[] {
  return readdirSync(join(agent.folder, 'repository', 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

const KILLED_PRUNE = `
  locked() { ls "$RESTIC_REPOSITORY/locks" | grep -qE '^[0-9a-f]{64}$'; }
  until locked; do
    '${process.execPath}' '${repositoryRoot}/agent/main.ts' restic -- prune >/dev/null 2>&1 & prune=$!
    while kill -0 $prune 2>/dev/null && ! locked; do :; done
    kill -9 $prune 2>/dev/null; wait $prune
  done; true`;
