import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { freePort } from '../../helpers/server.ts';

/** No database is there: none of this may need one. */
const NO_DATABASE = {
  MYSQL_HOST: '127.0.0.1',
  MYSQL_PORT: '1',
  MYSQL_DATABASE: 'shop',
  MYSQL_USER: 'u',
  MYSQL_PASSWORD: 'keeper-secret',
};

describe('no password given', () => {
  const none = { RESTIC_PASSWORD: '' };

  test.each([['init'], ['snapshots'], ['check'], ['restic -- init']])(
    'a repository is there, `holdfast %s` → says that its password is needed, and writes none',
    async (command) => {
      const agent = await testAgent({});
      const { code, stderr } = await agent.run(command.split(' '), none);
      expect(stderr).toMatch(/there is a repository at \S+ already, and its password is not given/);
      expect(stderr).toMatch(/hint: .*RESTIC_PASSWORD_FILE/);
      expect(code).toBe(1);
      expect(existsSync(join(agent.folder, 'state', 'restic-password'))).toBe(false);
    },
  );

  test('a repository is there, the doctor is asked → failed, and no password is written', async () => {
    const agent = await testAgent(NO_DATABASE);
    const { code, stdout } = await agent.run(['doctor'], none);
    expect(stdout).toMatch(/FAILED +repository: there is a repository at \S+ already/);
    expect(code).toBe(1);
    expect(existsSync(join(agent.folder, 'state', 'restic-password'))).toBe(false);
  });

  test('none is there, one is made by hand → with a password that is kept, and that the agent goes on with', async () => {
    const agent = await testAgent({});
    const own = { ...none, RESTIC_REPOSITORY: join(agent.folder, 'own') };
    expect((await agent.run(['restic', '--', 'init'], own)).code).toBe(0);
    expect((await agent.run(['init'], own)).stdout).toMatch(/^found repository/);
    const password = readFileSync(join(agent.folder, 'state', 'restic-password'), 'utf8').trim();
    const given = { ...own, RESTIC_PASSWORD: password };
    expect((await agent.run(['snapshots'], given)).stdout).toMatch(/no snapshots/);
  });

  test('the generated one is of another repository → says which one does not open it', async () => {
    const agent = await testAgent({});
    const own = { ...none, RESTIC_REPOSITORY: join(agent.folder, 'own') };
    expect((await agent.run(['init'], own)).code).toBe(0);
    const { stderr } = await agent.run(['snapshots'], none);
    expect(stderr).toMatch(/the generated password in \S+restic-password does not open the repository/);
  });
});

test('the ledger is damaged → the repository can be looked into all the same', async () => {
  const agent = await testAgent({});
  expect((await agent.run(['init'])).code).toBe(0);
  writeFileSync(join(agent.folder, 'state', 'ledger.db'), 'no database at all '.repeat(1000));
  expect((await agent.run(['init'])).stderr).toMatch(/the ledger \S+ is damaged/);
  expect((await agent.run(['restic', '--', 'snapshots', '--json'])).stdout.trim()).toBe('[]');
  expect(JSON.parse((await agent.run(['snapshots', '--json'])).stdout)).toEqual([]);
  expect((await agent.run(['stats'])).code).toBe(0);
});

describe('a repository out of reach', () => {
  test.each<[string, () => Promise<number>]>([
    ['takes connections and never answers', silentPort],
    ['refuses connections', freePort],
  ])('a server that %s → every command tells it within the answer timeout', async (_, portOf) => {
    const agent = await testAgent(NO_DATABASE);
    const away = {
      RESTIC_REPOSITORY: `rest:http://127.0.0.1:${await portOf()}/shop/`,
      HOLDFAST_ANSWER_TIMEOUT: '2s',
    };
    const told = async (command: string[]) => {
      const started = performance.now();
      const { code, stdout, stderr } = await agent.run(command, away);
      expect(stdout + stderr, command.join(' ')).toMatch(/the repository at \S+ does not answer/);
      expect(code, command.join(' ')).toBe(1);
      // A busy machine has room in this; the minutes that a long operation may take have none.
      expect(performance.now() - started, command.join(' ')).toBeLessThan(45_000);
    };
    // First a backup: what a failed one may have left is looked for before the next run, and that must not take its time too.
    await told(['backup']);
    await told(['check']);
    await told(['restore', 'shop', '--output', '-']);
    await told(['prune']);
    await Promise.all([told(['snapshots']), told(['stats']), told(['doctor'])]);
  });
});

async function silentPort(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
