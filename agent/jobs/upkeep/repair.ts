import { describeError } from '../../core/errors.ts';
import { counted } from '../../core/units.ts';
import type { Damage, Repository, Snapshot } from '../../repository/repository.ts';
import { ensureRepository, type Notes } from '../init.ts';
import type { Job, JobContext, Outcome } from '../job.ts';
import { findingsOf, stepsOf, type Step } from './repair-plan.ts';

export interface RepairSettings {
  repository: Repository;
  notes: Notes;
  /** Looks and tells, and changes nothing. */
  dryRun: boolean;
  /** Forgets the snapshots of this host that lost data: by name alone, for what a hole leaves may be all that there is. */
  forgetBroken: boolean;
  /** Where copies of what is damaged are kept. */
  copies: string;
  timeoutMs: number;
}

/**
 * Reads every byte, tells what is broken, what mends it and who loses what, and does so unless it is a dry run. It never
 * prunes, and never removes a snapshot that can still be read unless that was asked for.
 */
export function repairJob(settings: RepairSettings): Job {
  return {
    name: 'repair',
    source: null,
    timeoutMs: settings.timeoutMs,
    run: (context) => repair(settings, context),
  };
}

async function repair(settings: RepairSettings, context: JobContext): Promise<Outcome> {
  const { repository, notes, dryRun } = settings;
  const { signal } = context;
  const { id: repositoryId } = await ensureRepository(repository, notes, signal);
  step(context, 'reading all data');
  const damage = await repository.diagnose('all-data', signal);
  if (damage === null) {
    return {
      reason: 'nothing is broken: every byte of the repository is sound',
      warnings: [],
      facts: { repositoryId },
    };
  }
  const found = findingsOf(damage);
  const losses = await expectedLosses(damage, repository, signal);
  const steps = stepsOf(damage, settings.copies);
  if (dryRun) {
    return {
      reason: `found ${counted(damage.errors, 'error')}, and changed nothing`,
      warnings: [
        ...found,
        ...losses,
        ...steps.map(({ does, command }, i) => `step ${i + 1}: ${does} (${command})`),
      ],
      facts: { repositoryId },
    };
  }

  const warnings = [...found];
  for (const one of steps) {
    step(context, one.does);
    warnings.push(...(await take(one, damage, settings, signal)));
  }
  return {
    reason: `mended ${found.length === 1 ? 'what was broken' : `${found.length} kinds of damage`} in ${counted(steps.length, 'step')}; the check that follows tells whether all is sound`,
    warnings,
    facts: { repositoryId },
  };
}

/** Does one step; returns what a person should know of it. */
async function take(
  { kind }: Step,
  damage: Damage,
  { repository, copies, forgetBroken }: RepairSettings,
  signal: AbortSignal,
): Promise<string[]> {
  const { repairs } = repository;
  switch (kind) {
    case 'packs':
      await repairs.packs(damage.damagedPacks, copies, signal);
      return [`copies of the damaged packs are in ${copies}`];
    case 'index':
      await repairs.index(signal);
      return [];
    case 'unreadable': {
      const gone = await repairs.dropUnreadable(damage.snapshots, copies, signal);
      return gone.map(
        (id) =>
          `snapshot ${id.slice(0, 8)} is lost; until the next prune its data can be found again with \`holdfast restic -- recover\``,
      );
    }
    case 'broken':
      return settleBroken(await repairs.broken(signal), repository, forgetBroken, signal);
  }
}

async function settleBroken(
  shortIds: string[],
  repository: Repository,
  forgetBroken: boolean,
  signal: AbortSignal,
): Promise<string[]> {
  if (shortIds.length === 0) return ['no snapshot lost data'];
  const all = await repository.list({}, signal);
  const broken = all.filter(({ shortId, tags }) => tags !== null && shortIds.includes(shortId));
  const foreign = shortIds.filter((id) => !broken.some(({ shortId }) => shortId === id));
  const others = foreign.map(
    (id) =>
      `snapshot ${id} lost data and is not Holdfast's: mend it with \`holdfast restic -- repair snapshots\``,
  );
  if (!forgetBroken) {
    const next =
      'back up once, which brings back what the database still holds, and if it stays broken type `holdfast repair --yes --forget-broken`';
    return [
      ...broken.map((snapshot) => `${named(snapshot)} lost data and cannot be restored: ${next}`),
      ...others,
    ];
  }
  await repository.remove(
    broken.map(({ id }) => id),
    signal,
  );
  return [...broken.map((snapshot) => `${named(snapshot)} had lost data and is forgotten`), ...others];
}

/** Who has something in what is damaged: found by the packs before anything is changed. */
async function expectedLosses(
  damage: Damage,
  repository: Repository,
  signal: AbortSignal,
): Promise<string[]> {
  const packs = [...damage.damagedPacks, ...damage.missingPacks];
  if (packs.length === 0) return [];
  try {
    const users = await repository.repairs.usersOf(packs, signal);
    const all = await repository.list({}, signal);
    const told = users.map((id) => {
      const snapshot = all.find((candidate) => candidate.id === id);
      return snapshot === undefined ? `snapshot ${id.slice(0, 8)} of another host` : named(snapshot);
    });
    return told.length === 0
      ? ['no snapshot needs what is broken']
      : told.map((who) => `${who} loses data, unless the next backup brings it back`);
  } catch (error) {
    if (signal.aborted) throw error;
    return [`which snapshots lose data cannot be told yet: ${describeError(error).message}`];
  }
}

function named({ shortId, tags, path, time }: Snapshot): string {
  return `snapshot ${shortId} of ${tags?.source ?? path}, ${time.slice(0, 19)}Z`;
}

function step({ onProgress }: JobContext, text: string): void {
  onProgress({ step: text, dumpBytes: 0, storedBytes: 0 });
}
