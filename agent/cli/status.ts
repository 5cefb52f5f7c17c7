import type { Command } from 'commander';
import type { App } from '../app.ts';
import { globalSchedules, tenantGroups } from '../config/tenant-groups.ts';
import { withTurns } from '../config/tenant-turns.ts';
import { utc } from '../core/clock.ts';
import { EXIT_CODES } from '../core/errors.ts';
import { counted, humanBytes, humanDuration } from '../core/units.ts';
import type { Run } from '../ledger/ledger.ts';
import type { Space } from '../reports/space.ts';
import { nextFires, outlookOf } from '../scheduler.ts';
import { overdueAfter, overdueBefore } from '../reports/overdue.ts';
import { tenantStatus } from '../reports/tenant-status.ts';
import { verifiedSource, watchedVerification } from '../reports/verified.ts';
import { remindOfPassword, type Context } from './context.ts';
import { lateMaintenance, maintenanceOf, verificationsOf, type MaintenanceLine } from './maintenance-line.ts';
import type { SourceLine } from './source-line.ts';
import { lateVerification, missedObjectives, verifiedWords } from './verified-words.ts';

/** What `--json` prints: stable. */
interface Status {
  version: 1;
  at: string;
  sources: SourceLine[];
  maintenance: MaintenanceLine[];
  /** Room for the repository and the state, and how far checks are with reading all data. */
  repository: Space & { allDataReadAt: string | null; nextPart: number | null; ofParts: number | null };
  /** What belongs to no tenant, where that has a schedule of its own. */
  globalBackups: { source: string; next: string | null; lastRun: Run | null }[];
  /** Groups of tenants with a schedule of their own. */
  tenantGroups: { source: string; group: string; next: string | null; lastRun: Run | null }[];
  /** Sources whose tenants are verified by themselves. */
  tenantVerifications: ({ source: string; lastRun: Run | null } & Omit<TenantVerified, 'lastRun'>)[];
  running: Run[];
  /** When the schedule comes next, for a daemon that runs. */
  next: { backup: string | null; verify: string | null };
}

/** Clocks differ by a little. */
const AHEAD_SECONDS = 300;

export function addStatus(program: Command, context: Context): void {
  program
    .command('status')
    .description('how fresh the backups are')
    .option(
      '--check',
      'exit with 4 when a source that gates (any, where none gates) is stale or was never backed up',
    )
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast status\n  holdfast status --check || echo "backups are stale"',
    )
    .action(async (options: { check?: boolean; json?: boolean }) => {
      const app = await context.app();
      const status = await statusOf(app);
      if (options.json) context.print.json(status);
      else print(app, context, status);
      if (options.check && watched(status.sources).some(({ stale }) => stale))
        context.exitCode = EXIT_CODES.stale;
    });
}

/** Those that gate; where none does, somebody who asks still means his backups. */
function watched<T extends { gates: boolean }>(sources: T[]): T[] {
  const gating = sources.filter(({ gates }) => gates);
  return gating.length === 0 ? sources : gating;
}

async function statusOf(app: App): Promise<Status> {
  const { config, clock, ledger } = app;
  const { everySeconds } = outlookOf(config.schedule.backup, config.timeZone, clock.now());
  const overdueAfterSeconds = overdueBefore(everySeconds, config.staleAfterSeconds);
  const next = (cron: string) => {
    const [fire] = nextFires(cron, config.timeZone, clock.now(), 1);
    return fire === undefined ? null : utc(fire);
  };
  const sources = config.sources.map((source) => lineOf(app, source, overdueAfterSeconds));
  return {
    version: 1,
    at: utc(clock.now()),
    sources,
    maintenance: [...maintenanceOf(app, everySeconds), verificationsOf(app, sources)],
    repository: { ...(await app.space()), ...partsOf(app) },
    globalBackups: globalSchedules(config).map(({ source, cron }) => ({
      source,
      next: next(cron),
      lastRun: ledger.last('global-backup', source),
    })),
    tenantGroups: tenantGroups(config).map(({ source, group, cron }) => ({
      source,
      group,
      next: next(cron),
      lastRun: ledger.ofGroup('tenant-backup', source, group, 1)[0] ?? null,
    })),
    tenantVerifications: config.sources.flatMap((source) => tenantsVerified(app, source)),
    running: ledger.recent({ result: 'running', limit: 5 }),
    next: { backup: next(config.schedule.backup), verify: next(config.schedule.verify) },
  };
}

type TenantVerified = NonNullable<ReturnType<typeof tenantStatus>>;

function tenantsVerified(
  { ledger, clock, config, repositoryId }: App,
  source: App['config']['sources'][number],
): Status['tenantVerifications'] {
  const [about] = withTurns([source], (cron) => outlookOf(cron, config.timeZone, clock.now()));
  const status =
    about === undefined
      ? null
      : tenantStatus(ledger, about, { now: clock.now(), inRepository: repositoryId() });
  if (status === null) return [];
  return [{ ...status, source: source.name, lastRun: ledger.last('tenant-verify', source.name) }];
}

function partsOf(app: App): Pick<Status['repository'], 'allDataReadAt' | 'nextPart' | 'ofParts'> {
  const cycle = app.dataCheck();
  return {
    allDataReadAt: cycle?.completedAt ?? null,
    nextPart: cycle?.next ?? null,
    ofParts: cycle?.of ?? null,
  };
}

function lineOf(
  app: App,
  source: App['config']['sources'][number],
  overdueAfterSeconds: number | null,
): SourceLine {
  const { repositoryId } = app;
  const success = app.ledger.lastGood(source.name, repositoryId());
  const ageSeconds =
    success === null ? null : Math.round((app.clock.now().getTime() - Date.parse(success.startedAt)) / 1000);
  const verification = {
    ...verifiedSource(app.ledger, source.name, repositoryId()),
    overdue: isVerificationLate(app, source),
  };
  return {
    source: source.name,
    gates: source.gates,
    lastSuccess: success?.startedAt ?? null,
    ageSeconds,
    // A time in the future comes from a clock that was wrong: it proves nothing.
    stale: ageSeconds === null || ageSeconds > app.config.staleAfterSeconds || ageSeconds < -AHEAD_SECONDS,
    overdue: overdueAfterSeconds !== null && ageSeconds !== null && ageSeconds > overdueAfterSeconds,
    suspect: suspectOf(app, source.name, success),
    lastRun: app.ledger.last('backup', source.name),
    verification,
    objectives: {
      ...source.objectives,
      rpoMet: metBy(ageSeconds, source.objectives.rpoSeconds),
      rtoMet: metBy(verification.restoreSeconds, source.objectives.rtoSeconds),
    },
  };
}

function isVerificationLate(
  { config, clock, ledger, repositoryId }: App,
  source: App['config']['sources'][number],
): boolean {
  const { everySeconds } = outlookOf(config.schedule.verify, config.timeZone, clock.now());
  const limit = overdueAfter(everySeconds);
  if (limit === null) return false;
  const { lastSuccess, awaitedSince } = watchedVerification(ledger, source, repositoryId());
  if (lastSuccess === null && verifiedSource(ledger, source.name, repositoryId()).verdict === 'not run')
    return true;
  const from = lastSuccess ?? awaitedSince;
  return from !== null && clock.now().getTime() - Date.parse(from) > limit * 1000;
}

function metBy(seconds: number | null, objective: number | null): boolean | null {
  return seconds === null || objective === null ? null : seconds <= objective;
}

function suspectOf(app: App, source: string, good: Run | null): string | null {
  const newest = app.ledger.last('backup', source, 'succeeded');
  return newest === null || newest.id === good?.id ? null : (newest.facts.suspect ?? null);
}

function print(app: App, context: Context, status: Status): void {
  const {
    sources,
    maintenance,
    globalBackups,
    tenantGroups: groups,
    tenantVerifications,
    running,
    next,
    repository,
  } = status;
  const { print } = context;
  print.table(
    ['SOURCE', 'STATE', 'LAST GOOD BACKUP', 'AGE', 'LAST RUN', 'VERIFIED'],
    sources.map((line) => [
      line.source,
      stateOf(line),
      line.lastSuccess ?? 'never',
      ageOf(line),
      resultOf(line.lastRun),
      verifiedWords(line.verification),
    ]),
  );
  print.line('');
  const comes: Record<string, string> = {
    retention: app.config.retention ? 'after a backup' : 'never',
    check: app.config.checkInterval === 0 ? 'never' : `after ${counted(app.config.checkInterval, 'backup')}`,
    verify: next.verify ?? 'never',
  };
  print.table(
    ['JOB', 'NEXT RUN', 'LAST RUN', 'RESULT'],
    [
      ['backup', next.backup ?? 'never', ...lastBackup(sources)],
      ...maintenance.map(({ job, lastRun }) => jobCells(job, comes[job] ?? '', lastRun)),
      ...globalBackups.map((one) => jobCells(`global of ${one.source}`, one.next, one.lastRun)),
      ...groups.map((one) => jobCells(`tenants ${one.group} of ${one.source}`, one.next, one.lastRun)),
      ...tenantVerifications.map((one) => jobCells(`verify tenants of ${one.source}`, one.next, one.lastRun)),
    ],
  );
  print.line(`\n${repositoryWords(repository)}`);
  for (const warning of repository.warnings) print.line(`\nwarning: ${warning}`);
  // What failed before it was switched off is history.
  const alive = maintenance.filter(({ job }) => job !== 'retention' || app.config.retention);
  const lastRuns = [...sources, ...alive, ...globalBackups, ...groups, ...tenantVerifications].map(
    ({ lastRun }) => lastRun,
  );
  const troubles = lastRuns.filter((run) => run !== null).flatMap(troubleOf);
  const missed = [
    ...sources.flatMap(missedObjectives),
    ...sources.flatMap(lateVerification),
    ...maintenance.flatMap(lateMaintenance),
  ];
  const ofTenants = tenantVerifications.flatMap(tenantTrouble);
  for (const text of [...running.map(progressOf), ...troubles, ...ofTenants, ...missed])
    print.line(`\n${text}`);
  remindOfPassword(app, context);
}

function jobCells(job: string, next: string | null, lastRun: Run | null): string[] {
  return [job, next ?? 'never', lastRun?.startedAt ?? 'never', resultOf(lastRun)];
}

/** What no run tells any more: it failed before the last one, or there was none in time. */
function tenantTrouble({
  source,
  failed,
  overdue,
  overdueAt,
  total,
}: Status['tenantVerifications'][number]): string[] {
  const first = failed.tenants[0];
  const more = failed.total > 1 ? ` and ${failed.total - 1} more` : '';
  const never = total === 0 && overdueAt !== null;
  return [
    ...(first === undefined
      ? []
      : [`the newest verification of tenant ${first.tenant} of ${source}${more} failed: ${first.why}`]),
    ...(overdue.total === 0
      ? []
      : [
          `overdue: ${counted(overdue.total, 'tenant')} of ${source} not proved in time: ${overdue.tenants.join(', ')}`,
        ]),
    ...(never ? [`overdue: the tenants of ${source} were never verified by turns`] : []),
  ];
}

function repositoryWords({
  freeBytes,
  fullInDays,
  allDataReadAt,
  nextPart,
  ofParts,
}: Status['repository']): string {
  const room = freeBytes === null ? 'free space not known' : `${humanBytes(freeBytes)} free`;
  const forecast =
    fullInDays === null ? '' : `, used up in ${counted(fullInDays, 'day')} at its growth of late`;
  const read = allDataReadAt === null ? 'all data never read yet' : `all data read by ${allDataReadAt}`;
  const part = nextPart === null ? '' : `, part ${nextPart} of ${ofParts} is next`;
  return `repository: ${room}${forecast}\n${read}${part}`;
}

function stateOf({ ageSeconds, stale, overdue, gates, suspect }: SourceLine): string {
  if (suspect !== null && !(stale && gates)) return 'SUSPECT';
  if (ageSeconds === null) return 'no backup yet';
  if (!stale) return overdue ? 'overdue' : 'fresh';
  return gates ? 'STALE' : 'old, no gate';
}

function ageOf({ ageSeconds }: SourceLine): string {
  if (ageSeconds === null) return '-';
  return ageSeconds < -AHEAD_SECONDS ? 'in the future' : humanDuration(ageSeconds * 1000);
}

function lastBackup(sources: SourceLine[]): [string, string] {
  const runs = sources.map(({ lastRun }) => lastRun).filter((run) => run !== null);
  const [last] = runs.toSorted((one, other) => other.id - one.id);
  return last === undefined ? ['never', '-'] : [last.startedAt, resultOf(last)];
}

function resultOf(run: Run | null): string {
  if (run === null) return '-';
  return run.result === 'succeeded' && run.warnings.length > 0 ? 'succeeded (warnings)' : run.result;
}

/** What a person should read of a last run; of one that went well, nothing. */
function troubleOf(run: Run): string[] {
  const name = nameOf(run);
  if (run.result === 'succeeded') return run.warnings.map((warning) => `warning: ${name}: ${warning}`);
  if (run.result === 'running') return [];
  const hint = run.hint === null ? '' : `\nhint: ${run.hint}`;
  return [`${name} ${run.result}: ${run.reason}${hint}`];
}

function progressOf(run: Run): string {
  return `running: ${nameOf(run)}, since ${run.startedAt}`;
}

function nameOf({ job, source, facts }: Run): string {
  if (source === null) return job;
  return facts.group === undefined
    ? `${job} of ${source}`
    : `${job} of the group ${facts.group} of ${source}`;
}
