import { judge, type Reading } from '../../sentinel/freshness.ts';
import {
  statusSchema,
  type DayState,
  type MaintenanceStatus,
  type RunStatus,
  type SourceStatus,
  type Status,
} from '../../sentinel/heartbeat.ts';
import type { PageFacts } from '../../sentinel/page/facts.ts';

/** The moment at which all of them are looked at. */
export const now = new Date('2026-11-20T12:10:00Z');

const limits = { thresholdSeconds: 93_600, graceSeconds: 86_400 };

export const hoursAgo = (hours: number): string =>
  new Date(now.getTime() - hours * 3_600_000).toISOString().replace('.000Z', 'Z');

export function runOf(more: Partial<RunStatus> = {}): RunStatus {
  const startedAt = more.startedAt ?? hoursAgo(3);
  return {
    job: 'backup',
    source: 'shop',
    trigger: 'schedule',
    result: 'succeeded',
    warnings: false,
    notes: [],
    reason: 'stored 12.3 MB as 1f3a09bc',
    hint: null,
    startedAt,
    finishedAt: new Date(Date.parse(startedAt) + 41_000).toISOString(),
    bytes: 12_345_678,
    ...more,
  };
}

const failure = {
  result: 'failed',
  reason: 'cannot reach the database at db:3306 (ECONNREFUSED)',
  hint: 'See whether it runs with `docker compose ps db`, start it with `docker compose start db`, then run `holdfast backup`.',
  bytes: null,
} as const;

/** Good on every day, save the last ones. */
export function daysOf(...last: DayState[]): DayState[] {
  return [...Array.from({ length: 30 - last.length }, (): DayState => 'good'), ...last];
}

/** A source that was backed up three hours ago, as ever. */
export function sourceOf(name = 'shop', more: Partial<SourceStatus> = {}): SourceStatus {
  return {
    name,
    engine: 'mariadb',
    gates: true,
    lastSuccess: hoursAgo(3),
    lastRun: runOf({ source: name }),
    nextRun: hoursAgo(-9),
    rhythm: { next: hoursAgo(-9), everySeconds: 12 * 3600, overdueAfterSeconds: 15 * 3600 },
    tenants: null,
    verification: {
      lastSuccess: hoursAgo(53),
      awaitedSince: hoursAgo(2000),
      lastRun: runOf({ job: 'verify', source: name, startedAt: hoursAgo(53) }),
      rhythm: { next: hoursAgo(-115), everySeconds: 7 * 86_400, overdueAfterSeconds: 756_000 },
      lastProved: hoursAgo(53),
      verdict: 'proved',
      why: null,
      sampledTables: 0,
      restoreSeconds: 41.2,
    },
    objectives: { rpoSeconds: 86_400, rtoSeconds: 900 },
    sizes: Array.from({ length: 30 }, (_, i) => 11_900_000 + i * 14_000 + (i % 5) * 21_000),
    days: daysOf(),
    ...more,
  };
}

/** A retention or a check of which nothing is known. */
export function upkeepOf(
  job: MaintenanceStatus['job'],
  more: Partial<MaintenanceStatus> = {},
): MaintenanceStatus {
  return { job, lastSuccess: null, awaitedSince: null, overdueAfterSeconds: null, lastRun: null, ...more };
}

export function statusOf(more: Partial<Status> = {}): Status {
  const sources = more.sources ?? [sourceOf('shop')];
  return statusSchema.parse({
    version: 1,
    writtenAt: hoursAgo(3),
    host: 'small-server',
    agentVersion: '0.1.0',
    timeZone: 'Europe/Rome',
    sources,
    maintenance: [
      { job: 'retention', lastSuccess: hoursAgo(3), lastRun: runOf({ job: 'retention', source: null }) },
      { job: 'check', lastSuccess: hoursAgo(27), lastRun: runOf({ job: 'check', source: null }) },
    ],
    repository: {
      location: 's3:https://s3.eu-central-1.amazonaws.com/my-bucket/backups',
      id: 'abc',
      sizes: [0, 3, 6, 9, 12, 15, 18].map((days) => ({
        at: hoursAgo(27 + 24 * (18 - days)),
        bytes: 812_000_000 + days * 9_100_000,
      })),
      snapshots: 34,
      addedBytes: 231_000_000,
      freeBytes: 41_000_000_000,
      fullInDays: 211,
      allDataReadAt: null,
    },
    runs: lastRunsOf(sources),
    ...more,
  });
}

/** Twenty runs of these sources, by turns, newest first. */
function lastRunsOf(sources: SourceStatus[]): RunStatus[] {
  const runs = Array.from({ length: 20 }, (_, i) => {
    const source = sources[i % sources.length];
    const startedAt = hoursAgo(3 + Math.floor(i / sources.length) * 12);
    if (i % 7 === 3) return runOf({ job: 'retention', source: null, startedAt, bytes: null });
    if (i < sources.length && source?.lastRun) return source.lastRun;
    return runOf({ source: source?.name ?? 'shop', startedAt });
  });
  return runs.toSorted((one, other) => other.startedAt.localeCompare(one.startedAt));
}

export function factsOf({ status, heartbeatAge = 3, ...more }: Given = {}): PageFacts {
  const reading: Reading =
    heartbeatAge === null
      ? { ok: false, reason: 'missing', detail: '' }
      : { ok: true, time: new Date(hoursAgo(heartbeatAge)), readAt: now };
  const grace = { since: new Date(hoursAgo(2)) };
  return {
    verdict: judge(reading, { lastGood: null, grace }, limits, now),
    mode: 'enforce',
    limits,
    override: null,
    agent: { known: true, status: status ?? statusOf() },
    version: '0.1.0',
    ...more,
  };
}

interface Given extends Partial<PageFacts> {
  status?: Status;
  /** Hours; null for no heartbeat. */
  heartbeatAge?: number | null;
}

const fresh = sourceOf('shop', {
  lastSuccess: null,
  lastRun: null,
  verification: { ...sourceOf().verification!, lastSuccess: null, awaitedSince: null, lastRun: null },
  sizes: [],
  days: daysOf().map(() => 'idle'),
});

const blog = sourceOf('blog', {
  engine: 'postgres',
  sizes: [2_100_000, 2_100_000, 2_250_000, 2_180_000, 2_310_000],
});

const overdue = sourceOf('shop', {
  lastSuccess: hoursAgo(17),
  lastRun: runOf({ startedAt: hoursAgo(17) }),
  nextRun: hoursAgo(5),
  days: daysOf('missed', 'idle'),
});

const failing = sourceOf('shop', {
  lastSuccess: hoursAgo(15),
  lastRun: runOf({ ...failure }),
  days: daysOf('problems', 'good', 'failed', 'problems'),
});

const stale = sourceOf('shop', {
  lastSuccess: hoursAgo(29),
  lastRun: runOf({ ...failure }),
  days: daysOf('problems', 'failed', 'failed'),
});

const twenty = Array.from({ length: 20 }, (_, i) =>
  sourceOf(`customer_${String(i + 1).padStart(2, '0')}`, {
    engine: i % 3 === 0 ? 'postgres' : 'mariadb',
    gates: i % 10 !== 9,
    days: i % 4 === 0 ? daysOf('failed', 'good', 'problems', 'good', 'missed', 'good', 'good') : daysOf(),
    ...(i === 13 ? { lastRun: runOf({ ...failure, source: 'customer_14' }) } : {}),
    ...(i === 6
      ? {
          lastRun: runOf({
            source: 'customer_07',
            warnings: true,
            notes: ['routines are left out, as `allow_incomplete` says'],
          }),
        }
      : {}),
  }),
);

const closed = { status: statusOf({ sources: [stale, blog] }), heartbeatAge: 29 };

/** What the page has to look well in. */
export const pageStates: Record<string, PageFacts> = {
  'fresh install': factsOf({
    heartbeatAge: null,
    status: statusOf({
      sources: [fresh],
      runs: [],
      maintenance: [upkeepOf('retention'), upkeepOf('check')],
      repository: {
        location: '/repository',
        id: null,
        sizes: [],
        snapshots: null,
        addedBytes: 0,
        freeBytes: null,
        fullInDays: null,
        allDataReadAt: null,
      },
    }),
  }),
  'all good': factsOf({ status: statusOf({ sources: [sourceOf(), blog] }) }),
  'one overdue': factsOf({ status: statusOf({ sources: [overdue, blog] }), heartbeatAge: 17 }),
  failing: factsOf({ status: statusOf({ sources: [failing, blog] }), heartbeatAge: 15 }),
  closed: factsOf(closed),
  'would be closed': factsOf({ ...closed, mode: 'observe' }),
  override: factsOf({
    ...closed,
    override: {
      version: 1,
      gate: 'open',
      setAt: now,
      until: new Date(hoursAgo(-1.5)),
      reason: 'the database is moving to a new server',
    },
  }),
  'twenty sources': factsOf({ status: statusOf({ sources: twenty }) }),
  'no status': factsOf({ agent: { known: false, problem: 'there is no such file' } }),
};
