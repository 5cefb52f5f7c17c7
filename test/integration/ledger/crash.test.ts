import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../agent/core/clock.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';

const WRITER = join(import.meta.dirname, '../../fixtures/ledger/writer.ts');
const ROUNDS = 40;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-crash-'));
  path = join(folder, 'ledger.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test(`writer killed -9 at ${ROUNDS} random moments → ledger whole, no ended run lost, at most one left running each time`, async () => {
  const ended: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // The first rounds fall into start and migration, the others anywhere in the loop of writes.
    ended.push(
      ...(await (round < 10 ? killedAfter(30 + Math.random() * 40) : killedWriting(Math.random() * 150))),
    );
    const ledger = openLedger(path, systemClock);
    expect(ledger.interruptLeftovers('killed').length).toBeLessThanOrEqual(1);
    ledger.close();
  }
  const kept = succeededIds();
  expect(ended.filter((id) => !kept.has(id))).toEqual([]);
  // How many depends on the machine; that there were some makes the line before it mean something.
  expect(ended.length).toBeGreaterThanOrEqual(ROUNDS - 10);
  expect(integrity()).toBe('ok');
}, 60_000);

test('one of two writers killed -9 → the other writes on, nothing of either is lost', async () => {
  const survivor = startWriter(150);
  const ended = await killedAfter(60 + Math.random() * 60);
  const [code] = (await survivor.exit) as [number | null];
  expect(code).toBe(0);
  const kept = succeededIds();
  expect([...ended, ...survivor.ids()].filter((id) => !kept.has(id))).toEqual([]);
  expect(survivor.ids()).toHaveLength(150);
  expect(integrity()).toBe('ok');
}, 30_000);

test('six processes make the same new ledger at once → all of them write, each run has an id of its own', async () => {
  const writers = Array.from({ length: 6 }, () => startWriter(20));
  for (const writer of writers) expect(await writer.exit).toEqual([0, null]);
  const ids = writers.flatMap((writer) => writer.ids());
  expect(new Set(ids).size).toBe(120);
  expect(succeededIds().size).toBe(120);
}, 30_000);

/** Killed so long after its start. */
async function killedAfter(milliseconds: number): Promise<number[]> {
  return killed(startWriter(), milliseconds);
}

/** Killed so long after its first run has ended: how long a start takes depends on the machine. */
async function killedWriting(milliseconds: number): Promise<number[]> {
  const writer = startWriter();
  await once(writer.child.stdout, 'data');
  return killed(writer, milliseconds);
}

async function killed({ child, exit, ids }: ReturnType<typeof startWriter>, milliseconds: number) {
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  await exit;
  clearTimeout(timer);
  return ids();
}

function startWriter(count?: number) {
  const args = count === undefined ? [WRITER, path] : [WRITER, path, String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, exit: once(child, 'close'), ids: () => text.split('\n').slice(0, -1).map(Number) };
}

function succeededIds(): Set<number> {
  const ledger = openLedger(path, systemClock);
  const runs = ledger.recent({ result: 'succeeded', limit: 1_000_000 });
  ledger.close();
  expect(runs.every((run) => run.facts.dumpBytes === run.id)).toBe(true);
  return new Set(runs.map((run) => run.id));
}

function integrity(): unknown {
  const db = new DatabaseSync(path);
  const row = db.prepare('PRAGMA integrity_check').get();
  db.close();
  return row?.['integrity_check'];
}
