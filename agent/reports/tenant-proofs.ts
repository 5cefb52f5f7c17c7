import { isOutOf } from './verified.ts';
import { utc } from '../core/clock.ts';
import type { Ledger, Run, VerificationFacts } from '../ledger/ledger.ts';

/** What the ledger knows of the verifications of one tenant. */
export interface TenantProof {
  /** When the newest verification began that showed it equal to what was backed up; null for none. */
  lastProved: string | null;
  /** When the newest one began in which it came back, equal or not; null for none. */
  lastRestored: string | null;
  /** What the newest one that tried it came to; null for none. */
  verdict: VerificationFacts['verdict'] | null;
  why: string | null;
  /** Its id, as the run that tried it last knew it, and that run; 0 for none. */
  id: string;
  triedBy: number;
  /** Since when it is known. */
  knownSince: string;
}

export interface TenantProofs {
  /** By the names of their schemas. */
  of: Map<string, TenantProof>;
  /** All that there were when all had their turn last; null where that never was. */
  all: { id: string; schema: string }[] | null;
  /** Those whose newest verification failed, but for those that were gone when all had their turn since. */
  failed: () => { id: string; why: string }[];
  /** The names of the schemas that are proved out of a snapshot. */
  provedOutOf: (snapshotId: string) => Set<string>;
}

/** Verifications older than this are not looked at, or twice the time that they are to hold, whichever is more. */
const LOOK_BACK_SECONDS = 60 * 86_400;

const AHEAD_MS = 300_000;

/** A pure function of the ledger: of verifications of tenants, and of whole databases with all tenants in them, as in `verifiedSource`. */
export function tenantProofs(
  ledger: Pick<Ledger, 'since'>,
  source: string,
  {
    everySeconds,
    now,
    inRepository,
  }: { everySeconds: number | null; now: Date; inRepository: string | null },
): TenantProofs {
  const back = Math.max(LOOK_BACK_SECONDS, 2 * (everySeconds ?? 0));
  const from = utc(new Date(now.getTime() - back * 1000));
  const runs = (['tenant-verify', 'verify'] as const).flatMap((job) => ledger.since(job, source, from));
  // One of the future is of a clock that was wrong: it proves nothing.
  const until = utc(new Date(now.getTime() + AHEAD_MS));
  const oldestFirst = runs
    .filter(({ startedAt }) => startedAt <= until)
    .filter(isOutOf(inRepository))
    .toSorted((one, other) => one.id - other.id);
  const of = new Map<string, TenantProof>();
  const proved = new Map<string, Set<string>>();
  for (const run of oldestFirst) {
    for (const seen of seenBy(run)) {
      const known = of.get(seen.schema) ?? unknown(run);
      of.set(seen.schema, seen.verdict === null ? known : tried(known, seen, run));
      if (seen.verdict === 'proved') noteProved(proved, run, seen.schema);
    }
  }
  const last = oldestFirst.findLast(({ facts }) => facts.byTurns === true && facts.tenantsLeft !== undefined);
  const listed = last === undefined ? null : new Set(seenBy(last).map(({ schema }) => schema));
  return {
    of,
    failed: () =>
      [...of].flatMap(([schema, { id, verdict, why, triedBy }]) => {
        const isGone = listed !== null && !listed.has(schema) && triedBy < (last?.id ?? 0);
        return verdict === 'failed' && !isGone ? [{ id, why: why ?? '' }] : [];
      }),
    all: last === undefined ? null : seenBy(last).map(({ id, schema }) => ({ id, schema })),
    provedOutOf: (snapshotId) => proved.get(snapshotId) ?? new Set(),
  };
}

interface Seen {
  id: string;
  schema: string;
  /** Null where it was there and not tried. */
  verdict: VerificationFacts['verdict'] | null;
  why: string | null;
}

function seenBy({ facts, result }: Run): Seen[] {
  const left = facts.tenantsLeft ?? [];
  const { verdict } = facts.verification ?? {};
  const whole =
    result === 'succeeded' && (verdict === 'proved' || verdict === 'restored') ? facts.schemas : [];
  return [
    ...(facts.verifiedTenants ?? []),
    ...left.flatMap(({ tenants }) => tenants.map((one) => ({ ...one, verdict: null, why: null }))),
    ...(whole ?? []).map((schema) => ({ id: schema, schema, verdict: verdict ?? null, why: null })),
  ];
}

function unknown({ startedAt }: Run): TenantProof {
  const never = { lastProved: null, lastRestored: null, verdict: null, why: null, id: '', triedBy: 0 };
  return { ...never, knownSince: startedAt };
}

function tried(known: TenantProof, { id, verdict, why }: Seen, { id: run, startedAt }: Run): TenantProof {
  return {
    ...known,
    lastProved: verdict === 'proved' ? startedAt : known.lastProved,
    lastRestored: verdict === 'proved' || verdict === 'restored' ? startedAt : known.lastRestored,
    // That it could not be tried does not make good what failed before.
    ...(verdict === 'not run' && known.verdict === 'failed' ? {} : { verdict, why }),
    id,
    triedBy: run,
  };
}

function noteProved(proved: Map<string, Set<string>>, { facts }: Run, schema: string): void {
  if (facts.snapshotId === undefined) return;
  const schemas = proved.get(facts.snapshotId) ?? new Set();
  proved.set(facts.snapshotId, schemas.add(schema));
}
