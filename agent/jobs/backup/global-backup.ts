import type { Compression, GapName } from '../../core/glossary.ts';
import { counted, humanBytes } from '../../core/units.ts';
import type { SavedSnapshot } from '../../repository/repository.ts';
import type { Source } from '../../sources/source.ts';
import type { TenantDumps, TenantSchema } from '../../sources/tenant-dumps.ts';
import { acceptGaps } from './backup.ts';
import { createHeadStart } from './head-start.ts';
import type { Notes } from '../init.ts';
import type { Job, JobContext, Outcome } from '../job.ts';
import { saveParts, type PartToSave } from './save-parts.ts';
import type { Store } from './store.ts';
import { refuseUnfinished } from '../restore/unfinished-restore.ts';

export interface GlobalBackupSettings {
  store: Store;
  /** As for tenants. */
  ensure: (signal: AbortSignal) => Promise<{ id: string | null; created: boolean }>;
  notes: Notes;
  dumps: Pick<TenantDumps, 'atOneMoment'>;
  findTenants: (signal: AbortSignal) => Promise<TenantSchema[]>;
  compression: Compression;
  allowIncomplete: GapName[];
  listedIn: string | null;
  timeoutMs: number;
}

/** Stores what belongs to no tenant: everything but the tenants' schemas, and the roles. It is no backup of the source. */
export function globalBackupJob(source: Source, settings: GlobalBackupSettings): Job {
  return {
    name: 'global-backup',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: (context) => backUpGlobal(source, settings, context),
  };
}

async function backUpGlobal(
  source: Source,
  settings: GlobalBackupSettings,
  context: JobContext,
): Promise<Outcome> {
  const { store, notes, compression, dumps } = settings;
  refuseUnfinished(notes, source.name);
  const { id: repositoryId } = await settings.ensure(context.signal);
  const tenants = await settings.findTenants(context.signal);
  const probe = await source.probe(context.signal);
  const warnings = [...acceptGaps(source, probe, settings), ...probe.warnings];
  const ahead = createHeadStart(store, { recall: () => null }, source.name, compression);
  try {
    return await dumps.atOneMoment({ tenants, probe }, context.signal, async (moment) => {
      const parts = moment.globalParts().map((part): PartToSave => ({
        part,
        target: {
          path: part.path,
          tags: { source: source.name, engine: probe.engine, kind: part.kind },
          compression,
          ...(part.kind === 'global' ? {} : { time: 'start' }),
        },
        step: part.kind === 'global' ? `dumping what belongs to no tenant` : 'dumping roles',
      }));
      const { saved } = await saveParts(parts, store, context, ahead);
      return {
        reason: `stored ${humanBytes(sum(saved, 'dumpBytes'))} of ${source.database} without its ${counted(tenants.length, 'tenant')}, ${humanBytes(sum(saved, 'addedBytes'))} added to ${store.location}`,
        warnings: [...warnings, ...saved.flatMap((part) => part.warnings)],
        facts: {
          ...(repositoryId === null ? {} : { repositoryId }),
          engine: probe.engine,
          serverVersion: probe.serverVersion,
          snapshotIds: saved.map(({ id }) => id),
          dumpBytes: sum(saved, 'dumpBytes'),
          storedBytes: sum(saved, 'storedBytes'),
          addedBytes: sum(saved, 'addedBytes'),
          tables: moment.globalTables,
        },
      };
    });
  } finally {
    await ahead.end();
  }
}

function sum(saved: SavedSnapshot[], field: 'dumpBytes' | 'storedBytes' | 'addedBytes'): number {
  return saved.reduce((total, part) => total + part[field], 0);
}
