import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeError, exitCodeOf } from '../../../agent/core/errors.ts';
import type { Ended } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import type { Area } from '../fault.ts';
import {
  dumpOfNow,
  newestDump,
  passForOurs,
  plantDump,
  removeProof,
  repositoryOf,
  storedBytes,
  tamperWithProof,
} from '../planting.ts';
import type { Stage } from '../stage.ts';

const FLIPS = 100;

/** Each goes on from what the one before it left. */
const TAMPERINGS: [change: (proof: string) => string, why: string][] = [
  [(proof) => proof.replace('"rows":2000', '"rows":1999'), 'changed after it was stored'],
  [(proof) => proof.replace(/"checksum":"[^"]*"/, '"checksum":null'), 'changed after it was stored'],
  [(proof) => proof.slice(0, proof.length / 2), 'cut short or no proof at all'],
];

export const stored: Area = {
  title: 'Stored dumps and proofs',
  file: import.meta.filename,
  faults: [
    {
      name: 'A bit of a stored pack has turned over',
      done: 'at random places of all packs; each is read by the check of all data and by a restore on a new machine, the first by the command itself',
      on: [postgres],
      times: FLIPS,
      asserted: 'the check finds each; the restore fails, or brings back the same bytes',
      next: 'verify',
      inject: async (stage) => {
        const { agent, shop, oracle } = stage;
        const { signal } = new AbortController();
        const whole = repositoryOf(agent);
        const dump = await newestDump(whole, shop.database);
        const bytes = await storedBytes(whole, dump);
        for (let flip = 0; flip < FLIPS; flip += 1) {
          const turnedBack = flipBit(agent.folder, stage.random);
          const opened = repositoryOf(agent);
          const check =
            flip === 0
              ? () => agent.run(['check', '--all-data'])
              : () => asEnded(() => opened.check('all-data', signal));
          await oracle.alarm(check, /the check found|does not match|damaged/i);
          // Where it has met nothing that the dump needs, that is shown by its bytes.
          const restored = await storedBytes(opened, dump).catch(() => null);
          if (restored !== null) expect(restored.equals(bytes), 'restored silently').toBe(true);
          turnedBack();
        }
        await expectSound(stage);
      },
    },
    {
      name: 'A bit of the stored rows has turned over',
      done: 'in the largest pack',
      on: [mariadb, postgres],
      times: 1,
      asserted:
        'check, verification and each way to restore fail; no half database or file is left, and the target is as it was',
      stage: { mayRestore: 'in place' },
      next: 'verify',
      inject: async (stage) => {
        const { engine, server, agent, shop, oracle, random } = stage;
        const turnedBack = flipBit(agent.folder, random, { largest: true });
        const failed = { stores: true };
        await oracle.alarm(() => agent.run(['check', '--all-data']), /check failed: /);
        await oracle.alsoAlarms(() => agent.run(['verify']), /verify of \S+ failed: /);
        const restore = (...to: string[]) => agent.run(['restore', shop.database, ...to]);
        const told = /restore of \S+ failed: /;
        await oracle.alsoAlarms(() => restore('--to', 'holdfast_half'), told, failed);
        await oracle.alsoAlarms(() => restore('--yes', '--in-place'), told, failed);
        const out = join(agent.folder, 'out');
        await oracle.alsoAlarms(() => restore('--output', out), told, failed);
        expect(readdirSync(out)).toEqual([]);
        expect(await engine.databases(server)).not.toContain('holdfast_half');
        await expectNoScratch({ engine, server });
        turnedBack();
        await expectSound(stage);
      },
    },
    {
      name: 'A dump that was cut short and packed again lies in the repository',
      done: 'the newest dump is cut at a random byte, compressed anew and stored as the newest',
      on: [mariadb, postgres],
      times: 3,
      asserted: 'verification and restore fail, and the target is as it was',
      stage: { mayRestore: 'in place' },
      next: 'verify',
      inject: async (stage) => {
        for (let plant = 0; plant < 3; plant += 1) {
          const cut = (newest: Buffer) => newest.subarray(0, Math.floor(newest.length * stage.random()));
          await expectFound(stage, cut);
        }
      },
    },
    {
      name: 'A dump that was cut between two statements lies in the repository',
      done: 'the same, cut where a table is complete: every statement of it loads',
      on: [mariadb],
      times: 1,
      asserted: 'verification and restore fail for its last line, and the target is as it was',
      stage: { mayRestore: 'in place' },
      next: 'verify',
      inject: async (stage) => {
        const end = 'ENABLE KEYS */;\n';
        const cut = (newest: Buffer) => newest.subarray(0, newest.indexOf(end) + end.length);
        await expectFound(stage, cut, /without its last line/);
      },
    },
    {
      name: 'A dump that does not load lies in the repository',
      done: 'a statement or a row of it is spoiled',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'the server’s complaint is told, and the target is as it was',
      stage: { mayRestore: 'in place' },
      next: 'verify',
      inject: async (stage) => {
        const spoiled = (newest: Buffer) => {
          const whole = Buffer.from(newest);
          const at = stage.engine === mariadb ? whole.indexOf('INSERT INTO') : whole.indexOf('1\tAda');
          whole.write('x', at);
          return whole;
        };
        await expectFound(stage, spoiled, /syntax/);
      },
    },
    {
      name: 'A dump of changed rows passes for the old one',
      done: 'one row is changed and one deleted, and a dump of that is stored with the proof of before',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'both tables are named, with the rows expected and found',
      next: 'verify',
      leavesPlanted: true,
      inject: async (stage) => {
        const { server, shop, agent, oracle } = stage;
        await server.sql(
          `UPDATE orders SET note = 'x' WHERE id = 300; DELETE FROM customers WHERE id = 2`,
          shop.database,
        );
        const id = await plantNow(stage);
        const takenBack = await passForOurs(agent, shop.database);
        const { stderr } = await oracle.alarm(() => agent.run(['verify']), new RegExp(`${id} of`));
        takenBack();
        expect(stderr).toMatch(/customers has 1 row, expected 2/);
        expect(stderr).toMatch(/orders has its 2000 rows, but not the ones of the source/);
        expect(await agent.lastRun()).toMatchObject({ facts: { verification: { verdict: 'failed' } } });
        await expectNoScratch(stage);
      },
    },
    {
      name: 'A dump of a source that gained and lost tables passes for the old one',
      done: 'a table is made, another and a view are dropped, and a dump of that is stored with the proof of before',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'what is missing and what is too much are named',
      // The source stays so, and what it lost is no matter for the backup after it.
      stage: { environment: { BACKUP_GUARD: 'size' } },
      next: 'verify',
      leavesPlanted: true,
      inject: async (stage) => {
        const { server, shop, agent, oracle } = stage;
        await server.sql(
          `DROP VIEW totals; DROP TABLE customers; CREATE TABLE gained (id int)`,
          shop.database,
        );
        await plantNow(stage);
        const takenBack = await passForOurs(agent, shop.database);
        const { stderr } = await oracle.alarm(() => agent.run(['verify']), /customers is missing/);
        takenBack();
        expect(stderr).toMatch(/gained/);
        expect(stderr).toMatch(/totals/);
        if (stage.engine === mariadb) expect(stderr).toMatch(/trigger \S*marked is missing/);
      },
    },
    {
      name: 'The proof is missing',
      done: 'it is deleted from the repository',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'restored and not proven; the source is not called verified',
      next: 'verify',
      inject: async ({ agent, shop, oracle }) => {
        await removeProof(agent, shop.database);
        const told = /not proven: the repository holds no proof of \w+/;
        await oracle.alarm(() => agent.run(['verify']), told, { exitCode: 3 });
        expect((await agent.run(['status'])).stdout).toMatch(/restored, not proven/);
      },
    },
    {
      name: 'The proof was tampered with',
      done: 'one with another row count, one without a checksum, and half of one are stored in its place',
      on: [mariadb, postgres],
      times: TAMPERINGS.length,
      asserted: 'the proof is named as what cannot be trusted, and why; nothing is compared with it',
      next: 'verify',
      inject: async ({ agent, shop, oracle }) => {
        for (const [change, why] of TAMPERINGS) {
          await tamperWithProof(agent, shop.database, change);
          const told = new RegExp(`verify of \\S+ failed: the proof of .* cannot be trusted: .*${why}`);
          await oracle.alarm(() => agent.run(['verify']), told);
        }
      },
    },
  ],
};

/** Plants a changed dump, without a proof; verification and restore must find it, and the target stays as it is. */
async function expectFound(
  { engine, server, agent, shop, oracle, repository }: Stage,
  change: (newest: Buffer) => Buffer,
  told = /(verify|restore) of \S+ failed: /,
): Promise<void> {
  const databases = await engine.databases(server);
  await plantDump(agent, shop.database, { dump: change });
  const planted = await newestDump(repository, shop.database);
  const takenBack = await passForOurs(agent, shop.database);
  await oracle.alarm(() => agent.run(['verify']), told);
  const restore = ['restore', shop.database, '--yes', '--in-place', '--no-restore-point'];
  await oracle.alsoAlarms(() => agent.run(restore), told);
  expect(await engine.databases(server), 'no scratch, nothing beside').toEqual(databases);
  await repository.remove([planted.id], new AbortController().signal);
  takenBack();
}

/** Retention removes nothing until a check has found the repository sound again. */
async function expectSound({ agent }: Stage): Promise<void> {
  expect((await agent.run(['check', '--all-data'])).code).toBe(0);
}

function plantNow({ engine, server, shop, agent }: Stage): Promise<string> {
  const dump = () => dumpOfNow(engine.source(server, shop));
  return plantDump(agent, shop.database, { dump, withOldProof: true });
}

async function expectNoScratch({ engine, server }: Pick<Stage, 'engine' | 'server'>): Promise<void> {
  const left = (await engine.databases(server)).filter((name) => name.startsWith('holdfast_scratch'));
  expect(left).toEqual([]);
}

/** Turns one bit of the packs over, or one of the rows in the largest, as a bad disk would; returns what turns it back. */
function flipBit(folder: string, random: () => number, { largest = false } = {}): () => void {
  const data = join(folder, 'repository', 'data');
  const packs = readdirSync(data, { recursive: true, encoding: 'utf8' })
    .map((name) => join(data, name))
    .filter((path) => statSync(path).isFile())
    .toSorted((one, other) => statSync(other).size - statSync(one).size || one.localeCompare(other));
  const chosen = largest ? packs.slice(0, 1) : packs;
  const bytes = chosen.reduce((total, path) => total + statSync(path).size, 0);
  // Behind the blobs of a pack stands what no restore reads.
  let at = Math.floor((random() * bytes) / (largest ? 2 : 1));
  const path = chosen.find((pack) => {
    const { size } = statSync(pack);
    if (at < size) return true;
    at -= size;
    return false;
  })!;
  const flip = () => {
    const pack = readFileSync(path);
    pack[at] = pack[at]! ^ (1 << bit);
    // restic writes its files read-only.
    rmSync(path);
    writeFileSync(path, pack);
  };
  const bit = Math.floor(random() * 8);
  flip();
  return flip;
}

/** A call of our own code as a command would end with it. */
async function asEnded(call: () => Promise<void>): Promise<Ended> {
  try {
    await call();
    return { code: 0, stdout: '', stderr: '' };
  } catch (error) {
    const { message, hint } = describeError(error);
    return { code: exitCodeOf(error), stdout: '', stderr: `${message}\n${hint ?? ''}` };
  }
}
