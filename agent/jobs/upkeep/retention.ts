import { isDeepStrictEqual } from 'node:util';
import { HoldfastError } from '../../core/errors.ts';
import { counted, humanBytes } from '../../core/units.ts';
import type { RemovedSnapshot } from '../../ledger/ledger.ts';
import type {
  ForgetPreview,
  ForgetReport,
  KeepPolicy,
  PruneReport,
  Repository,
  Snapshot,
} from '../../repository/repository.ts';
import { ensureRepository, rememberedId, type Notes } from '../init.ts';
import type { Job, JobContext, Outcome } from '../job.ts';
import { isPastItsWeek } from '../restore/restore-point.ts';
import {
  knownFrom,
  missingFrom,
  missingWords,
  recallKnown,
  rememberKnown,
  type KnownSnapshot,
} from './known-snapshots.ts';
import { aheadDoubt, chooseOf, type Choice, type Standing } from './retention-choice.ts';
import { expiredTenantDumps, keptTenantDumps } from './retention-tenants.ts';

export interface RetentionSettings {
  repository: Repository;
  notes: Notes;
  /** What is kept of most sources: the policy that is asked for first. */
  keep: KeepPolicy;
  /** What is kept of a source. */
  keepOf: (source: string) => KeepPolicy;
  /** The policy of a tenant's own dumps. */
  keepOfTenant: (source: string, tenant: { id: string; schema: string }) => KeepPolicy;
  /** The policy of a group of tenants; of all of them for null. */
  keepOfGroup: (source: string, group: string | null) => KeepPolicy;
  /** Names of the sources whose snapshots are subject to it; those of others are never touched. */
  sources: string[];
  /** Snapshots that must be there: the newest good one of each source, from the ledger. */
  mustExist: () => { source: string; snapshotId: string }[];
  dryRun: boolean;
  /** Goes on, and prunes, although snapshots that were there last time are gone; they are not missed any more. */
  acceptMissing: boolean;
  /** Whether `BACKUP_RETENTION` is on. Where it is off, another machine removes, of which nobody here knows: a dry run misses nothing. */
  watches: boolean;
  /** Whether a check of the repository found damage that no later one has shown to be gone: nothing is removed before. */
  damaged: () => boolean;
  /** Why no dump of a source's tenants may go now, as a sentence part; null where nothing is in the way. */
  tenantDoubt: (source: string) => string | null;
  /** What the ledger has to say of a source. */
  standing: (source: string) => Standing;
  /** What another server stores under the same names, as sentence parts; empty for nothing. */
  strangers: (source: string, snapshots: Snapshot[]) => string[];
  /** The time. */
  now: () => Date;
  /** Drops the databases that restores replaced a week ago; returns their names, and what could not be done, as sentence parts. */
  dropReplaced: (signal: AbortSignal) => Promise<{ dropped: string[]; failures: string[] }>;
  /** It follows a backup in the same run, so the repository has just answered. */
  afterBackup: boolean;
  timeoutMs: number;
}

/** Set from a forget until the prune after it is done, so that a prune that failed is made up for. */
const PRUNE_DUE = 'prune due';

/**
 * Forgets old snapshots, looks again, and only then prunes; not where a snapshot is missing from the list that was there last time and that
 * no run removed. Forgetting goes on then: on a shorter list a policy keeps more, and what has its time goes by its age alone.
 */
export function retentionJob(settings: RetentionSettings): Job {
  return {
    name: 'retention',
    source: null,
    timeoutMs: settings.timeoutMs,
    facts: settings.dryRun ? { dryRun: true } : {},
    run: (context) => applyRetention(settings, context),
  };
}

async function applyRetention(
  settings: RetentionSettings,
  { signal, onProgress }: JobContext,
): Promise<Outcome> {
  const { repository, notes, dryRun } = settings;
  if (!dryRun && settings.damaged()) {
    throw new HoldfastError(
      'repository_damaged',
      'nothing was removed: the last check of the repository failed',
      {
        hint: 'Run `holdfast check --all-data`, and when it is clean `holdfast prune`.',
      },
    );
  }
  const id = await idOf(settings, signal);
  const pruneDue = `${PRUNE_DUE} ${id}`;
  // On most days one look is all: nothing is old enough to go.
  const preview = await repository.preview(settings.keep, signal);
  const present = [...preview.kept, ...preview.removed];
  const known = settings.watches ? recallKnown(notes, id) : [];
  const gone = missingFrom(present, known);
  if (!settings.acceptMissing) refuseSuspiciousList(settings, present, { known, gone });
  const missing = settings.acceptMissing ? [] : gone;

  const ahead = (source: string) => aheadDoubt(source, present, settings.now());
  const kept: string[] = [];
  const removed: string[] = [];
  const spared: Snapshot[] = [];
  const findings = missing.length === 0 ? [] : [whyNotPruned(missing)];
  let freed: PruneReport | null = null;
  // Everything is asked before anything is removed: a question that fails must not leave half of it done and untold.
  const choices: { source: string; keep: KeepPolicy; choice: Choice }[] = [];
  for (const source of settings.sources) {
    const keep = settings.keepOf(source);
    const asked = isDeepStrictEqual(keep, settings.keep)
      ? preview
      : await repository.preview(keep, signal, { source });
    const standing = withMissing(settings.standing(source), missing);
    const doubt = standing.doubt ?? ahead(source);
    choices.push({ source, keep, choice: chooseOf(source, asked, { ...standing, doubt }) });
  }
  const tenantDoubt = (source: string) => settings.tenantDoubt(source) ?? ahead(source);
  const ofTenants = await expiredTenantDumps(preview, { ...settings, tenantDoubt }, signal);
  const dumpsOfTenants = ofTenants.expired;
  const expired = [...expiredRestorePoints(preview, settings), ...dumpsOfTenants];
  const rememberWithout = (going: string[]) => {
    const stay = present.filter((one) => isOfSources(one, settings) && !going.includes(one.id));
    rememberKnown(notes, id, [...stay.map(knownFrom), ...missing]);
  };
  if (!dryRun) {
    // Before anything goes: an agent that is killed in between must not take its own work for a loss.
    rememberWithout([...choices.flatMap(({ choice }) => choice.removed), ...expired].map(idOfSnapshot));
    if (settings.acceptMissing && gone.length > 0) notes.remember(pruneDue, 'yes');
  }
  for (const { source, keep, choice } of choices) {
    let report: ForgetReport = {
      kept: choice.kept.map(idOfSnapshot),
      removed: choice.removed.map(idOfSnapshot),
    };
    if (!dryRun && report.removed.length > 0) {
      onProgress({ step: `retention of ${source}`, dumpBytes: 0, storedBytes: 0 });
      notes.remember(pruneDue, 'yes');
      if (choice.spared.length === 0) report = await repository.forget(keep, { source }, signal);
      else await repository.remove(report.removed, signal);
    }
    kept.push(...report.kept);
    removed.push(...report.removed);
    spared.push(...choice.spared);
    if (choice.finding !== null) findings.push(choice.finding);
    findings.push(...settings.strangers(source, present));
  }
  findings.push(...ofTenants.findings);
  if (!dryRun && expired.length > 0) {
    notes.remember(pruneDue, 'yes');
    await repository.remove(expired.map(idOfSnapshot), signal);
  }
  removed.push(...expired.map(idOfSnapshot));
  kept.push(...keptTenantDumps(preview, dumpsOfTenants, settings.sources).map(idOfSnapshot));
  const replaced = dryRun ? NOTHING_DROPPED : await settings.dropReplaced(signal);
  if (!dryRun) {
    rememberWithout(removed);
    if (notes.recall(pruneDue) === 'yes' && missing.length === 0) {
      onProgress({ step: 'pruning', dumpBytes: 0, storedBytes: 0 });
      const stay = present.map(idOfSnapshot).filter((one) => !removed.includes(one));
      freed = await repository.prune([...new Set([...stay, ...kept])], signal);
      notes.remember(pruneDue, 'no');
    }
  }
  const verb = dryRun ? 'would remove' : 'removed';
  return {
    reason: [
      `${verb} ${removed.length} of ${counted(kept.length + removed.length, 'snapshot')}, kept ${kept.length}`,
      ...(settings.acceptMissing && gone.length > 0
        ? [`${dryRun ? 'would accept' : 'accepted'} the loss of ${missingWords(gone)}`]
        : []),
      ...freedWords(freed),
      ...spared.map(
        ({ shortId, path }) =>
          `${shortId} of ${path} stays whatever the policy: it is the newest good one, was verified or proven last, or has a suspect one behind it`,
      ),
      ...replaced.dropped.map((name) => `dropped ${name}, which a restore replaced a week ago`),
    ].join('; '),
    warnings: [...findings, ...replaced.failures],
    facts: {
      snapshotsKept: kept.length,
      snapshotsRemoved: removed.length,
      ...(freed?.freedBytes == null ? {} : { freedBytes: freed.freedBytes }),
      removed: present
        .filter(({ id }) => removed.includes(id))
        .map(named)
        .toSorted((one, other) => one.time.localeCompare(other.time)),
    },
  };
}

function freedWords(freed: PruneReport | null): string[] {
  if (freed === null) return [];
  return [
    freed.freedBytes === null
      ? 'restic did not say how much it freed'
      : `freed ${humanBytes(freed.freedBytes)}`,
  ];
}

function idOfSnapshot({ id }: Snapshot): string {
  return id;
}

const NOTHING_DROPPED = { dropped: [], failures: [] };

/** No policy counts them: each has its week. */
function expiredRestorePoints(
  { kept, removed }: ForgetPreview,
  { sources, now }: RetentionSettings,
): Snapshot[] {
  return [...kept, ...removed].filter(
    (point) =>
      point.tags?.kind === 'restore-point' &&
      sources.includes(point.tags.source) &&
      isPastItsWeek(point, now()),
  );
}

function named({ shortId, time, tags, path }: Snapshot): RemovedSnapshot {
  return { shortId, time, source: tags?.source ?? '', path };
}

/** Of the repository: a backup that went before has asked for it a moment ago. */
async function idOf(
  { repository, notes, afterBackup }: RetentionSettings,
  signal: AbortSignal,
): Promise<string> {
  const remembered = afterBackup ? rememberedId(repository, notes) : null;
  return remembered ?? (await ensureRepository(repository, notes, signal)).id;
}

/** Others are none of ours to miss: their servers, or who took the source out of the configuration, may remove them. */
function isOfSources({ tags }: Snapshot, { sources }: RetentionSettings): boolean {
  return tags !== null && tags.kind !== 'ledger' && sources.includes(tags.source);
}

/** A suspect dump that only the list hides still has its good one behind it. */
function withMissing(standing: Standing, missing: KnownSnapshot[]): Standing {
  const hidden = standing.displaced.filter(({ bySnapshot }) => missing.some(({ id }) => id === bySnapshot));
  return { ...standing, good: [...standing.good, ...hidden.flatMap(({ good }) => good)] };
}

function whyNotPruned(missing: KnownSnapshot[]): string {
  return `nothing was pruned: the list lacks ${missingWords(missing)} that should be there and that no run removed; if the list is short, pruning would take their data; if they were removed on purpose, type \`holdfast prune --accept-missing\``;
}

/** Retention on a list that lacks what must be there would count, and remove, by a wrong picture. */
function refuseSuspiciousList(
  { mustExist }: RetentionSettings,
  present: Snapshot[],
  { known, gone }: { known: KnownSnapshot[]; gone: KnownSnapshot[] },
): void {
  const ids = new Set(present.map(idOfSnapshot));
  const lost = mustExist().find(({ snapshotId }) => !ids.has(snapshotId));
  if (lost !== undefined) {
    throw refusal(
      `the newest snapshot of ${lost.source}, ${lost.snapshotId.slice(0, 8)}, is missing from the list`,
    );
  }
  if (gone.length > known.length / 2) {
    throw refusal(`${gone.length} of ${counted(known.length, 'snapshot')} vanished since the last retention`);
  }
}

function refusal(what: string): HoldfastError {
  return new HoldfastError('repository_failed', `nothing was removed: ${what}`, {
    hint: 'Look at `holdfast snapshots` and `holdfast check`; if they were removed on purpose, run `holdfast prune --accept-missing`.',
  });
}
