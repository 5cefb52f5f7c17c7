import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agent/core/clock.ts';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { ledgerContract } from '../../contracts/ledger.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-ledger-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

ledgerContract('SQLite in memory', (clock) => openLedger(':memory:', clock));
ledgerContract('SQLite in a file', (clock) => openLedger(join(folder, 'state', 'ledger.db'), clock));

describe('the ledger file', () => {
  const path = () => join(folder, 'ledger.db');
  const backup = { job: 'backup', source: 'shop', trigger: 'schedule' } as const;

  test('closed and opened again → holds what was written, and goes on numbering', () => {
    const before = openLedger(path(), systemClock);
    const id = before.begin(backup);
    before.finish(id, { result: 'succeeded', reason: 'stored' });
    before.remember('repository', 'abc');
    before.close();
    const after = openLedger(path(), systemClock);
    expect(after.last('backup', 'shop')).toMatchObject({ id, result: 'succeeded' });
    expect(after.recall('repository')).toBe('abc');
    expect(after.begin(backup)).toBe(id + 1);
    after.close();
  });

  test('written before groups had an index → brought to the newest shape, and finds them', () => {
    const before = openLedger(path(), systemClock);
    const facts = { group: 'standard' };
    const id = before.begin({ job: 'tenant-backup', source: 'clinic', trigger: 'schedule', facts });
    before.close();
    withDatabase((db) => db.exec('DROP INDEX runs_by_group; PRAGMA user_version = 1'));
    const after = openLedger(path(), systemClock);
    expect(after.ofGroup('tenant-backup', 'clinic', 'standard', 1)).toMatchObject([{ id }]);
    after.close();
    withDatabase((db) => {
      const indexes = db.prepare("SELECT name FROM sqlite_master WHERE name = 'runs_by_group'").all();
      expect(indexes).toHaveLength(1);
    });
  });

  test('a new file → is kept in WAL mode', () => {
    const ledger = openLedger(path(), systemClock);
    const other = new DatabaseSync(path());
    expect(other.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    other.close();
    ledger.close();
  });

  test('written by a newer version → refused, unchanged, and says so', () => {
    openLedger(path(), systemClock).close();
    withDatabase((db) => db.exec('PRAGMA user_version = 99'));
    const bytes = readFileSync(path());
    const error = failure();
    expect(error.message).toMatch(/has shape 99, this program knows up to \d+: a newer Holdfast wrote it/);
    expect(error.hint).toMatch(/newer version/);
    expect(readFileSync(path()).equals(bytes)).toBe(true);
  });

  test('a database of another program → refused and unchanged', () => {
    withDatabase((db) => db.exec('CREATE TABLE theirs (x)'));
    const bytes = readFileSync(path());
    expect(failure().message).toBe(`${path()} is a database of another program, not a ledger`);
    expect(readFileSync(path()).equals(bytes)).toBe(true);
  });

  test('not a database at all → says which file, that history alone is lost, and what to type', () => {
    writeFileSync(path(), 'x'.repeat(5000));
    const error = failure();
    expect(error.message).toBe(
      `the ledger ${path()} is damaged (file is not a database); only the history of runs is in it, no backup is lost`,
    );
    expect(error.hint).toContain(`for f in ${path()}*; do mv "$f" "$f.damaged"; done`);
  });

  test.each([
    ['overwritten in the middle', (file: string) => overwrite(file, 9000, 8000)],
    ['cut short', (file: string) => truncateSync(file, 9000)],
  ])('%s → is found when it is opened', (_, harm) => {
    const ledger = openLedger(path(), systemClock);
    for (let n = 0; n < 200; n++)
      ledger.finish(ledger.begin(backup), { result: 'failed', reason: 'r'.repeat(90) });
    ledger.close();
    harm(path());
    expect(failure().message).toMatch(/ledger\.db is damaged \(.+\); only the history/);
  });

  test('what the hint says to type → the next start has an empty ledger', () => {
    const quoted = join(folder, "o'clock ledger.db");
    writeFileSync(quoted, 'x'.repeat(5000));
    const command = failure(quoted).hint!.replace(/^.*history: /, '');
    execFileSync('sh', ['-c', command]);
    const ledger = openLedger(quoted, systemClock);
    expect(ledger.recent({ limit: 1 })).toEqual([]);
    ledger.close();
  });

  test('the folder of the ledger is a file → says what must be a writable folder', () => {
    writeFileSync(join(folder, 'file'), '');
    const error = failure(join(folder, 'file', 'ledger.db'));
    expect(error.message).toMatch(/cannot write .*ledger\.db/);
    expect(error.hint).toMatch(/HOLDFAST_STATE_DIR/);
  });

  function failure(file = path()): HoldfastError {
    try {
      openLedger(file, systemClock).close();
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
    throw new Error('the ledger opened');
  }

  function withDatabase(action: (db: DatabaseSync) => void): void {
    const db = new DatabaseSync(path());
    action(db);
    db.close();
  }

  function overwrite(file: string, offset: number, length: number): void {
    const bytes = readFileSync(file);
    bytes.fill(7, offset, offset + length);
    writeFileSync(file, bytes);
  }
});
