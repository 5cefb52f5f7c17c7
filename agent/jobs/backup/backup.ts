import { HoldfastError } from '../../core/errors.ts';
import type { Compression, GapName } from '../../core/glossary.ts';
import { howToAllow } from '../../core/how-to-set.ts';
import { humanBytes } from '../../core/units.ts';
import type { Repository, SavedSnapshot } from '../../repository/repository.ts';
import type { Gap, Probe, Source } from '../../sources/source.ts';
import { createHeadStart, rememberDumpBytes, rememberFirstPart, type HeadStart } from './head-start.ts';
import { ensureRepository, type Notes } from '../init.ts';
import type { Job, JobContext, Outcome } from '../job.ts';
import { keepProof } from './keep-proof.ts';
import { partsToSave, saveParts } from './save-parts.ts';
import { clearUnfinished, refuseUnfinished } from '../restore/unfinished-restore.ts';

export interface BackupSettings {
  repository: Repository;
  notes: Notes;
  compression: Compression;
  /** A person says that a database whose restore never ended is whole by now. */
  mended: boolean;
  /** Gaps that the configuration accepts by name. */
  allowIncomplete: GapName[];
  /** The file that lists the source; null where the environment describes it. */
  listedIn: string | null;
  timeoutMs: number;
}

/** Stores one source's dump. Succeeds only when every part of it is known good and stored. */
export function backupJob(source: Source, settings: BackupSettings): Job {
  return {
    name: 'backup',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: (context) => backUp(source, settings, context),
  };
}

async function backUp(source: Source, settings: BackupSettings, context: JobContext): Promise<Outcome> {
  if (settings.mended) clearUnfinished(settings.notes, source.name);
  refuseUnfinished(settings.notes, source.name);
  const ahead = createHeadStart(settings.repository, settings.notes, source.name, settings.compression);
  try {
    return await storeBackup(source, settings, context, ahead);
  } finally {
    await ahead.end();
  }
}

async function storeBackup(
  source: Source,
  settings: BackupSettings,
  context: JobContext,
  ahead: HeadStart,
): Promise<Outcome> {
  // The repository answers before the database is touched: a dump that waits for a repository holds the
  // database's snapshot open, and in the end dies of its timeout.
  const { id: repositoryId, created } = await ensureRepository(
    settings.repository,
    settings.notes,
    context.signal,
    {
      create: true,
    },
  );
  const probe = await source.probe(context.signal);
  const warnings = [...acceptGaps(source, probe, settings), ...probe.warnings];

  const parts = partsToSave(source, probe, settings.compression);
  const { saved, proving } = await saveParts(parts, settings.repository, context, ahead);
  if (parts[0] !== undefined) rememberFirstPart(settings.notes, source.name, parts[0].target);
  const dump = saved.at(-1);
  if (dump === undefined) throw new HoldfastError('failed', `${source.name} has nothing to store`);
  rememberDumpBytes(settings.notes, source.name, dump.dumpBytes);
  // The dump is good and stays, whatever becomes of its proof.
  const proof = await keepProof({ source: source.name, dumpId: dump.id, proving, ahead }, context);
  return {
    reason: `stored ${humanBytes(dump.dumpBytes)} of ${source.database} as ${dump.id.slice(0, 8)}, ${humanBytes(sum(saved, 'addedBytes'))} added${created ? `, to a new repository at ${settings.repository.location}` : ''}`,
    warnings: [...warnings, ...saved.flatMap((part) => part.warnings), ...proof.warnings],
    facts: {
      repositoryId,
      engine: probe.engine,
      serverVersion: probe.serverVersion,
      snapshotId: dump.id,
      snapshotIds: [...saved, ...proof.saved].map((part) => part.id),
      dumpBytes: sum(saved, 'dumpBytes'),
      storedBytes: sum(saved, 'storedBytes'),
      addedBytes: sum([...saved, ...proof.saved], 'addedBytes'),
      ...proof.facts,
      ...(probe.databaseBytes === null ? {} : { databaseBytes: probe.databaseBytes }),
      tables: probe.tables,
    },
    tableNames: probe.tableNames,
  };
}

type Accepted = Pick<BackupSettings, 'allowIncomplete' | 'listedIn'>;

/** A dump by a user with too few rights is smaller and says so nowhere: it must not be taken, or be taken with its name on it. */
export function acceptGaps(source: Source, probe: Probe, settings: Accepted): string[] {
  const refused = probe.gaps.filter((gap) => !settings.allowIncomplete.includes(gap.name));
  if (refused.length > 0) throw refusal(source, refused, settings);
  return probe.gaps.map((gap) => `incomplete, as allowed: ${gap.detail}`);
}

function refusal(source: Source, gaps: Gap[], { allowIncomplete, listedIn }: Accepted): HoldfastError {
  const names = [...new Set(gaps.map((gap) => gap.name))];
  const mends = [
    ...new Set(gaps.map((gap) => gap.mend).filter((mend) => mend !== '' && !mend.startsWith('--'))),
  ];
  const allow = `or accept it with ${howToAllow({ name: source.name, listedIn }, names, allowIncomplete)}`;
  const kind = names.every((name) => name === 'empty') ? 'source_empty' : 'rights_missing';
  return new HoldfastError(
    kind,
    `a backup of ${source.database} would be incomplete: ${gaps.map((gap) => gap.detail).join('; ')}`,
    {
      hint:
        mends.length === 0
          ? `Fill the database, ${allow}.`
          : `Run as an administrator: ${mends.join(' ')} — ${allow}.`,
    },
  );
}

function sum(saved: SavedSnapshot[], field: 'dumpBytes' | 'storedBytes' | 'addedBytes'): number {
  return saved.reduce((total, part) => total + part[field], 0);
}
