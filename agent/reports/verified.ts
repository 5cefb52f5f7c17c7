import type { Ledger, Run, VerificationFacts } from '../ledger/ledger.ts';

/** What is known of a source's verifications. */
export interface VerifiedSource {
  /** When the newest one began that showed the snapshot equal to the source; null for none. */
  lastProved: string | null;
  /**
   * What the newest one that ended came to; one that failed stands until another shows something, for one that is not run or is
   * killed takes nothing back. Null for none, and for one of an older agent.
   */
  verdict: VerificationFacts['verdict'] | null;
  /** Why that one is not proved, as a sentence part; null where it is. */
  why: string | null;
  /** How many tables have rows of which that one compared samples alone, as `proof_limit` wants it; 0 for none. */
  sampledTables: number;
  /** What the newest restore took that came to its end: what a real one would take. */
  restoreSeconds: number | null;
}

const LOOK_BACK = 200;

/** A pure function of the ledger: of verifications out of the repository with this id, or out of any for null. */
export function verifiedSource(
  ledger: Pick<Ledger, 'recent'>,
  source: string,
  inRepository: string | null,
): VerifiedSource {
  const runs = ledger.recent({ job: 'verify', source, limit: LOOK_BACK }).filter(isOutOf(inRepository));
  const ended = runs.filter(({ result }) => result !== 'running');
  const shown = ended.find(({ result }) => result !== 'skipped' && result !== 'interrupted');
  const restored = runs.find(({ facts }) => typeof facts.verification?.restoreSeconds === 'number');
  return {
    lastProved: runs.find(isProved)?.startedAt ?? null,
    ...verdictOf(shown?.result === 'failed' ? shown : ended[0]),
    restoreSeconds: restored?.facts.verification?.restoreSeconds ?? null,
  };
}

/** One that was killed, or failed before there was anything to verify, kept no facts: its end speaks for it. */
function verdictOf(run: Run | undefined): Pick<VerifiedSource, 'verdict' | 'why' | 'sampledTables'> {
  if (run === undefined) return { verdict: null, why: null, sampledTables: 0 };
  const { verification } = run.facts;
  if (verification !== undefined) {
    const { verdict, why, sampledTables = 0 } = verification;
    return { verdict, why, sampledTables };
  }
  if (run.result === 'succeeded') return { verdict: null, why: null, sampledTables: 0 };
  return { verdict: run.result === 'skipped' ? 'not run' : 'failed', why: run.reason, sampledTables: 0 };
}

/**
 * The newest verification that counts as a good one. Where backups are to have checksums, one that only restored is none, except of an
 * agent that compared nothing yet. Of a backup that is suspect none is, until a person accepts that: that it came back as it was shows
 * nothing of the rows that it may have lost.
 */
export function lastGoodVerification(
  ledger: Pick<Ledger, 'recent' | 'suspects'>,
  { name, proof }: { name: string; proof: string },
  inRepository: string | null,
): Run | null {
  const runs = ledger
    .recent({ job: 'verify', source: name, result: 'succeeded', limit: LOOK_BACK })
    .filter(isOutOf(inRepository));
  const suspects = ledger.suspects(name).map(({ facts }) => facts.snapshotId);
  const shows = (run: Run) => proof !== 'checksums' || isProved(run) || run.facts.verification === undefined;
  const isOfGood = ({ facts }: Run) => facts.snapshotId === undefined || !suspects.includes(facts.snapshotId);
  return runs.find((run) => shows(run) && isOfGood(run)) ?? null;
}

/** What the age of a source's verification is measured from: the same for the page, `status.json` and `holdfast status`. */
export interface WatchedVerification {
  /** When the newest good one began; null for none. */
  lastSuccess: string | null;
  /** When the source's first backup began, from which on a good one is awaited; null for none. */
  awaitedSince: string | null;
}

export function watchedVerification(
  ledger: Pick<Ledger, 'recent' | 'firstBackup' | 'suspects'>,
  source: { name: string; proof: string },
  inRepository: string | null,
): WatchedVerification {
  return {
    lastSuccess: lastGoodVerification(ledger, source, inRepository)?.startedAt ?? null,
    awaitedSince: ledger.firstBackup(source.name, inRepository)?.startedAt ?? null,
  };
}

/** A run that says nothing of a repository is of an older agent, or came to no repository. */
export function isOutOf(repository: string | null): (run: Run) => boolean {
  return ({ facts }) =>
    repository === null || facts.repositoryId === undefined || facts.repositoryId === repository;
}

function isProved({ facts, result }: Run): boolean {
  return result === 'succeeded' && facts.verification?.verdict === 'proved';
}
