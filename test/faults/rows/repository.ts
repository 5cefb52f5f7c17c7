import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { expectNextGood } from '../../helpers/faults.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { foreignLock, foreignPrune } from '../../helpers/foreign-locks.ts';
import { startRestServer } from '../../helpers/rest-server.ts';
import { until } from '../../helpers/until.ts';
import type { Area } from '../fault.ts';
import { newestDump } from '../planting.ts';
import type { Stage } from '../stage.ts';

export const repository: Area = {
  title: 'The repository',
  file: import.meta.filename,
  faults: [
    {
      name: 'The password of the repository is wrong',
      done: 'another one is configured, with a database that is not there',
      on: [postgres],
      times: 1,
      asserted: 'told before the database is touched',
      inject: async ({ engine, shop, agent, oracle }) => {
        const wrong = { ...engine.otherwise(shop, { port: 1 }), RESTIC_PASSWORD: 'another one' };
        await oracle.alarm(() => agent.run(['backup'], wrong), /password does not open the repository/);
      },
    },
    {
      name: 'The repository is gone',
      done: 'its folder is empty, as that of a volume that is not mounted',
      on: [postgres],
      times: 1,
      asserted: 'never a new empty one in its place',
      inject: async ({ agent, oracle }) => {
        const folder = join(agent.folder, 'repository');
        const attempt = async () => {
          renameSync(folder, `${folder}.away`);
          mkdirSync(folder);
          const ended = await agent.run(['backup']);
          expect(readdirSync(folder)).toEqual([]);
          rmSync(folder, { recursive: true });
          renameSync(`${folder}.away`, folder);
          return ended;
        };
        await oracle.alarm(attempt, /was there before and is gone[\s\S]*holdfast init --new/);
      },
    },
    {
      name: 'The location of the repository is mistyped',
      done: 'one is configured where there is none',
      on: [postgres],
      times: 1,
      asserted: 'both locations are named, the doctor fails, and no new one is made there',
      inject: async ({ agent, oracle }) => {
        const elsewhere = { RESTIC_REPOSITORY: join(agent.folder, 'elsewhere') };
        const told =
          /there is no repository at \S+elsewhere; until now backups went to \S+repository[\s\S]*holdfast init --new/;
        await oracle.alarm(() => agent.run(['backup'], elsewhere), told);
        const doctor = await agent.run(['doctor'], elsewhere);
        expect(doctor.stdout).toMatch(/FAILED +repository: there is no repository at/);
        expect(doctor.code).toBe(1);
        expect(existsSync(elsewhere.RESTIC_REPOSITORY)).toBe(false);
      },
    },
    {
      name: 'The repository is another one',
      done: 'one of somebody else is configured, and then put in the place of ours',
      on: [postgres],
      times: 2,
      asserted: 'nothing is stored into it until it is accepted by name',
      inject: async ({ agent, oracle }) => {
        const [ours, theirs] = [join(agent.folder, 'repository'), join(agent.folder, 'theirs')];
        const there = { RESTIC_REPOSITORY: theirs };
        execFileSync('restic', ['init'], { env: { ...agent.environment, ...there } });
        const atTheirs = () => agent.run(['backup'], there);
        await oracle.alarm(atTheirs, /is another one than the one at \S+, where backups went until now/);
        const inPlaceOfOurs = async () => {
          renameSync(ours, `${ours}.away`);
          renameSync(theirs, ours);
          const ended = await agent.run(['backup']);
          expect(agent.snapshots()).toEqual([]);
          rmSync(ours, { recursive: true });
          renameSync(`${ours}.away`, ours);
          return ended;
        };
        await oracle.alarm(inPlaceOfOurs, /is another one than before/);
      },
    },
    {
      name: 'The repository does not answer',
      done: 'an S3 server is configured where nobody listens, with a database that is not there',
      on: [postgres],
      times: 1,
      asserted: 'told within the answer limit, and before the database is touched',
      inject: async ({ engine, shop, agent, oracle }) => {
        const away = {
          ...engine.otherwise(shop, { port: 1 }),
          RESTIC_REPOSITORY: 's3:http://127.0.0.1:1/bucket',
          AWS_ACCESS_KEY_ID: 'id',
          AWS_SECRET_ACCESS_KEY: 'the-secret-key',
          HOLDFAST_ANSWER_TIMEOUT: '2',
        };
        const { stderr } = await oracle.alarm(() => agent.run(['backup'], away), /does not answer/);
        expect(stderr).not.toMatch(/the-secret-key/);
      },
    },
    {
      name: 'The repository goes away while it takes a dump',
      done: 'its REST server is killed at a random byte of the rows, and started again when the backup’s time is over',
      on: [postgres],
      times: 1,
      asserted:
        'its time limit is named, and the repository that did not answer; no lock is in the way of the next run',
      stage: { rows: 30_000 },
      inject: async (stage) => {
        const { agent, oracle } = stage;
        const server = await startRestServer(agent.folder);
        const there = { RESTIC_REPOSITORY: server.location('repository') };
        await expectNextGood(agent, there);
        const restic = toldRestic(temporaryFolder());
        const environment = { ...there, HOLDFAST_BACKUP_TIMEOUT: '8', HOLDFAST_RESTIC: restic.path };
        let back: Promise<unknown> = Promise.resolve();
        const away = async () => {
          await server.crash();
          back = until('its time is over', async () => restic.wasTold()).then(() => server.revive());
        };
        const place = { bytes: stage.somewhere(), args: ['backup'], environment };
        const told =
          /backup was ended after 8 s, its time limit: the repository at rest:http:\S+ does not answer/;
        await oracle.alarm(() => stage.metAt(place, away), told);
        await back;
        await expectNextGood(agent, there);
      },
    },
    {
      name: 'The disk of the repository is full',
      done: 'it lies on a disk on which 256 KiB are free, and all rows are new',
      on: [mariadb],
      times: 1,
      asserted: 'good again when there is space',
      stage: { rows: 30_000 },
      changesStage: true,
      inject: async ({ server, shop, agent, oracle }) => {
        const folder = join(agent.folder, 'repository');
        renameSync(folder, `${folder}.before`);
        mkdirSync(folder);
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]);
        onTestFinished(() => void execFileSync('umount', ['-l', folder]));
        cpSync(`${folder}.before`, folder, { recursive: true });
        const { blocks, bfree, bsize } = statfsSync(folder);
        const size = (blocks - bfree) * bsize + 256 * 1024;
        execFileSync('mount', ['-o', `remount,size=${size}`, folder]);
        await server.sql(`UPDATE orders SET note = REPEAT(SHA2(CONCAT(id, RAND()), 512), 2)`, shop.database);
        await oracle.alarm(() => agent.run(['backup']), /no space is left for the repository/);
        execFileSync('mount', ['-o', 'remount,size=64m', folder]);
      },
    },
    {
      name: 'Another machine has locked the repository',
      done: 'its restic was killed and left the lock of a backup, then that of a prune',
      on: [postgres],
      times: 2,
      asserted:
        'busy, with exit code 5, after the wait for it; beside a backup’s lock a backup is good, and its retention warns',
      inject: async ({ agent, oracle }) => {
        const free = (lock: string) => rmSync(join(agent.folder, 'repository', 'locks', lock));
        const shared = foreignLock(agent.environment);
        await oracle.alarm(() => agent.run(['prune']), /locked/, { exitCode: 5 });
        const told = /backup of \S+: stored[\s\S]*retention failed: .*locked/;
        await oracle.alsoAlarms(() => agent.run(['backup']), told, { exitCode: 3, counts: true });
        free(shared);
        const alone = foreignPrune(agent.environment);
        await oracle.alarm(() => agent.run(['backup']), /locked/, { exitCode: 5 });
        free(alone);
      },
    },
    {
      name: 'A pack is gone from the repository',
      done: 'the largest one is deleted, and put back at the end',
      on: [mariadb],
      times: 1,
      asserted:
        'a check without the data finds it, verification and restore fail, and no half database is left',
      next: 'verify',
      stage: { rows: 30_000 },
      inject: async ({ engine, server, shop, agent, oracle }) => {
        const back = takeLargest(join(agent.folder, 'repository', 'data'));
        await oracle.alarm(() => agent.run(['check']), /check failed: /);
        await oracle.alsoAlarms(() => agent.run(['verify']), /verify of \S+ failed: /);
        const restore = () => agent.run(['restore', shop.database, '--to', 'holdfast_half']);
        await oracle.alsoAlarms(restore, /restore of \S+ failed: /);
        expect(await engine.databases(server)).not.toContain('holdfast_half');
        back();
        expect((await agent.run(['check', '--all-data'])).code).toBe(0);
      },
    },
    {
      name: 'The newest dump is gone from the repository',
      done: 'its snapshot is deleted, an older one is there, and it is put back at the end',
      on: [postgres],
      times: 1,
      asserted: 'the older one does not pass for it',
      next: 'verify',
      inject: async (stage) => {
        const { agent, oracle, shop, repository } = stage;
        expect((await agent.run(['backup'])).code).toBe(0);
        const { id } = await newestDump(repository, shop.database);
        const file = join(agent.folder, 'repository', 'snapshots', id);
        const attempt = () => withoutFile(file, stage);
        await oracle.alarm(attempt, /the last good backup of \S+, \w+, is missing from the repository/);
      },
    },
  ],
};

/** A restic that leaves a word when it is told to end a backup. */
function toldRestic(folder: string): { path: string; wasTold: () => boolean } {
  const told = join(folder, 'told');
  const script = `
    if [ "$1" != backup ]; then exec restic "$@"; fi
    trap "touch '${told}'" TERM
    exec 3<&0
    restic "$@" <&3 3<&- & restic=$!
    exec <&- 3<&-
    wait $restic; code=$?
    while kill -0 $restic 2>/dev/null; do wait $restic; code=$?; done
    exit $code`;
  return { path: fakeProgram(folder, 'told-restic', script), wasTold: () => existsSync(told) };
}

/** Takes the largest file below a folder away; returns what puts it back. */
function takeLargest(folder: string): () => void {
  const files = execFileSync('find', [folder, '-type', 'f', '-printf', '%s %p\n'])
    .toString()
    .trim()
    .split('\n');
  const [largest = ''] = files.toSorted((one, other) => parseInt(other) - parseInt(one));
  const path = largest.slice(largest.indexOf(' ') + 1);
  const away = join(folder, '..', 'away');
  renameSync(path, away);
  return () => renameSync(away, path);
}

async function withoutFile(file: string, { agent }: Stage) {
  renameSync(file, join(agent.folder, 'away'));
  const ended = await agent.run(['verify']);
  renameSync(join(agent.folder, 'away'), file);
  return ended;
}
