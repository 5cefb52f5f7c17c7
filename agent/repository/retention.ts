import { HoldfastError } from '../core/errors.ts';
import { COUNTED_KINDS } from '../core/glossary.ts';
import { counted } from '../core/units.ts';
import { forgetMessage } from './messages.ts';
import type { ForgetPreview, ForgetReport, KeepPolicy, PruneReport, SnapshotFilter } from './repository.ts';
import type { Restic } from './restic.ts';
import { filterArguments, listSnapshots, toSnapshot } from './snapshots.ts';

const FORGET_TIMEOUT_MS = 30 * 60_000;
const PRUNE_TIMEOUT_MS = 12 * 3600_000;

/**
 * What the policy would do to every snapshot of the host that fits, restore points among them: one question that removes nothing. It takes the lock that
 * removing would take, so that a lock in the way is told on the first day and not when something is old enough to go.
 */
export async function previewPolicy(
  restic: Restic,
  host: string,
  policy: KeepPolicy,
  filter: SnapshotFilter,
  signal: AbortSignal,
): Promise<ForgetPreview> {
  return askForget(restic, [...policyArguments(host, policy, filterArguments(filter)), '--dry-run'], signal);
}

/**
 * Forgets by policy, then looks again: what was to go must be gone and what was to stay must be there. Never prunes:
 * `forget --prune` deletes the data of snapshots that it could not delete.
 */
export async function forgetByPolicy(
  restic: Restic,
  host: string,
  policy: KeepPolicy,
  filter: SnapshotFilter,
  signal: AbortSignal,
): Promise<ForgetReport> {
  const { kept, removed } = await askForget(restic, policyArguments(host, policy, countedBy(filter)), signal);
  const report = { kept: kept.map(({ id }) => id), removed: removed.map(({ id }) => id) };
  await verifyGone(restic, host, report, signal);
  return report;
}

function policyArguments(host: string, policy: KeepPolicy, filter: string[]): string[] {
  return [
    ...['forget', '--json', '--host', host, ...filter, '--group-by', 'host,tags'],
    ...['--keep-daily', String(policy.daily), '--keep-weekly', String(policy.weekly)],
    ...['--keep-monthly', String(policy.monthly), '--keep-yearly', String(policy.yearly)],
    ...(policy.within ? ['--keep-within', policy.within] : []),
  ];
}

/** Of each kind that the policy counts those that fit: a restore point has a week of its own, and a tenant's dumps a policy. */
function countedBy(filter: SnapshotFilter): string[] {
  const kinds = filter.kind === undefined ? COUNTED_KINDS : [filter.kind];
  return kinds.flatMap((kind) => filterArguments({ ...filter, kind }));
}

async function askForget(restic: Restic, args: string[], signal: AbortSignal): Promise<ForgetPreview> {
  // 3: some snapshots could not be removed. Which ones, the look afterwards tells.
  const { stdout } = await restic.run(args, { timeoutMs: FORGET_TIMEOUT_MS, signal, accept: [3] });
  const groups = forgetMessage.parse(stdout.trim() === '' ? [] : JSON.parse(firstDocument(stdout)));
  return {
    kept: groups.flatMap((group) => (group.keep ?? []).map(toSnapshot)),
    removed: groups.flatMap((group) => (group.remove ?? []).map(toSnapshot)),
  };
}

/** Removes snapshots by id and verifies that they are gone: restic says nothing of ids that it does not know. */
export async function removeSnapshots(
  restic: Restic,
  host: string,
  ids: string[],
  signal: AbortSignal,
): Promise<void> {
  if (ids.length === 0) return;
  // 3: some could not be removed, which the look afterwards tells.
  await restic.run(['forget', '--json', ...ids], { timeoutMs: FORGET_TIMEOUT_MS, signal, accept: [3] });
  await verifyGone(restic, host, { kept: [], removed: ids }, signal);
}

/** Removes unneeded data, unless a snapshot that must be there is missing from the list: a flaky list once cost a whole repository. */
export async function pruneData(
  restic: Restic,
  host: string,
  expected: string[],
  signal: AbortSignal,
): Promise<PruneReport> {
  const present = new Set((await listSnapshots(restic, host, {}, signal)).map((snapshot) => snapshot.id));
  const missing = expected.filter((id) => !present.has(id));
  if (present.size === 0 || missing.length > 0) {
    const what =
      present.size === 0
        ? 'the list of snapshots is empty'
        : `snapshot ${missing[0]?.slice(0, 8)} is missing from the list`;
    throw new HoldfastError('repository_failed', `nothing was pruned: ${what}`, {
      hint: 'Run `holdfast check`, then `holdfast prune` again.',
    });
  }
  const { stdout } = await restic.run(['prune'], { timeoutMs: PRUNE_TIMEOUT_MS, signal });
  return { freedBytes: freedIn(stdout) };
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `total prune: 3 blobs / 1.234 MiB`; restic 0.19 has no JSON for it. */
export function freedIn(text: string): number | null {
  const [, amount, unit = ''] = /^total prune: .*\/ ([\d.]+) (\w+)$/m.exec(text) ?? [];
  const power = UNITS.indexOf(unit);
  return amount === undefined || power < 0 ? null : Math.round(Number(amount) * 1024 ** power);
}

async function verifyGone(
  restic: Restic,
  host: string,
  report: ForgetReport,
  signal: AbortSignal,
): Promise<void> {
  const present = new Set((await listSnapshots(restic, host, {}, signal)).map((snapshot) => snapshot.id));
  const left = report.removed.filter((id) => present.has(id));
  const lost = report.kept.filter((id) => !present.has(id));
  if (left.length > 0) {
    throw new HoldfastError(
      'repository_failed',
      `${counted(left.length, 'snapshot')} could not be removed, ${left[0]?.slice(0, 8)} first`,
      {
        hint: 'Where the repository is append-only, set BACKUP_RETENTION=off and apply retention from the machine that may delete.',
      },
    );
  }
  if (lost.length > 0) {
    throw new HoldfastError(
      'repository_failed',
      `snapshot ${lost[0]?.slice(0, 8)} was to be kept and is gone`,
      {
        hint: 'Run `holdfast check --all-data` before anything else.',
      },
    );
  }
}

/** restic prints one JSON document here and may print text after it. */
function firstDocument(stdout: string): string {
  return stdout.split('\n').find((line) => line.startsWith('[')) ?? stdout;
}
