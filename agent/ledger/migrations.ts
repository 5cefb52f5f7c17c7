import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../core/errors.ts';

/** "HOLD" in ASCII: how a ledger is told from any other SQLite file. */
const APPLICATION_ID = 0x484f4c44;

/**
 * Brings the file to the newest shape, in one transaction: a process that dies in between leaves the old shape whole.
 * Throws what `refuseForeign` throws.
 */
export function migrate(db: DatabaseSync, path: string): void {
  if (shapeOf(db) === MIGRATIONS.length && isOurs(db)) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    // Read again: another process may have migrated while this one waited for its turn to write.
    refuseForeign(db, path);
    for (const statements of MIGRATIONS.slice(shapeOf(db))) db.exec(statements);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}; PRAGMA application_id = ${APPLICATION_ID}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Throws when the file is no ledger, or one that only a newer version understands. Writes nothing. */
export function refuseForeign(db: DatabaseSync, path: string): void {
  const shape = shapeOf(db);
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (!isOurs(db) && (tables > 0 || shape > 0)) {
    throw new HoldfastError('failed', `${path} is a database of another program, not a ledger`, {
      hint: 'Point HOLDFAST_STATE_DIR at a folder of its own.',
    });
  }
  if (shape > MIGRATIONS.length) {
    throw new HoldfastError(
      'failed',
      `the ledger ${path} has shape ${shape}, this program knows up to ${MIGRATIONS.length}: a newer Holdfast wrote it`,
      {
        hint: 'Run the newer version of Holdfast again; an older one must not write what it does not understand.',
      },
    );
  }
}

/** Shape n is what the first n entries make. Released entries are never edited: a change is a new entry at the end. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE runs (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     job TEXT NOT NULL,
     source TEXT,
     trigger TEXT NOT NULL,
     started_at TEXT NOT NULL,
     finished_at TEXT,
     result TEXT NOT NULL DEFAULT 'running'
       CHECK (result IN ('running', 'succeeded', 'failed', 'interrupted', 'skipped')),
     reason TEXT NOT NULL DEFAULT '',
     hint TEXT,
     warnings TEXT NOT NULL DEFAULT '[]',
     facts TEXT NOT NULL DEFAULT '{}',
     CHECK ((result = 'running') = (finished_at IS NULL))
   ) STRICT;
   CREATE INDEX runs_by_job ON runs (job, source, result, id);
   CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  // Facts tell of every tenant: to find a rare group among them takes long without it.
  `CREATE INDEX runs_by_group ON runs (job, source, facts ->> '$.group', id);`,
];

function shapeOf(db: DatabaseSync): number {
  return pragma(db, 'user_version');
}

function isOurs(db: DatabaseSync): boolean {
  return pragma(db, 'application_id') === APPLICATION_ID;
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  const row = db.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  return row[name] ?? 0;
}
