import { utc } from '../../core/clock.ts';
import { HoldfastError, describeError } from '../../core/errors.ts';
import type { Run, RunFacts } from '../../ledger/ledger.ts';
import type { CheckPart, Repository } from '../../repository/repository.ts';
import {
  advanced,
  completed,
  nextPart,
  recallCycle,
  rememberCycle,
  type Cycle,
  type CyclePlan,
} from './check-cycle.ts';
import { ensureRepository, type Notes } from '../init.ts';
import { EndedRun, type Job, type JobContext, type Outcome } from '../job.ts';

export interface CheckSettings {
  repository: Repository;
  notes: Notes;
  /** `next-part`: the structure and the part of the data whose turn it is. */
  what: 'structure' | 'next-part' | 'all-data';
  plan: CyclePlan;
  /** The check that found damage which no later one has shown to be gone; null for none. */
  openDamage: () => Run | null;
  now: () => Date;
  timeoutMs: number;
}

/** Checks the repository: its structure, and of its data nothing, the part whose turn it is, or every byte. */
export function checkJob(settings: CheckSettings): Job {
  return {
    name: 'check',
    source: null,
    timeoutMs: settings.timeoutMs,
    run: (context) => check(settings, context),
  };
}

async function check(settings: CheckSettings, { signal, onProgress }: JobContext): Promise<Outcome> {
  const { repository, notes, plan } = settings;
  const { id } = await ensureRepository(repository, notes, signal);
  const cycle = recallCycle(notes, id);
  const inParts = settings.what === 'next-part' && plan.seconds !== null;
  const size = await measure(repository, id, signal);
  const bytes = size.facts.repositoryBytes;
  const next = inParts && bytes !== undefined ? nextPart(cycle, plan, bytes) : null;
  const part: CheckPart = settings.what === 'all-data' ? 'all-data' : (next ?? 'structure');

  onProgress({ step: stepOf(part), dumpBytes: 0, storedBytes: 0 });
  await repository.check(part, signal).catch((error: unknown) => {
    // What was read and found damaged, only reading it again can clear.
    if (!(error instanceof HoldfastError) || error.kind !== 'repository_damaged') throw error;
    throw new EndedRun('failed', error, { ...size.facts, ...readFacts(part) });
  });

  // Only now: a part that was not read to its end, or found damaged, is the next one again.
  const now = utc(settings.now());
  const after = next !== null ? advanced(cycle, next, now) : part === 'all-data' ? completed(now) : null;
  if (after !== null) rememberCycle(notes, id, after);
  const unread =
    inParts && next === null ? ['no data was read: how large the repository is could not be told'] : [];
  return {
    reason: [reasonOf(part), ...(next?.remarks ?? []), ...(after === null ? [] : [progressOf(after)])].join(
      '; ',
    ),
    warnings: [...size.warnings, ...unread, ...stillOpen(settings.openDamage(), part)],
    facts: { ...size.facts, ...readFacts(part), ...cycleFacts(after) },
  };
}

function stepOf(part: CheckPart): string {
  if (part === 'all-data') return 'reading all data';
  return part === 'structure'
    ? 'checking the structure'
    : `reading part ${part.part} of ${part.of} of the data`;
}

function reasonOf(part: CheckPart): string {
  if (part === 'all-data') return 'every byte of the repository is sound';
  const structure = 'the structure of the repository is sound';
  return part === 'structure'
    ? structure
    : `${structure}, and so is part ${part.part} of ${part.of} of its data`;
}

function progressOf({ next, completedAt }: Cycle): string {
  if (completedAt === null) return 'all data has never been read yet';
  return next === 1 ? 'all data has been read' : `all data was last read by ${completedAt}`;
}

/** All data is one part of one. */
function readFacts(part: CheckPart): RunFacts {
  if (part === 'structure') return {};
  return part === 'all-data'
    ? { checkedPart: 1, checkedOf: 1 }
    : { checkedPart: part.part, checkedOf: part.of };
}

function cycleFacts(after: Cycle | null): RunFacts {
  return after?.completedAt == null ? {} : { allDataReadAt: after.completedAt };
}

/** What an earlier check found, and this one has not looked at. */
function stillOpen(damage: Run | null, part: CheckPart): string[] {
  if (damage === null || part === 'all-data') return [];
  const { checkedPart, checkedOf } = damage.facts;
  if (checkedPart === undefined) return [];
  const now = readFacts(part);
  if (now.checkedPart === checkedPart && now.checkedOf === checkedOf) return [];
  const what = checkedOf === 1 ? 'the data' : `part ${checkedPart} of ${checkedOf} of the data`;
  return [
    `${what} was found damaged at ${damage.startedAt} and has not been read since: run \`holdfast check --all-data\`, or \`holdfast repair\``,
  ];
}

/** How large it is: for the choice of a part, and for the page that shows its growth. That it cannot be told makes a check no worse. */
async function measure(
  repository: Repository,
  repositoryId: string,
  signal: AbortSignal,
): Promise<Pick<Outcome, 'warnings' | 'facts'>> {
  try {
    const { storedBytes, snapshots } = await repository.stats(signal);
    return {
      warnings: [],
      facts: { repositoryId, repositoryBytes: storedBytes, snapshotsKept: snapshots },
    };
  } catch (error) {
    if (signal.aborted) throw error;
    return {
      warnings: [`the size of the repository could not be measured: ${describeError(error).message}`],
      facts: { repositoryId },
    };
  }
}
