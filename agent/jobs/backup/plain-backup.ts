import { describeError, HoldfastError } from '../../core/errors.ts';
import type { Compression, GapName } from '../../core/glossary.ts';
import { counted, humanBytes } from '../../core/units.ts';
import type { RunFacts } from '../../ledger/ledger.ts';
import type { Source } from '../../sources/source.ts';
import { acceptGaps } from './backup.ts';
import { createHeadStart } from './head-start.ts';
import type { Notes } from '../init.ts';
import { EndedRun, type Job, type JobContext, type Outcome } from '../job.ts';
import { partsToSave, saveParts } from './save-parts.ts';
import type { Store } from './store.ts';
import { refuseUnfinished } from '../restore/unfinished-restore.ts';

export interface PlainBackupSettings {
  /** A folder of plain files. */
  store: Store;
  notes: Notes;
  compression: Compression;
  allowIncomplete: GapName[];
  listedIn: string | null;
  timeoutMs: number;
}

/** Writes one source's whole dump as plain files. It is no backup in the repository, and no heartbeat comes of it. */
export function plainBackupJob(source: Source, settings: PlainBackupSettings): Job {
  return {
    name: 'export',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: (context) => write(source, settings, context),
  };
}

/**
 * A job that stores dumps, as one that wrote them into a folder: afterwards, when it went well, old files are removed there by
 * `rotate`, which returns their names. Where it failed for some tenants, so are those of the others, whose new files are whole: one that fails
 * every night must not fill the disk.
 */
export function asExport(job: Job, { rotate }: { rotate: () => Promise<string[]> }): Job {
  return {
    ...job,
    name: 'export',
    run: async (context) => {
      let outcome: Outcome;
      try {
        outcome = await job.run(context);
      } catch (error) {
        throw error instanceof EndedRun ? await endedExport(error, rotate) : error;
      }
      const { facts, reason, ...more } = outcome;
      return { ...more, reason: `${reason}${removed(await rotate())}`, facts: withoutSnapshots(facts) };
    },
  };
}

async function endedExport(ended: EndedRun, rotate: () => Promise<string[]>): Promise<EndedRun> {
  const { kind, message, hint } = describeError(ended);
  // Why the run failed is what has to be told, whatever becomes of the old files.
  const old = await rotate().then(
    removed,
    (why: unknown) => `; old files stay: ${describeError(why).message}`,
  );
  const cause = new HoldfastError(kind, `${message}${old}`, {
    ...(hint === null ? {} : { hint }),
    cause: ended.cause,
  });
  return new EndedRun(ended.result, cause, withoutSnapshots(ended.facts), { stands: ended.stands });
}

function removed(old: string[]): string {
  return old.length === 0 ? '' : `; ${counted(old.length, 'old file')} removed`;
}

async function write(source: Source, settings: PlainBackupSettings, context: JobContext): Promise<Outcome> {
  const { store, notes, compression } = settings;
  refuseUnfinished(notes, source.name);
  const probe = await source.probe(context.signal);
  const warnings = [...acceptGaps(source, probe, settings), ...probe.warnings];
  const ahead = createHeadStart(store, { recall: () => null }, source.name, compression);
  const { saved } = await saveParts(partsToSave(source, probe, compression), store, context, ahead);
  const bytes = (field: 'dumpBytes' | 'storedBytes') => saved.reduce((total, part) => total + part[field], 0);
  return {
    reason: `wrote ${humanBytes(bytes('dumpBytes'))} of ${source.database} to ${saved.map(({ path }) => path).join(' and ')}`,
    warnings: [...warnings, ...saved.flatMap((part) => part.warnings)],
    facts: {
      engine: probe.engine,
      serverVersion: probe.serverVersion,
      dumpBytes: bytes('dumpBytes'),
      storedBytes: bytes('storedBytes'),
      tables: probe.tables,
    },
  };
}

/** What has no snapshot has no id, and the repository did not grow. */
function withoutSnapshots({ tenants, ...facts }: RunFacts): RunFacts {
  delete facts.snapshotIds;
  delete facts.addedBytes;
  if (tenants === undefined) return facts;
  return { ...facts, tenants: tenants.map((tenant) => ({ ...tenant, snapshotId: null, addedBytes: 0 })) };
}
