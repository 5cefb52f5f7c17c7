import type { SourceStatus } from '../../sentinel/heartbeat.ts';
import { utc } from '../core/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { clip, runStatus } from './run-status.ts';
import { tenantProofs } from './tenant-proofs.ts';
import { tenantStanding } from './tenant-standing.ts';

/** So many are named. */
const NAMED = 5;

/**
 * How the tenants of a source stand, as the status folder tells it: those that there were when all had their turn last. Null where they are
 * not verified by turns, and nobody ever asked for one.
 */
export function tenantStatus(
  ledger: Pick<Ledger, 'since' | 'last'>,
  source: {
    name: string;
    proof: string;
    turns: { everySeconds: number | null; next: Date | null } | null;
  },
  { now, inRepository }: { now: Date; inRepository: string | null },
): SourceStatus['tenants'] {
  const lastRun = ledger.last('tenant-verify', source.name);
  if (source.turns === null && lastRun === null) return null;
  const everySeconds = source.turns?.everySeconds ?? null;
  const proofs = tenantProofs(ledger, source.name, { everySeconds, now, inRepository });
  const tenants = proofs.all ?? [];
  const how = { everySeconds, countsRestored: source.proof === 'none', now };
  const { oldest, overdueAt, overdue } = tenantStanding(proofs, tenants, how);
  const failed = proofs.failed();
  // Where no turn ever came, nobody knows which tenants there are: each of them may be overdue.
  const never = everySeconds !== null && proofs.all === null ? now : null;
  return {
    total: tenants.length,
    everySeconds,
    oldest: oldest === null ? null : { tenant: clip(oldest.id), lastProved: oldest.lastProved },
    overdueAt: toUtc(never ?? overdueAt),
    overdue: { total: overdue.length, tenants: overdue.slice(0, NAMED).map(clip) },
    failed: {
      total: failed.length,
      tenants: failed.slice(0, NAMED).map(({ id, why }) => ({ tenant: clip(id), why: clip(why) })),
    },
    lastRun: lastRun === null ? null : runStatus(lastRun),
    next: toUtc(source.turns?.next ?? null),
  };
}

function toUtc(date: Date | null): string | null {
  return date === null ? null : utc(date);
}
