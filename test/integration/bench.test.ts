import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Result } from '../../bench/result.ts';
import { repositoryRoot } from '../../bench/programs.ts';

test('the bench in small → every row asked for is in the table and in the file', async () => {
  const args = ['bench/main.ts', '--quick', '--only', 'mariadb', '--only', 'stall'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repositoryRoot });
  const path = join(repositoryRoot, stdout.trim().split('\n').at(-1) ?? '');
  const { results } = JSON.parse(readFileSync(path, 'utf8')) as { results: Result[] };
  rmSync(path);

  const kinds = ['gzip', 'zstd', 'none'].flatMap((compression) =>
    ['', '-same', '-alike'].map((against) => `mariadb-${compression}${against}`),
  );
  expect(results.map(({ row }) => row)).toEqual([...kinds, 'stall']);
  for (const row of kinds) expect(stdout).toContain(`| ${row}: `);
  for (const { ours, theirs } of results.slice(0, -1)) {
    expect(ours).toBeGreaterThan(0);
    expect(theirs).toBeGreaterThan(0);
  }
}, 240_000);
