import { utc } from '../../core/clock.ts';
import { COUNTED_KINDS } from '../../core/glossary.ts';
import { counted } from '../../core/units.ts';
import type { Ledger, Run } from '../../ledger/ledger.ts';
import { aheadOf } from '../newest.ts';
import type { ForgetPreview, Snapshot } from '../../repository/repository.ts';

/** What the ledger has to say of a source before anything of it is removed. */
export interface Standing {
  /** Why nothing of it may go now, as a sentence part; null where nothing is in the way. */
  doubt: string | null;
  /**
   * The snapshots of the newest backup that a verification proved, of the newest such one that is not suspect or was accepted, and of the
   * newest that one restored: they stay, whatever the policy.
   */
  verified: string[];
  /** The snapshots of the newest backup whose equality is proven, its proof among them, where proofs are wanted: they stay, too. */
  proven: string[];
  /** The snapshots of the newest backup that counts: they stay, too, for a policy goes by times, and a clock may have been wrong. */
  good: string[];
  /** Of each suspect dump the snapshots of the last backup before it that counts: a policy would let one of the same day go for it. */
  displaced: { bySnapshot: string; good: string[] }[];
}

export interface Choice {
  kept: Snapshot[];
  removed: Snapshot[];
  /** Of those kept, the ones that the policy alone would remove. */
  spared: Snapshot[];
  /** Why nothing is removed although the policy would, or what stays because nothing newer is proven; a sentence part. */
  finding: string | null;
}

/**
 * What goes of one source: what the policy says, without what was stored, verified or proven last; nothing while the source is in doubt, and
 * never every dump that there is.
 */
export function chooseOf(
  source: string,
  preview: ForgetPreview,
  { doubt, verified, proven, good, displaced }: Standing,
): Choice {
  const ofSource = ({ tags }: Snapshot) => tags?.source === source && COUNTED_KINDS.includes(tags.kind);
  const kept = preview.kept.filter(ofSource);
  const going = preview.removed.filter(ofSource);
  const isKept = (id: string) => kept.some((snapshot) => snapshot.id === id);
  const instead = displaced.filter(({ bySnapshot }) => isKept(bySnapshot)).flatMap((one) => one.good);
  const stay = new Set([...verified, ...proven, ...good, ...instead]);
  const isSpared = ({ id }: Snapshot) => stay.has(id);
  const spared = going.filter(isSpared);
  const removed = going.filter((snapshot) => !isSpared(snapshot));
  const stays = [...kept, ...spared];
  const why = doubt ?? (stays.some(isDump) || !removed.some(isDump) ? null : 'the policy would keep no dump');
  if (why === null || removed.length === 0) {
    return { kept: stays, removed, spared, finding: unprovenSince(source, spared, proven) };
  }
  return {
    kept: [...kept, ...going],
    removed: [],
    spared: [],
    finding: `nothing of ${source} was removed, though ${counted(removed.length, 'snapshot')} could go: ${why}`,
  };
}

/**
 * Why nothing of a source may go while some of its snapshots bear a time that has not come yet, as a sentence part; null where none does.
 * A policy goes by times, and so would keep those and let the true ones of the same days go.
 */
export function aheadDoubt(source: string, present: Snapshot[], now: Date): string | null {
  const ofSource = present.filter(({ tags }) => tags?.source === source);
  const ahead = aheadOf(ofSource, now).toSorted((one, other) => one.time.localeCompare(other.time));
  const last = ahead.at(-1);
  if (last === undefined) return null;
  const which = `${counted(ahead.length, 'snapshot')}, up to ${last.shortId} of ${utc(new Date(last.time))}`;
  return `the clock is wrong, or was: ${which}, bear a time that has not come yet, and would be kept instead of true ones; set the clock, or remove them with \`holdfast restic -- forget ${last.shortId}\` and then \`holdfast prune --accept-missing\``;
}

/** The policy keeps what is new: it reaches the newest proven one only where none of those since then is proven. */
function unprovenSince(source: string, spared: Snapshot[], proven: string[]): string | null {
  const dump = spared.find((snapshot) => isDump(snapshot) && proven.includes(snapshot.id));
  if (dump === undefined) return null;
  return `no backup of ${source} is proven since ${dump.shortId} of ${utc(new Date(dump.time))}, which stays whatever the policy`;
}

/**
 * Read from the ledger. A source is in doubt while its newest backup failed, was interrupted, or is suspect and not accepted, and
 * while its newest verification failed: then what is old may be all that is good. Also for a week after its proofs ceased: a backup
 * that is not proven although others were of late. After that week it is in doubt no more, for it would be so for ever, and its newest
 * proven backup stays instead. Nor is a source that was never verified, or for which no proof is wanted or to be had.
 */
export function standingOf(
  ledger: Reading,
  source: string,
  { wantsProof, repositoryId }: { wantsProof: boolean; repositoryId: string | null },
): Standing {
  const proven = wantsProof ? ledger.lastProven(source) : null;
  return {
    doubt: doubtOf(ledger, source, wantsProof),
    verified: verifiedOf(ledger, source),
    proven: proven?.facts.snapshotIds ?? [],
    good: ledger.lastGood(source, repositoryId)?.facts.snapshotIds ?? [],
    displaced: displacedOf(ledger, source),
  };
}

type Reading = Pick<Ledger, 'recent' | 'last' | 'lastGood' | 'since' | 'suspects' | 'lastProven'>;

const BACK = 100;
const WEEK_MS = 7 * 86_400_000;
/** A week of one a minute: the backup that was verified last must be among them. */
const MOST_BACKUPS = 11_000;
const MOST_VERIFICATIONS = 200;

function doubtOf(ledger: Reading, source: string, wantsProof: boolean): string | null {
  const newestOf = (job: 'backup' | 'verify', without: string[]) =>
    ledger.recent({ job, source, limit: BACK }).find(({ result }) => !without.includes(result));
  const backup = newestOf('backup', ['skipped', 'running']);
  if (backup !== undefined && backup.result !== 'succeeded') {
    return `its newest backup, of ${backup.startedAt}, ${backup.result === 'failed' ? 'failed' : 'was interrupted'}`;
  }
  if (backup?.facts.suspect !== undefined && ledger.lastGood(source, null)?.id !== backup.id) {
    return `its newest backup, of ${backup.startedAt}, is suspect`;
  }
  if (wantsProof && backup?.facts.equality?.proven === false && wasProvenBefore(ledger, source, backup)) {
    return `its newest backup, of ${backup.startedAt}, is not proven, and others of the last week are: ${backup.facts.equality.why}`;
  }
  const verification = newestOf('verify', ['skipped', 'running', 'interrupted']);
  return verification?.result === 'failed'
    ? `its newest verification, of ${verification.startedAt}, failed`
    : null;
}

function wasProvenBefore(ledger: Reading, source: string, { startedAt }: Run): boolean {
  const from = utc(new Date(Date.parse(startedAt) - WEEK_MS));
  return ledger.since('backup', source, from).some(({ facts }) => facts.equality?.proven === true);
}

function verifiedOf(ledger: Reading, source: string): string[] {
  const runs = ledger.recent({ job: 'verify', source, result: 'succeeded', limit: MOST_VERIFICATIONS });
  const proved = runs.filter(({ facts }) => facts.verification?.verdict === 'proved');
  const suspects = ledger.suspects(source).map(({ facts }) => facts.snapshotId);
  const provedGood = proved.find(({ facts }) => !suspects.includes(facts.snapshotId));
  // One that was restored and not proven takes no place from one that was, and one that is suspect none from one that is good.
  const verified = new Set([runs[0], proved[0], provedGood].flatMap((run) => run?.facts.snapshotId ?? []));
  if (verified.size === 0) return [];
  const backups = ledger.recent({ job: 'backup', source, result: 'succeeded', limit: MOST_BACKUPS });
  return [...verified].flatMap((id) => {
    const backup = backups.find(({ facts }) => facts.snapshotId === id);
    return backup?.facts.snapshotIds ?? [id];
  });
}

function displacedOf(ledger: Reading, source: string): Standing['displaced'] {
  const suspects = new Set(ledger.suspects(source).map(({ id }) => id));
  if (suspects.size === 0) return [];
  const backups = ledger.recent({ job: 'backup', source, result: 'succeeded', limit: MOST_BACKUPS });
  return backups.flatMap(({ id, facts }, index) => {
    if (!suspects.has(id) || facts.snapshotId === undefined) return [];
    const before = backups.slice(index + 1).find((backup) => !suspects.has(backup.id));
    const good = before?.facts.snapshotIds ?? [];
    return good.length === 0 ? [] : [{ bySnapshot: facts.snapshotId, good }];
  });
}

function isDump({ tags }: Snapshot): boolean {
  return tags?.kind === 'dump';
}
