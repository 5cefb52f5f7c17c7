import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { until } from '../../helpers/until.ts';

/** A source that nobody comes to: restic refuses before. Its password has what JSON escapes. */
const SECRET = 'keeper"sec\\ret';
const SHOP = { MYSQL_HOST: '127.0.0.1', MYSQL_PORT: '1', MYSQL_DATABASE: 'shop', MYSQL_USER: 'u' };

/** An agent whose restic is this script, which keeps what it was called with. */
async function withRestic(script: string) {
  const agent = await testAgent({ ...SHOP, MYSQL_PASSWORD: SECRET, BACKUP_CRON: '* * * * * *' });
  const calls = join(agent.folder, 'calls');
  const path = fakeProgram(agent.folder, 'fake-restic', `echo "$*" >> '${calls}'\n${script}`);
  return {
    agent,
    environment: { HOLDFAST_RESTIC: path },
    calls: () => [...new Set(readFileSync(calls, 'utf8').trim().split('\n'))],
  };
}

/** The lines of a daemon's log up to its first backup that failed. */
async function logUntilFailed(agent: TestAgent, environment: Record<string, string>) {
  const daemon = agent.start(['run'], environment);
  let seen = '';
  daemon.child.stderr.on('data', (text: string) => (seen += text));
  await until('a backup failed', async () => seen.includes('backup failed after'));
  daemon.child.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  expect(code).toBe(0);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; msg: string; hint?: string });
  return { stderr, errors: lines.filter(({ level }) => level === 'error') };
}

const OLD = 'echo "restic 0.18.0 compiled with go1.24 on linux/amd64"';
const TOO_OLD = 'restic 0.18.0 is too old: 0.19.1 or later is needed';

test('restic is older than 0.19.1 → the doctor refuses it with the reason, and the repository is not touched', async () => {
  const { agent, environment, calls } = await withRestic(OLD);
  const { code, stdout } = await agent.run(['doctor'], environment);
  expect(stdout).toMatch(new RegExp(`^FAILED +repository: ${TOO_OLD}\\n.*name it in HOLDFAST_RESTIC`, 'm'));
  expect(code).toBe(1);
  expect(calls()).toEqual(['version --json']);
});

test('restic is older than 0.19.1 → the daemon says so when it starts and with each backup, and nothing is stored or called fresh', async () => {
  const { agent, environment, calls } = await withRestic(OLD);
  const { errors } = await logUntilFailed(agent, environment);
  expect(errors[0]).toMatchObject({
    msg: TOO_OLD,
    hint: expect.stringContaining('name it in HOLDFAST_RESTIC') as string,
  });
  expect(errors.at(-1)?.msg).toMatch(new RegExp(`^backup failed after .*: ${TOO_OLD}$`));
  expect(agent.lastOk()).toBeNull();
  expect(agent.snapshots()).toEqual([]);
  expect(calls()).toEqual(['version --json']);
});

test('a program prints a secret, its own and one that it should not know → both are *** in the lines of the log, in which JSON escapes them', async () => {
  const { agent, environment } = await withRestic(
    `[ "$1" != version ] || exec restic "$@"\necho 'Fatal: it said ${SECRET} and correct horse' >&2; exit 1`,
  );
  const { stderr, errors } = await logUntilFailed(agent, environment);
  expect(errors[0]?.msg).toMatch(/it said \*\*\* and \*\*\*/);
  expect(errors.at(-1)?.msg).toMatch(/^backup failed .*it said \*\*\* and \*\*\*/);
  for (const shown of [SECRET, JSON.stringify(SECRET).slice(1, -1), 'sec\\\\ret', 'correct horse']) {
    expect(stderr).not.toContain(shown);
  }
  expect(JSON.stringify(await agent.lastRun())).not.toContain('correct horse');
});
