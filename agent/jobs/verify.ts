import { createHash } from 'node:crypto';
import { HoldfastError } from '../core/errors.ts';
import { utc } from '../core/clock.ts';
import { counted } from '../core/units.ts';
import type { Repository } from '../repository/repository.ts';
import type { Inventory, Source } from '../sources/source.ts';
import { findSnapshot } from './find-snapshot.ts';
import { ensureRepository, type Notes } from './init.ts';
import type { Job, JobContext, Outcome } from './job.ts';
import { loadSnapshot } from './load.ts';

export interface VerifySettings {
  repository: Repository;
  notes: Notes;
  /** The configured host: with the source's name it makes scratch names that no other agent uses. */
  host: string;
  timeoutMs: number;
}

const DROP_TIMEOUT_MS = 60_000;

/** Restores the newest snapshot of a source into a scratch database, counts what came back, and drops the scratch in every case. */
export function verifyJob(source: Source, settings: VerifySettings): Job {
  return {
    name: 'verify',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: (context) => verify(source, settings, context),
  };
}

/** Every scratch database of a source begins so, and nothing else may. */
export function scratchPrefix(host: string, source: string): string {
  const digest = createHash('sha256').update(`${host}\0${source}`).digest('hex').slice(0, 8);
  return `holdfast_scratch_${digest}_`;
}

async function verify(
  source: Source,
  settings: VerifySettings,
  { signal, onProgress }: JobContext,
): Promise<Outcome> {
  const { repository } = settings;
  await ensureRepository(repository, settings.notes, signal);
  const snapshot = await findSnapshot(repository, source.name, { id: 'latest', at: null }, signal);
  const probe = await source.probe(signal);
  const prefix = scratchPrefix(settings.host, source.name);
  // A run that was killed left its scratch behind; the lock is ours, so none of these is in use.
  for (const left of await source.listDatabases(prefix, signal)) await source.dropDatabase(left, signal);

  const scratch = `${prefix}${snapshot.shortId}`;
  await source.createDatabase(scratch, signal);
  try {
    await loadSnapshot({ repository, snapshot, source, target: scratch }, onProgress, signal);
    const inventory = await source.inspect(scratch, signal);
    if (inventory.tables.length === 0 && probe.tables > 0) {
      throw new HoldfastError(
        'restore_failed',
        `snapshot ${snapshot.shortId} of ${source.name} came back without a single table`,
        {
          hint: 'Run `holdfast backup`, then `holdfast verify` again.',
        },
      );
    }
    await source.dropDatabase(scratch, AbortSignal.timeout(DROP_TIMEOUT_MS));
    const rows = inventory.tables.reduce((total, table) => total + table.rows, 0);
    return {
      reason: `restored ${snapshot.shortId} of ${utc(new Date(snapshot.time))} into scratch: ${describe(inventory, rows)}`,
      warnings: [],
      facts: { engine: probe.engine, snapshotId: snapshot.id, tables: inventory.tables.length, rows },
    };
  } catch (error) {
    // The cause is what is told; the next run sweeps what cannot be dropped now.
    await source.dropDatabase(scratch, AbortSignal.timeout(DROP_TIMEOUT_MS)).catch(() => undefined);
    throw error;
  }
}

function describe(inventory: Inventory, rows: number): string {
  const parts = [counted(inventory.tables.length, 'table'), counted(rows, 'row')];
  for (const kind of ['view', 'routine', 'trigger', 'event'] as const) {
    const count = inventory[`${kind}s`];
    if (count > 0) parts.push(counted(count, kind));
  }
  return parts.join(', ');
}
