import { utc } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import { counted } from '../../core/units.ts';
import type { RunFacts, TenantsLeft, TenantVerification } from '../../ledger/ledger.ts';
import type { Proof } from '../../proof/proof.ts';
import type { Snapshot } from '../../repository/repository.ts';
import { EndedRun, type Outcome } from '../job.ts';
import { notRun } from './not-run.ts';

/** What came of the tenants so far. */
export interface TenantsVerified {
  tried: TenantVerification[];
  left: TenantsLeft[];
  tables: number;
  /** There are tenants, and none of them is in the backup. */
  noneThere: boolean;
  /** It was told to stop before it was done. */
  stopped: boolean;
  /** What ended the passes before their time, and whether it shows that something is wrong with what is stored. */
  broken: { error: unknown; shows: boolean } | null;
  /** What else is to be known, as sentence parts. */
  warnings: string[];
}

export interface VerifiedOf {
  source: string;
  snapshot: Snapshot;
  /** Why it is the newest although another one bears a later time; null for nothing. */
  note: string | null;
  proof: Proof | null;
  wantsProof: boolean;
  /** What a person should see of the tenants, as sentence parts. */
  findings: string[];
  /** A server that was started for it; null for one that was there. */
  on: string | null;
}

/** Keeps who was not tried, and why. */
export function leave(
  { left }: Pick<TenantsVerified, 'left'>,
  why: string,
  tenants: { id: string; schema: string }[],
): void {
  if (tenants.length > 0) left.push({ why, tenants: tenants.map(({ id, schema }) => ({ id, schema })) });
}

/** The end of a verification of tenants. Throws where one failed, and as skipped where nothing was shown of any. */
export function concluded(of: VerifiedOf, verified: TenantsVerified, given: RunFacts): Outcome {
  const { tried, left, broken, tables } = verified;
  const rows = tried.reduce((total, one) => total + one.rows, 0);
  const facts: RunFacts = { ...given, tables, rows, verifiedTenants: tried, tenantsLeft: left };
  const having = (verdict: TenantVerification['verdict']) => tried.filter((one) => one.verdict === verdict);
  const failed = having('failed');
  if (failed.length > 0)
    throw new EndedRun('failed', unlike(of, failed, tried.length), facts, { stands: true });
  if (broken?.shows === true) throw new EndedRun('failed', broken.error, facts);
  const [proved, restored, untried] = [having('proved'), having('restored'), having('not run')];
  const shown = proved.length + restored.length;
  if (shown === 0 && broken === null && untried.length === 0 && verified.noneThere) {
    const { source, snapshot } = of;
    const why = new HoldfastError(
      'failed',
      `no tenant of ${source} is in its newest good backup, ${snapshot.shortId}`,
      {
        hint: `Back up once more: \`holdfast backup ${source}\`.`,
      },
    );
    throw notRun(why, facts);
  }
  if (shown === 0 && (broken !== null || untried.length > 0)) {
    const why = broken?.error ?? new HoldfastError('failed', told(untried), { hint: LACKING });
    throw notRun(why, facts);
  }
  const stopped = verified.stopped ? ['it was told to stop before all were verified'] : [];
  const warnings = [...warningsOf(of, restored, untried, broken), ...verified.warnings, ...stopped];
  return { reason: reasonOf(of, verified, rows), warnings, facts };
}

const LACKING =
  'Give the scratch server what it lacks, or name another with `verify: {server: …}` of the source.';

function reasonOf(
  { snapshot, on }: VerifiedOf,
  { tried, left, tables }: TenantsVerified,
  rows: number,
): string {
  const proved = tried.filter(({ verdict }) => verdict === 'proved').length;
  const place = on === null ? '' : ` on ${on}`;
  const out = `out of ${snapshot.shortId} of ${utc(new Date(snapshot.time))}`;
  return [
    `proved ${counted(proved, 'tenant')} ${out}${place}: ${counted(tables, 'table')}, ${counted(rows, 'row')}`,
    ...left.map(({ why, tenants }) => `${counted(tenants.length, 'tenant')} left: ${why}`),
  ].join('; ');
}

function warningsOf(
  { note, proof, wantsProof, findings }: VerifiedOf,
  restored: TenantVerification[],
  untried: TenantVerification[],
  broken: TenantsVerified['broken'],
): string[] {
  const unproven = restored.length > 0 && (proof !== null || wantsProof);
  return [
    ...(note === null ? [] : [note]),
    ...findings,
    ...(unproven ? [`restored, and not proven equal: ${told(restored)}`] : []),
    ...(untried.length > 0 ? [`not verified: ${told(untried)}`] : []),
    ...(broken === null ? [] : [`it ended before its time: ${messageOf(broken.error)}`]),
  ];
}

function unlike({ source, snapshot }: VerifiedOf, failed: TenantVerification[], of: number): HoldfastError {
  const what = `${failed.length} of ${counted(of, 'tenant')} did not come back as backed up in ${snapshot.shortId} of ${utc(new Date(snapshot.time))}`;
  const ids = failed.map(({ id }) => id).slice(0, MOST_TOLD);
  return new HoldfastError('verification_failed', `${what}: ${told(failed)}`, {
    hint: `Keep the older snapshots (\`holdfast snapshots ${source}\`), then run \`holdfast backup ${source}\` and \`holdfast verify ${source} --tenant ${ids.join(',')}\`; see docs/troubleshooting.md, "verification_failed".`,
  });
}

const MOST_TOLD = 5;

function told(tenants: TenantVerification[]): string {
  const named = tenants
    .slice(0, MOST_TOLD)
    .map(({ id, why }) => `tenant ${id}${why === null ? '' : `: ${why}`}`);
  if (tenants.length > MOST_TOLD) named.push(`and ${tenants.length - MOST_TOLD} more`);
  return named.join('; ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
