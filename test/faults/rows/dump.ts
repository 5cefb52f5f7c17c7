import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { haltedRestic, type Ended } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { childrenNamed } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';
import type { Area } from '../fault.ts';
import type { Stage } from '../stage.ts';

/** Some megabytes: more than one burst of any program in between. */
const ROWS = 30_000;

/** Whatever the client says of it, and MariaDB's says nothing where it finds it out between two tables. */
const connectionEnded = /dump of shop\d+ failed[^\n]*\n.*The server or somebody on it ended the connection/;

export const dump: Area = {
  title: 'The dump',
  file: import.meta.filename,
  faults: [
    {
      name: 'The dump client is killed',
      done: 'SIGKILL at a random byte of the rows, at the first and at the last',
      on: [mariadb, postgres],
      times: 5,
      asserted: 'the signal is named',
      stage: { rows: ROWS },
      inject: async (stage) => {
        const told = /dump of shop\d+ failed \(.*SIGKILL/;
        const places = [1, ...threeOf(stage), stage.nearlyAll];
        for (const at of places)
          await stage.oracle.alarm(() => killed(stage, stage.engine.dumpProgram, at), told);
      },
    },
    {
      name: 'The compressor is killed',
      done: 'SIGKILL at a random byte of the rows',
      on: [mariadb],
      times: 3,
      asserted: 'the signal is named',
      stage: { rows: ROWS },
      inject: async (stage) => {
        for (const at of threeOf(stage))
          await stage.oracle.alarm(() => killed(stage, 'pigz', at), /compressor ended with .*SIGKILL/);
      },
    },
    {
      name: 'restic is killed while it takes a dump',
      done: 'SIGKILL at a random byte of the rows',
      on: [mariadb, postgres],
      times: 3,
      asserted: 'the signal is named',
      stage: { rows: ROWS },
      inject: async (stage) => {
        for (const at of threeOf(stage))
          await stage.oracle.alarm(() => killed(stage, 'restic', at), /restic[^\n]*SIGKILL/);
      },
    },
    {
      name: 'The agent is killed while it dumps',
      done: 'SIGKILL at a random byte of the rows',
      on: [mariadb, postgres],
      times: 3,
      asserted: 'each was killed in the middle of its dump',
      stage: { rows: ROWS },
      inject: async (stage) => {
        for (const at of threeOf(stage)) {
          const attempt = () =>
            stage.backupMetAt(at, async (agentPid) => void process.kill(agentPid, 'SIGKILL'));
          expect((await stage.oracle.died(attempt)).code).toBe(null);
        }
      },
    },
    {
      name: 'The dump’s session is ended by an administrator',
      done: 'KILL, or `pg_terminate_backend` on every session in the database, at a random byte of the rows',
      on: [mariadb, postgres],
      times: 3,
      asserted: 'that the server ended the connection',
      stage: { rows: ROWS },
      inject: async (stage) => {
        const { engine, server, shop } = stage;
        const end = () => engine.endSessions(server, shop.database);
        for (const at of threeOf(stage))
          await stage.oracle.alarm(() => stage.backupMetAt(at, end), connectionEnded);
      },
    },
    {
      name: 'The server goes down while it is dumped',
      done: 'it is ended at once at a random byte of the rows, and started again',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'unreachable as long as it is down; afterwards the source is as it was',
      stage: { rows: ROWS, ownServer: true },
      inject: async (stage) => {
        const { engine, server, shop, agent, oracle, somewhere } = stage;
        const before = await engine.contents(server, shop.database);
        const down = { sourceChanges: true };
        const crash = () => server.crash(engine.crashSignal);
        await oracle.alarm(() => stage.backupMetAt(somewhere(), crash), connectionEnded, down);
        const unreachable = /cannot reach the database of source shop\d+/;
        await oracle.alsoAlarms(() => agent.run(['backup']), unreachable, down);
        await server.revive();
        expect(await engine.contents(server, shop.database)).toEqual(before);
      },
    },
    ...(
      [
        ['dropped', 'DROP TABLE zz', /zz[\s\S]*dropped or renamed while the dump ran/],
        ['truncated', 'TRUNCATE zz', /zz[\s\S]*(changed|truncated)/],
      ] as const
    ).map(([how, statement, told]): Area['faults'][number] => ({
      name: `A table is ${how} while the dump runs`,
      done: `\`${statement}\` at a random byte of the rows before it`,
      on: [mariadb],
      times: 1,
      asserted: 'the table is named',
      stage: { rows: ROWS },
      inject: async (stage) => {
        const { server, shop, oracle, somewhere } = stage;
        await server.sql(
          'DROP TABLE IF EXISTS zz; CREATE TABLE zz (id int); INSERT INTO zz VALUES (1)',
          shop.database,
        );
        const change = () => server.sql(statement, shop.database);
        await oracle.alarm(() => stage.backupMetAt(somewhere(), change), told, { sourceChanges: true });
      },
    })),
    {
      name: 'Somebody drops a table and rewrites another while the dump runs',
      done: '`DROP TABLE` of one that is yet to come and `ALTER COLUMN … TYPE` of the one that is being dumped, at a random byte of its rows; both wait for the dump',
      on: [postgres],
      times: 1,
      asserted: 'no harm is done, and no alarm is due: the dump is proved equal',
      stage: { rows: ROWS },
      changesStage: true,
      inject: async (stage) => {
        const { server, shop, oracle, somewhere } = stage;
        const statements = ['DROP TABLE visits', 'ALTER TABLE orders ALTER COLUMN id TYPE bigint'];
        const changes: Promise<unknown>[] = [];
        const change = async () => {
          changes.push(...statements.map((statement) => server.sql(statement, shop.database)));
          await until('both wait', async () => {
            const waiting = `SELECT FROM pg_stat_activity WHERE datname = '${shop.database}' AND query ~ '^(DROP|ALTER) TABLE' AND wait_event_type = 'Lock'`;
            return (await server.sql(waiting)).length === statements.length;
          });
        };
        await oracle.ridesOut(() => stage.backupMetAt(somewhere(), change));
        await Promise.all(changes);
      },
    },
    {
      name: 'A table is altered while the dump runs',
      done: '`ALTER TABLE zz ADD COLUMN` at a random byte of the rows before it',
      on: [mariadb],
      times: 1,
      asserted: 'the dump is good; it says that its equality is not proven, and nothing calls it equal',
      stage: { rows: ROWS },
      inject: async (stage) => {
        const { server, shop, oracle, somewhere } = stage;
        await server.sql(
          'DROP TABLE IF EXISTS zz; CREATE TABLE zz (id int); INSERT INTO zz VALUES (1)',
          shop.database,
        );
        const alter = () => server.sql('ALTER TABLE zz ADD COLUMN more int', shop.database);
        const attempt = () => stage.backupMetAt(somewhere(), alter);
        const told = /equality not proven: tables or other objects were altered while the dump ran/;
        await oracle.alarm(attempt, told, { exitCode: 3, counts: true, sourceChanges: true });
        await oracle.neverEqual();
      },
    },
    {
      name: 'The repository takes no byte and never will',
      done: 'restic stands still before it reads the dump',
      on: [mariadb],
      times: 1,
      asserted: 'the time limit is named, and no session is left on the server',
      stage: { rows: ROWS },
      inject: async ({ engine, agent, shop, server, oracle }) => {
        const halted = { HOLDFAST_RESTIC: haltedRestic(agent.folder).path, HOLDFAST_BACKUP_TIMEOUT: '5' };
        await oracle.alarm(() => agent.run(['backup'], halted), /backup was ended after 5 s, its time limit/);
        await until('no session of ours is left', async () => (await engine.sessions(server, shop)) === 0);
      },
    },
    {
      name: 'The repository stalls while it takes a dump',
      done: 'restic is stopped at a random byte of the rows until the spool is in use',
      on: [mariadb],
      times: 1,
      asserted: 'no harm is done, and no alarm is due: the dump is proved equal',
      stage: { rows: ROWS },
      inject: (stage) => stage.oracle.ridesOut(() => stalled(stage)),
    },
    {
      name: 'The disk of the spool is full while the repository stalls',
      done: 'the same, with a spool on a disk of 64 KiB until that is full',
      on: [mariadb],
      times: 1,
      asserted: 'no harm is done, and no alarm is due: the dump is proved equal',
      stage: { rows: ROWS },
      inject: async (stage) => {
        const spool = join(stage.agent.folder, 'state', 'spool');
        mkdirSync(spool, { recursive: true });
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', spool]);
        onTestFinished(() => void execFileSync('umount', ['-l', spool]));
        const isFull = () => statfsSync(spool).bfree === 0;
        await stage.oracle.ridesOut(() => stalled(stage, isFull));
      },
    },
  ],
};

function threeOf({ somewhere }: Stage): number[] {
  return Array.from({ length: 3 }, somewhere);
}

/** A backup of which one program is killed when the dump has so many bytes. */
function killed(stage: Stage, program: string, at: number): Promise<Ended> {
  return stage.backupMetAt(at, async (agentPid) => {
    process.kill(await theOne(program, agentPid), 'SIGKILL');
  });
}

/** A backup whose restic stands still in the first half of the rows until the spool is in use, and as `isFull` wants it. */
function stalled(stage: Stage, isFull = () => true): Promise<Ended> {
  let [stopped, agentPid] = [0, 0];
  const attempt = stage.backupMetAt(Math.floor(stage.somewhere() / 2), async (pid) => {
    agentPid = pid;
    stopped = await theOne('restic', pid);
    process.kill(stopped, 'SIGSTOP');
  });
  const spoolIsOpen = () => {
    const folder = `/proc/${agentPid}/fd`;
    return agentPid > 0 && readdirSync(folder).some((fd) => /\/spool-\d/.test(linkOf(join(folder, fd))));
  };
  const goOn = until('the spool is in use', async () => spoolIsOpen() && isFull()).finally(() => {
    if (stopped > 0) process.kill(stopped, 'SIGCONT');
  });
  return Promise.all([attempt, goOn]).then(([ended]) => ended);
}

/** The program that works on the dump: a second restic may wait for the proof. */
function theOne(program: string, agentPid: number): Promise<number> {
  return until(`${program} works on the dump`, async () => {
    const found = childrenNamed(program, agentPid).filter(
      (pid) => program !== 'restic' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(DUMPS_RESTIC),
    );
    return found.length === 1 && found[0];
  });
}

/** restic's command line for a dump, and for nothing that stands beside one. */
const DUMPS_RESTIC = '.gz\0--host';

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
