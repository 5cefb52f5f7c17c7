import { beforeAll, describe, expect, it } from 'vitest';
import { runbookSteps } from '../helpers/docs.ts';
import { describe as show } from '../helpers/shell.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { snapshots, untilRepository } from './repository.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.create();
  return () => stack.remove();
});

beforeAll(() =>
  stack.explained(async () => {
    await stack.sh('docker compose up -d', 240_000);
    await untilRepository(stack);
    const backUp = () => stack.try('docker compose exec -T db_backup holdfast backup');
    await until('the first backup is made', async () => (await backUp()).code === 0, 120_000);
  }),
);

describe('docs/runbook.md, from top to bottom, as printed', () => {
  it.each(runbookSteps())('$where', async ({ script, exit }) => {
    const needsId = script.includes('<SNAPSHOT_ID>');
    const newest = needsId ? (await snapshots(stack)).at(-1)?.short_id : undefined;
    const finished = await stack.try(script.replaceAll('<SNAPSHOT_ID>', newest ?? 'none'));
    expect(finished.code, show(finished)).toBe(exit);
  });

  it('the rows are there at the end', async () => {
    const count = `docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -N -h127.0.0.1 -u"$MYSQL_USER" "$MYSQL_DATABASE" -e "SELECT COUNT(*) FROM orders"'`;
    expect(await stack.ask(count)).toBe('40');
  });
});
