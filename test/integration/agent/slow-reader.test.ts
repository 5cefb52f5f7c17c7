import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { testAgent } from '../../helpers/agent.ts';
import { repositoryRoot } from '../../helpers/stack.ts';
import { until } from '../../helpers/until.ts';

test('whoever reads an answer is slow → they get the whole of it before the agent is gone', async () => {
  const agent = await testAgent({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/asked_for_nothing' });
  const runs = 500;
  const ledger = openLedger(join(agent.folder, 'state', 'ledger.db'), { now: () => new Date() });
  for (let run = 1; run <= runs; run += 1) {
    const id = ledger.begin({ job: 'backup', source: null, trigger: 'command' });
    ledger.finish(id, { result: 'failed', reason: 'x'.repeat(1_000) });
  }
  ledger.close();
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'agent/main.ts'), 'history', '--json', '--limit', String(runs)],
    { env: agent.environment, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await once(child.stdout, 'readable');
  await until('it has nothing left to do', async () => !isOpen(child.pid, 'ledger.db'));
  let answer = '';
  for await (const part of child.stdout) answer += String(part);
  expect(JSON.parse(answer)).toHaveLength(runs);
});

function isOpen(pid: number | undefined, file: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)).endsWith(`/${file}`));
  } catch {
    return false;
  }
}
