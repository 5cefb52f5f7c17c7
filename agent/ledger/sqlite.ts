import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { utc } from '../core/clock.ts';
import type { Clock } from '../core/clock.ts';
import type { JobName, RunResult, Trigger } from '../core/glossary.ts';
import { damaged, explained, isBusy } from './faults.ts';
import type { Ledger, Run, RunFacts } from './ledger.ts';
import { migrate, refuseForeign } from './migrations.ts';

/**
 * Opens the ledger file and creates it, with its folder, when it is not there; `:memory:` gives one that ends with the process.
 * A call that has returned has reached the disk: a process may be killed, or the power go, at any moment.
 * Several processes may have it open; one that finds it busy waits up to ten seconds.
 * Throws, with what to type, when the file is damaged, not a ledger, written by a newer version, or not writable.
 */
export function openLedger(path: string, clock: Clock): Ledger {
  const db = explained(path, () => open(path));
  const statements = prepare(db);
  const now = () => utc(clock.now());
  const run = <T>(action: () => T): T => explained(path, action);

  return {
    begin: ({ job, source, trigger, facts = {} }) =>
      run(() =>
        Number(statements.begin.run(job, source, trigger, now(), JSON.stringify(facts)).lastInsertRowid),
      ),

    finish: (id, end) =>
      run(() => {
        const warnings = JSON.stringify(end.warnings ?? []);
        const facts = JSON.stringify(end.facts ?? {});
        const done = statements.finish.run(
          now(),
          end.result,
          end.reason,
          end.hint ?? null,
          warnings,
          facts,
          id,
        );
        if (done.changes !== 1) throw new Error(`run ${id} has ended already, or never began`);
      }),

    skip: ({ job, source, trigger, facts = {} }, { reason, hint }) =>
      run(() => {
        const [at, told] = [now(), JSON.stringify(facts)];
        const done = statements.skip.run(job, source, trigger, at, at, reason, hint ?? null, told);
        return Number(done.lastInsertRowid);
      }),

    get: (id) =>
      run(() => {
        const row = statements.get.get(id);
        return row === undefined ? null : toRun(row);
      }),

    last: (job, source, result) =>
      run(() => {
        const row = statements.last.get(job, source, result ?? null);
        return row === undefined ? null : toRun(row);
      }),

    earliestStartAfter: (id) =>
      run(() => (statements.earliestStartAfter.get(id)?.['earliest'] ?? null) as string | null),

    startBefore: (id, latest) =>
      run(() => (statements.startBefore.get(id, latest)?.['started_at'] ?? null) as string | null),

    firstBackup: (source, inRepository) =>
      run(() => {
        const row = statements.firstBackup.get(source, inRepository);
        return row === undefined ? null : toRun(row);
      }),

    lastGood: (source, inRepository) =>
      run(() => {
        const row = statements.good.get(source, 0, 1, inRepository);
        return row === undefined ? null : toRun(row);
      }),

    lastProven: (source) =>
      run(() => {
        const row = statements.proven.get(source);
        return row === undefined ? null : toRun(row);
      }),

    suspects: (source) => run(() => statements.suspects.all(source).map(toRun)),

    comparable: (source, limit) =>
      run(() => {
        const from = Number(statements.acceptedRun.get(source)?.['accepted'] ?? 0);
        return statements.good.all(source, from, limit, null).map(toRun);
      }),

    recent: ({ job, source, result, limit }) =>
      run(() => statements.recent.all(job ?? null, source ?? null, result ?? null, limit).map(toRun)),

    ofGroup: (job, source, group, limit) =>
      run(() => statements.ofGroup.all(job, source, group, limit).map(toRun)),

    since: (job, source, from) => run(() => statements.since.all(job, source, from).map(toRun)),

    countSucceededSince: (job, source, afterId) =>
      run(() => Number(statements.countSucceededSince.get(job, source, afterId)?.['succeeded'])),

    interruptLeftovers: (reason) =>
      run(() =>
        statements.interruptLeftovers
          .all(now(), reason)
          .map(toRun)
          .sort((one, other) => one.id - other.id),
      ),

    remember: (key, value) => run(() => void statements.remember.run(key, value)),
    recall: (key) => run(() => (statements.recall.get(key)?.['value'] ?? null) as string | null),

    copyTo: (copy) =>
      run(() => {
        db.prepare('VACUUM INTO ?').run(copy);
        const written = new DatabaseSync(copy);
        try {
          written.exec("DELETE FROM runs WHERE result = 'running'");
        } finally {
          written.close();
        }
      }),

    close: () => {
      if (db.isOpen) db.close();
    },
  };
}

function open(path: string): DatabaseSync {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: 10_000, enableForeignKeyConstraints: true });
  try {
    refuseForeign(db, path);
    switchToWal(db);
    db.exec('PRAGMA synchronous = FULL');
    const check = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (check.quick_check !== 'ok') throw damaged(path, firstLineOf(check.quick_check));
    migrate(db, path);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * SQLite does not wait while two processes switch a new file to WAL at once, whatever the busy timeout: one of them gets
 * SQLITE_BUSY straight away. The switch is for good, so trying again for a moment is enough.
 */
function switchToWal(db: DatabaseSync): void {
  const patience = 100;
  for (let attempt = 1; ; attempt++) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || attempt === patience) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** Of the row `backup` of the source ?1. */
const IS_ACCEPTED = `EXISTS (
           SELECT 1 FROM runs WHERE job = 'accept' AND source = ?1 AND result = 'succeeded'
             AND facts ->> '$.acceptedRun' = backup.id)`;

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare('INSERT INTO runs (job, source, trigger, started_at, facts) VALUES (?, ?, ?, ?, ?)'),
    finish: db.prepare(
      `UPDATE runs SET finished_at = ?, result = ?, reason = ?, hint = ?, warnings = ?, facts = ?
       WHERE id = ? AND result = 'running'`,
    ),
    skip: db.prepare(
      `INSERT INTO runs (job, source, trigger, started_at, finished_at, result, reason, hint, facts)
       VALUES (?, ?, ?, ?, ?, 'skipped', ?, ?, ?)`,
    ),
    get: db.prepare('SELECT * FROM runs WHERE id = ?'),
    last: db.prepare(
      `SELECT * FROM runs WHERE job = ?1 AND source IS ?2 AND (?3 IS NULL OR result = ?3) ORDER BY id DESC LIMIT 1`,
    ),
    earliestStartAfter: db.prepare('SELECT min(started_at) AS earliest FROM runs WHERE id > ?'),
    startBefore: db.prepare(
      'SELECT started_at FROM runs WHERE id < ? AND started_at <= ? ORDER BY id DESC LIMIT 1',
    ),
    firstBackup: db.prepare(
      `SELECT * FROM runs
       WHERE job = 'backup' AND source = ?1 AND result = 'succeeded' AND ${isIn('?2')}
       ORDER BY id LIMIT 1`,
    ),
    good: db.prepare(
      `SELECT * FROM runs AS backup
       WHERE job = 'backup' AND source = ?1 AND result = 'succeeded' AND id >= ?2
         AND (facts ->> '$.suspect' IS NULL OR ${IS_ACCEPTED}) AND ${isIn('?4')}
       ORDER BY id DESC LIMIT ?3`,
    ),
    proven: db.prepare(
      `SELECT * FROM runs AS backup
       WHERE job = 'backup' AND source = ?1 AND result = 'succeeded' AND facts ->> '$.equality.proven' = 1
         AND (facts ->> '$.suspect' IS NULL OR ${IS_ACCEPTED})
       ORDER BY id DESC LIMIT 1`,
    ),
    suspects: db.prepare(
      `SELECT * FROM runs AS backup
       WHERE job = 'backup' AND source = ?1 AND result = 'succeeded'
         AND facts ->> '$.suspect' IS NOT NULL AND NOT ${IS_ACCEPTED}
       ORDER BY id DESC LIMIT 1000`,
    ),
    acceptedRun: db.prepare(
      `SELECT facts ->> '$.acceptedRun' AS accepted FROM runs
       WHERE job = 'accept' AND source = ? AND result = 'succeeded' ORDER BY id DESC LIMIT 1`,
    ),
    recent: db.prepare(
      `SELECT * FROM runs
       WHERE (?1 IS NULL OR job = ?1) AND (?2 IS NULL OR source = ?2) AND (?3 IS NULL OR result = ?3)
       ORDER BY id DESC LIMIT ?4`,
    ),
    ofGroup: db.prepare(
      `SELECT * FROM runs WHERE job = ? AND source = ? AND facts ->> '$.group' IS ? ORDER BY id DESC LIMIT ?`,
    ),
    since: db.prepare(
      `SELECT * FROM runs WHERE job = ? AND source IS ? AND started_at >= ? ORDER BY id DESC LIMIT 1000`,
    ),
    countSucceededSince: db.prepare(
      `SELECT count(*) AS succeeded FROM runs WHERE job = ? AND source IS ? AND result = 'succeeded' AND id > ?`,
    ),
    interruptLeftovers: db.prepare(
      `UPDATE runs SET finished_at = ?, result = 'interrupted', reason = ? WHERE result = 'running' RETURNING *`,
    ),
    remember: db.prepare(
      'INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ),
    recall: db.prepare('SELECT value FROM notes WHERE key = ?'),
  };
}

function toRun(row: Record<string, unknown>): Run {
  return {
    id: Number(row['id']),
    job: row['job'] as JobName,
    source: row['source'] as string | null,
    trigger: row['trigger'] as Trigger,
    startedAt: row['started_at'] as string,
    finishedAt: row['finished_at'] as string | null,
    result: row['result'] as RunResult,
    reason: row['reason'] as string,
    hint: row['hint'] as string | null,
    warnings: JSON.parse(row['warnings'] as string) as string[],
    facts: JSON.parse(row['facts'] as string) as RunFacts,
  };
}

function firstLineOf(report: string): string {
  return (report.split('\n').find((line) => !line.startsWith('***')) ?? report).trim();
}

/** The repository that a run stored into, as far as it says so. */
function isIn(id: string): string {
  return `(${id} IS NULL OR coalesce(facts ->> '$.repositoryId', ${id}) = ${id})`;
}
