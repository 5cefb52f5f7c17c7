import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
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

test('the disk of the ledger is full when a backup ends → failed, no heartbeat; the next run calls it interrupted, removes what nobody confirmed, and is good', async () => {
  const agent = await testAgent((await createShop(server, 1_000)).environment);
  const state = join(agent.folder, 'small');
  mkdirSync(state);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', state]);
  onTestFinished(() => void execFileSync('umount', ['-l', state]));
  const small = { HOLDFAST_STATE_DIR: state };
  const stored = () => readdirSync(join(agent.folder, 'repository', 'snapshots'));

  // The snapshot is stored, and all that is left to do is to write that down.
  const filler = join(state, 'filler');
  const fill = `cat /dev/zero >'${filler}' 2>/dev/null`;
  const filling = fakeProgram(
    agent.folder,
    'filling-restic',
    `[ "$1" = backup ] || exec restic "$@"\nrestic "$@"; code=$?; ${fill}; exit $code`,
  );
  const { code, stderr } = await agent.run(['backup'], { ...small, HOLDFAST_RESTIC: filling });
  expect(stderr).toMatch(/no space left to write \S+ledger\.db/);
  expect(code).toBe(1);
  expect(agent.lastOk()).toBeNull();
  // It is there, and it does not count.
  expect(stored()).toHaveLength(1);
  const unconfirmed = stored();

  execFileSync('sh', ['-c', `${fill}; true`]);
  const held = await agent.run(['gate', 'open', '--for', '1h', '--reason', 'the disk is full'], small);
  expect([held.code, held.stderr]).toEqual([
    1,
    expect.stringMatching(/no space left to write \S+ledger\.db/),
  ]);

  rmSync(filler);
  const next = await agent.run(['backup'], small);
  expect(next.stderr).toMatch(/backup of \S+, begun \S+, was interrupted/);
  expect(next.stderr).toMatch(/removed 1 snapshots? of \S+ that no finished run had confirmed/);
  expect(next.code).toBe(0);
  expect(stored(), 'a dump and its proof').toHaveLength(2);
  expect(stored()).not.toEqual(expect.arrayContaining(unconfirmed));
  expect(agent.lastOk()).not.toBeNull();
});
