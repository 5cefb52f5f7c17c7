import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyClone, processesWith } from '../helpers/clone.ts';
import { describe as show, type Finished, shell } from '../helpers/shell.ts';

let folder: string;
let clone: string;
let temporary: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  // The demo's database runs as another user.
  chmodSync(folder, 0o755);
  [clone, temporary] = [join(folder, 'clone'), join(folder, 'temporary')];
  mkdirSync(temporary);
  copyClone(clone);
});

afterAll(async () => {
  await demo('scripts/demo --stop');
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that the demo leaves anywhere has the name of its temporary folder, or of the copied clone. */
function demo(command: string, env: Record<string, string> = {}): Promise<Finished> {
  return shell(command, { cwd: clone, env: { TMPDIR: temporary, ...env }, timeoutMs: 110_000 });
}

function expectNothingLeft() {
  expect(readdirSync(temporary)).toEqual([]);
  expect(processesWith(folder)).toEqual([]);
}

describe('scripts/demo without Docker', () => {
  let finished: Finished;
  const urlOf = (name: string) => new RegExp(`^${name} +(http://\\S+)`, 'm').exec(finished.stdout)?.[1] ?? '';

  it('plays to the end in a minute and a half, and is silent about what is installed already', async () => {
    const startedAt = performance.now();
    finished = await demo('scripts/demo --no-docker --keep');
    expect(finished.code, show(finished)).toBe(0);
    expect(finished.stderr).toBe('');
    expect(performance.now() - startedAt).toBeLessThan(90_000);
  });

  it('shows the snapshot, equal rows, the open shop, what a visitor gets when it is closed, and open again', () => {
    const lines = finished.stdout.split('\n');
    const at = (pattern: RegExp, from = 0) => {
      const index = lines.findIndex((line, i) => i >= from && pattern.test(line));
      expect(index, `${String(pattern)} after line ${from} of\n${finished.stdout}`).toBeGreaterThanOrEqual(0);
      return index;
    };
    let line = at(/\/mysql\/orders_tracker\.sql\.gz/);
    line = at(/HTTP\/1\.1 200 OK/, line);
    line = at(/orders +40 +40 +(\d+) +\1 +equal/, line);
    line = at(/HTTP\/1\.1 503 /, line);
    at(/Retry-After: 300/, line);
    at(/X-Gate-Reason: stale/, line);
    line = at(/We will be back soon/, line);
    at(/HTTP\/1\.1 200 OK/, line);
  });

  it('goes on running with --keep, and its commands work as printed', async () => {
    expect((await fetch(urlOf('The shop'))).headers.get('content-type')).toMatch(/html/);
    expect(await (await fetch(urlOf('The sentinel'))).text()).toMatch(/The gate is (open|closed)/);
    const commands = /Try next:\n((?: {2}.*\n)+)/.exec(finished.stdout)?.[1] ?? '';
    const typed = await demo(`set -e\n${commands}`);
    expect(typed.code, show(typed)).toBe(0);
    expect(typed.stdout).toMatch(/orders_tracker +fresh|orders_tracker +STALE/);
  });

  it('leaves nothing behind after --stop', async () => {
    const stopped = await demo('scripts/demo --stop');
    expect(stopped.code, show(stopped)).toBe(0);
    expectNothingLeft();
    expect((await demo('scripts/demo --stop')).stdout).toMatch(/no demo/);
  });

  it('names the step that failed and why, and leaves nothing behind', async () => {
    const failed = await demo('scripts/demo --no-docker', { HOLDFAST_RESTIC: '/nowhere/restic' });
    expect(failed.code, show(failed)).toBe(1);
    expect(failed.stderr).toMatch(/step 3 \(Start the daemon.*\) failed: .*\/nowhere\/restic/);
    expectNothingLeft();
  });

  it('clears up when it is interrupted', async () => {
    const interrupted = await demo(
      'scripts/demo --no-docker >../out & pid=$!; until grep -q " 4/" ../out; do sleep 0.1; done; kill -INT $pid; wait $pid',
    );
    expect(interrupted.code, show(interrupted)).toBe(130);
    expectNothingLeft();
  });

  it('clears up when nobody reads on', async () => {
    const cut = await demo('scripts/demo --no-docker | head -n 3; exit "${PIPESTATUS[0]}"');
    expect(cut.code, show(cut)).toBe(130);
    expectNothingLeft();
  });

  it('clears up what a killed one has left before it starts anew', async () => {
    await demo(
      'rm -f ../out; scripts/demo --no-docker >../out & pid=$!; until grep -q " 3/" ../out; do sleep 0.1; done; kill -KILL $pid; wait $pid',
    );
    expect(processesWith(folder)).not.toEqual([]);
    const next = await demo('scripts/demo --no-docker', { HOLDFAST_RESTIC: '/nowhere/restic' });
    expect(next.stderr).toMatch(/clearing up after a demo that was killed/);
    expectNothingLeft();
  });

  it('refuses an option that it does not know', async () => {
    const refused = await demo('scripts/demo --nodocker');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/--nodocker[\s\S]*--no-docker/);
  });
});
