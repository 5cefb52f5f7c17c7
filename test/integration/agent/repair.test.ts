import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { damageOf } from '../../helpers/damage.ts';

test('a pack is gone → `repair` names it and changes nothing without a word; with it the steps are done, and what cannot be mended is no success', async () => {
  const agent = await testAgent({});
  const tags = ['--host', 'holdfast', '--tag', 'source=shop,engine=mysql,kind=dump'];
  const what = ['backup', '--quiet', '--stdin', '--stdin-filename', '/mysql/shop.sql', ...tags];
  for (const day of ['01', '02']) {
    const time = ['--time', `2026-11-${day} 03:00:00`];
    const env = { ...agent.environment, TZ: 'UTC' };
    execFileSync('restic', [...what, ...time], { env, input: `dump of ${day}` });
  }
  expect(await agent.run(['repair'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/nothing is broken/) as unknown,
  });

  const { packs, removePack } = damageOf(join(agent.folder, 'repository'));
  removePack(packs()[0] ?? '');
  const looked = await agent.run(['repair']);
  expect(looked.stderr).toMatch(
    /1 pack gone: [0-9a-f]{8}[^]*snapshot [0-9a-f]{8} of shop, 2026-11-0\dT03:00:00Z loses data[^]*step 1: [^]*hint: Mend it with `holdfast repair --yes`/,
  );
  expect(looked.code).toBe(3);
  const both = await agent.run(['repair', '--dry-run', '--yes']);
  expect(both.code).toBe(2);

  const mended = await agent.run(['repair', '--yes']);
  expect(mended.stderr).toMatch(
    /of shop, .* lost data and cannot be restored[^]*check failed: the check found/,
  );
  expect(mended.code).toBe(1);
  expect(agent.snapshots()).toHaveLength(2);
  const pruned = await agent.run(['check']);
  expect(pruned.stderr).toMatch(/hint: See what is broken, and how to mend it, with `holdfast repair`/);

  const forgotten = await agent.run(['repair', '--yes', '--forget-broken']);
  expect(forgotten.stderr).toMatch(/had lost data and is forgotten[^]*every byte of the repository is sound/);
  expect(forgotten.code).toBe(3);
  expect(agent.snapshots()).toHaveLength(1);
});
