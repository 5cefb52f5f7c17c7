import type { Command } from 'commander';
import type { App } from '../app.ts';
import { utc } from '../core/clock.ts';
import { tenantTurns } from '../config/tenant-turns.ts';
import { EXIT_CODES } from '../core/errors.ts';
import { counted, humanBytes, humanDuration } from '../core/units.ts';
import type { Run } from '../ledger/ledger.ts';
import { readStored } from '../jobs/reading.ts';
import { tenantDumpsStored } from '../jobs/tenant-dumps-stored.ts';
import { tenantProofs, type TenantProof } from '../reports/tenant-proofs.ts';
import { tenantStanding, type TenantStanding } from '../reports/tenant-standing.ts';
import type { Snapshot } from '../repository/repository.ts';
import { outlookOf } from '../scheduler.ts';
import type { Source, StoredDump } from '../sources/source.ts';
import type { Context } from './context.ts';
import { withTenants } from './with-tenants.ts';

interface TenantLine {
  tenant: string;
  schema: string;
  active: boolean;
  group: string | null;
  /** Bytes of its tables and indexes; null where the schema is not there. */
  bytes: number | null;
  /** When the data of the newest good backup was read that holds the tenant; null for none. */
  lastBackup: string | null;
  /** When the newest verification began that proved it, by itself or with the whole database; null for none. */
  lastProved: string | null;
  /** Seconds since then; null for none. */
  provedAgeSeconds: number | null;
  /** Whether that is longer ago than the configuration wants it to be. */
  proofOverdue: boolean;
  /** What the newest verification came to that tried it; null for none. */
  verdict: 'proved' | 'restored' | 'failed' | 'not run' | null;
  /** Why it is not proved; null where it is. */
  why: string | null;
  /** When it is backed up next, for a daemon that runs; null where the schema is not there. */
  next: string | null;
}

/** What `--json` prints: stable. */
interface TenantList {
  version: 1;
  at: string;
  sources: {
    source: string;
    findings: string[];
    /** Whose proof is the oldest; null where there is no tenant. */
    oldestProof: { tenant: string; lastProved: string | null } | null;
    /** A proof is to be renewed before it is older; null where none is overdue ever. */
    everySeconds: number | null;
    /** When the next turn comes, for a daemon that runs; null where tenants are not verified by turns. */
    nextTurn: string | null;
    tenants: TenantLine[];
  }[];
}

export function addTenants(program: Command, context: Context): void {
  program
    .command('tenants')
    .description('list the tenants, and how each stands')
    .argument('[source]', 'only those of one source')
    .option('--as <role>', 'as a role of the configuration, which may touch some tenants alone')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast tenants\n  holdfast tenants clinic --json\n\nExit codes: 0 done, 1 failed, 2 bad usage, 3 a tenant is missing, overdue or failed, or there is none.',
    )
    .action(async (name: string | undefined, options: { json?: boolean; as?: string }) => {
      const app = await context.app({ as: options.as ?? null });
      const list: TenantList = { version: 1, at: utc(app.clock.now()), sources: [] };
      for (const source of withTenants(app, name === undefined ? [] : [name]))
        list.sources.push(await tenantsIn(app, source, context.signal));
      if (options.json) context.print.json(list);
      else print(list, context);
      if (list.sources.some(({ findings }) => findings.length > 0)) context.exitCode = EXIT_CODES.warnings;
    });
}

async function tenantsIn(
  app: App,
  source: Source,
  signal: AbortSignal,
): Promise<TenantList['sources'][number]> {
  const tenants = app.tenantsOf(source);
  const { tenants: found, findings } = await tenants.find(signal);
  const { clock, config, ledger } = app;
  const now = clock.now();
  const inRepository = app.repositoryId();
  const backup = ledger.lastGood(source.name, inRepository);
  const backedUp = new Set(backup === null ? [] : await schemasOf(app, source, backup, signal));
  const ownDumps = await ownDumpsOf(app, source, found, signal);
  const next = (group: string | null) => earliest(schedulesOf(app, source, group), app);
  const turns = tenantTurns(config).find((one) => one.source === source.name);
  const everySeconds = turns?.everySeconds ?? null;
  const countsRestored = config.sources.find(({ name }) => name === source.name)?.proof === 'none';
  const proofs = tenantProofs(ledger, source.name, { everySeconds, now, inRepository });
  const standing = tenantStanding(proofs, found, { everySeconds, countsRestored, now });
  const nextTurn = turns === undefined ? null : outlookOf(turns.schedule, config.timeZone, now).next;
  return {
    source: source.name,
    findings: [...findings, ...ofProofs(standing, everySeconds)],
    oldestProof:
      standing.oldest === null
        ? null
        : { tenant: standing.oldest.id, lastProved: standing.oldest.lastProved },
    everySeconds,
    nextTurn: nextTurn === null ? null : utc(nextTurn),
    tenants: found.map(({ id, schema, active, group, bytes }) => ({
      tenant: id,
      schema,
      active,
      group,
      bytes,
      lastBackup: latest(backedUp.has(schema) ? backup?.startedAt : undefined, ownDumps.get(id)),
      ...proofOf(proofs.of.get(schema), now),
      proofOverdue: standing.overdue.includes(id),
      next: bytes === null ? null : next(group),
    })),
  };
}

/** Dumps of tenants alone, where any were ever made: the ledger says that without the repository. */
async function ownDumpsOf(
  app: App,
  source: Source,
  found: { id: string; schema: string }[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const tenants = app.tenantsOf(source);
  const runs = app.ledger.recent({ job: 'tenant-backup', source: source.name, limit: BACK });
  if (runs.length === 0) return new Map();
  await app.repository.reach(signal);
  const places = found.map(({ id, schema }) => ({ id, path: tenants.part(schema).path }));
  const noted = runs
    .flatMap(({ facts }) => facts.tenants ?? [])
    .filter(({ result }) => result === 'succeeded');
  return tenantDumpsStored(app.repository, source.name, places, noted, signal);
}

/** Enough to find where one was stored that failed of late. */
const BACK = 100;

function latest(...times: (string | undefined)[]): string | null {
  const known = times.filter((time) => time !== undefined).map((time) => utc(new Date(time)));
  return known.toSorted().at(-1) ?? null;
}

/** That of everything, and that of its group. */
function schedulesOf({ config }: App, { name }: Source, group: string | null): string[] {
  const settings = config.sources.find((candidate) => candidate.name === name);
  const groups = settings?.type === 'postgres' ? (settings.tenants?.groups ?? []) : [];
  const own = groups.find((one) => one.name === group)?.schedule ?? null;
  return [config.schedule.backup, ...(own === null ? [] : [own])];
}

function earliest(schedules: string[], { config, clock }: App): string | null {
  const times = schedules.flatMap((schedule) => outlookOf(schedule, config.timeZone, clock.now()).next ?? []);
  return times.map((time) => utc(time)).toSorted()[0] ?? null;
}

function proofOf(
  proof: TenantProof | undefined,
  now: Date,
): Pick<TenantLine, 'lastProved' | 'provedAgeSeconds' | 'verdict' | 'why'> {
  const { lastProved = null, verdict = null, why = null } = proof ?? {};
  const age = lastProved === null ? null : Math.round((now.getTime() - Date.parse(lastProved)) / 1000);
  return { lastProved, provedAgeSeconds: age, verdict, why };
}

/** So many are named. */
const NAMED = 5;

function ofProofs({ overdue, failed }: TenantStanding, everySeconds: number | null): string[] {
  const named = (ids: string[]) =>
    ids.length <= NAMED ? ids.join(', ') : `${ids.slice(0, NAMED).join(', ')} and ${ids.length - NAMED} more`;
  const limit = humanDuration((everySeconds ?? 0) * 1000);
  return [
    ...failed.slice(0, NAMED).map(({ id, why }) => `the newest verification of tenant ${id} failed: ${why}`),
    ...(failed.length > NAMED
      ? [`the newest verification of ${failed.length - NAMED} more tenants failed`]
      : []),
    ...(overdue.length === 0
      ? []
      : [
          `${counted(overdue.length, 'tenant')} overdue, not proved for more than ${limit}: ${named(overdue)}`,
        ]),
  ];
}

/** A backup of the whole database holds the tenants that were there: its own table of contents says which. */
async function schemasOf(app: App, source: Source, backup: Run, signal: AbortSignal): Promise<string[]> {
  await app.repository.reach(signal);
  const stored = await app.repository.list({ source: source.name, kind: 'dump' }, signal);
  const snapshot = stored.find(({ id, originalId }) =>
    [id, originalId].includes(backup.facts.snapshotId ?? ''),
  );
  return snapshot === undefined ? [] : app.tenantsOf(source).schemasIn(dumpIn(app, snapshot, signal));
}

function dumpIn({ repository }: App, snapshot: Snapshot, signal: AbortSignal): StoredDump {
  const progress = { step: '', dumpBytes: 0, storedBytes: 0 };
  return readStored({ repository, snapshot, progress }, () => undefined, signal);
}

function ageOf({ provedAgeSeconds, proofOverdue, verdict }: TenantLine): string {
  const age = provedAgeSeconds === null ? '-' : humanDuration(provedAgeSeconds * 1000);
  if (verdict === 'failed') return `${age}, FAILED`;
  return proofOverdue ? `${age}, overdue` : age;
}

function print({ sources }: TenantList, { print: out }: Context): void {
  const rows = sources.flatMap(({ source, tenants }) =>
    tenants.map((line) => [
      line.tenant,
      line.schema,
      source,
      line.group ?? '-',
      line.lastBackup ?? 'none',
      line.lastProved ?? 'none',
      ageOf(line),
      line.next ?? '-',
      line.bytes === null ? 'no schema' : `${humanBytes(line.bytes)}${line.active ? '' : ', not active'}`,
    ]),
  );
  if (rows.length > 0)
    out.table(
      ['TENANT', 'SCHEMA', 'SOURCE', 'GROUP', 'LAST BACKUP (UTC)', 'LAST PROVED', 'AGE', 'NEXT', 'SIZE'],
      rows,
    );
  for (const { source, oldestProof, everySeconds } of sources) {
    if (oldestProof === null) continue;
    const { tenant, lastProved } = oldestProof;
    const limit =
      everySeconds === null ? '' : `; each is to be proved every ${humanDuration(everySeconds * 1000)}`;
    out.line(`\nOLDEST PROOF of ${source}: tenant ${tenant}, ${lastProved ?? 'none'}${limit}`);
  }
  for (const { source, findings } of sources)
    for (const finding of findings) out.note(`warning: ${source}: ${finding}`);
}
