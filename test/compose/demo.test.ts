import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { composeProjectOf } from '../../scripts/demo-run/record.ts';
import { copyClone } from '../helpers/clone.ts';
import { stepsOf } from '../helpers/documented.ts';
import { describe as show, shell, succeed } from '../helpers/shell.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'temporary'));
  copyClone(join(folder, 'clone'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('scripts/demo with a Docker engine: the compose stack, and nothing of it afterwards', async () => {
  const here = { cwd: join(folder, 'clone'), env: { TMPDIR: join(folder, 'temporary') }, timeoutMs: 220_000 };
  // The README and the quickstart print the same.
  const printed = stepsOf('demo').map(({ script }) => script);
  expect(new Set(printed).size).toBe(1);
  const finished = await shell(printed[0]!, here);
  expect(finished.code, show(finished)).toBe(0);
  expect(finished.stdout).toMatch(/shown with docker compose/);
  expect(finished.stdout).toMatch(
    /\/mysql\/orders_tracker\.sql\.gz[\s\S]*200 OK[\s\S]*orders +40 +40 +(\d+) +\1 +equal[\s\S]*HTTP\/1\.1 503 [\s\S]*X-Gate-Reason: stale[\s\S]*200 OK/,
  );
  expect(readdirSync(here.env.TMPDIR)).toEqual([]);
  const filter = `--filter label=com.docker.compose.project=${composeProjectOf(here.cwd)}`;
  for (const what of ['container ls --all', 'volume ls', 'network ls']) {
    expect((await succeed(`docker ${what} --quiet ${filter}`, here)).stdout).toBe('');
  }
});
