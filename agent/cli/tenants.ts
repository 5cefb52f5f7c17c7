import type { Command } from 'commander';
import type { App } from '../app.ts';
import { utc } from '../core/clock.ts';
import { EXIT_CODES, HoldfastError } from '../core/errors.ts';
import { humanBytes } from '../core/units.ts';
import type { Run } from '../ledger/ledger.ts';
import { readStored } from '../jobs/reading.ts';
import { tenantDumpsStored } from '../jobs/tenant-dumps-stored.ts';
import { lastProof } from '../reports/verified.ts';
import type { Snapshot } from '../repository/repository.ts';
import { outlookOf } from '../scheduler.ts';
import type { Source, StoredDump } from '../sources/source.ts';
import type { Context } from './context.ts';

interface TenantLine {
  tenant: string;
  schema: string;
  active: boolean;
  group: string | null;
  /** Bytes of its tables and indexes; null where the schema is not there. */
  bytes: number | null;
  /** When the data of the newest good backup was read that holds the tenant; null for none. */
  lastBackup: string | null;
  /** When the newest verification began that proved a backup with the tenant in it; null for none. */
  lastProved: string | null;
  /** When it is backed up next, for a daemon that runs; null where the schema is not there. */
  next: string | null;
}

/** What `--json` prints: stable. */
interface TenantList {
  version: 1;
  at: string;
  sources: { source: string; findings: string[]; tenants: TenantLine[] }[];
}

export function addTenants(program: Command, context: Context): void {
  program
    .command('tenants')
    .description('list the tenants, and how each stands')
    .argument('[source]', 'only those of one source')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast tenants\n  holdfast tenants clinic --json\n\nExit codes: 0 done, 1 failed, 2 bad usage, 3 a tenant is missing, or there is none.',
    )
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const app = await context.app();
      const list: TenantList = { version: 1, at: utc(app.clock.now()), sources: [] };
      for (const source of chosen(app, name)) list.sources.push(await tenantsIn(app, source, context.signal));
      if (options.json) context.print.json(list);
      else print(list, context);
      if (list.sources.some(({ findings }) => findings.length > 0)) context.exitCode = EXIT_CODES.warnings;
    });
}

function chosen(app: App, name: string | undefined): Source[] {
  if (name !== undefined) return app.pick([name]);
  const withTenants = app.sources.filter((source) => {
    const settings = app.config.sources.find((candidate) => candidate.name === source.name);
    return settings?.type === 'postgres' && settings.tenants !== null;
  });
  if (withTenants.length > 0) return withTenants;
  throw new HoldfastError('configuration', 'no source has tenants', {
    hint: "Set TENANT_SCHEMAS='tenant_*' or TENANT_QUERY (in the file: tenants); docs/tenants.md tells how.",
  });
}

async function tenantsIn(
  app: App,
  source: Source,
  signal: AbortSignal,
): Promise<TenantList['sources'][number]> {
  const tenants = app.tenantsOf(source);
  const { tenants: found, findings } = await tenants.find(signal);
  const [backup, proved] = [app.ledger.lastGood(source.name), lastProof(app.ledger, source.name)];
  const stored = backup === null && proved === null ? [] : await storedOf(app, source, signal);
  const held = new Map<string, Promise<string[]>>();
  /** A backup of the whole database holds the tenants that were there: its own table of contents says which. */
  const schemasOf = async (run: Run | null): Promise<string[]> => {
    const snapshot = stored.find(({ id, originalId }) =>
      [id, originalId].includes(run?.facts.snapshotId ?? ''),
    );
    if (snapshot === undefined) return [];
    const known = held.get(snapshot.id) ?? tenants.schemasIn(dumpIn(app, snapshot, signal));
    held.set(snapshot.id, known);
    return known;
  };
  const ownDumps = await ownDumpsOf(app, source, found, signal);
  const backedUp = new Set(await schemasOf(backup));
  const provedSchemas = new Set(await schemasOf(proved));
  const next = (group: string | null) => earliest(schedulesOf(app, source, group), app);
  return {
    source: source.name,
    findings,
    tenants: found.map(({ id, schema, active, group, bytes }) => ({
      tenant: id,
      schema,
      active,
      group,
      bytes,
      lastBackup: latest(backedUp.has(schema) ? backup?.startedAt : undefined, ownDumps.get(id)),
      lastProved: provedSchemas.has(schema) ? (proved?.startedAt ?? null) : null,
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
  const runs = app.ledger.recent({ job: 'tenant-backup', source: source.name, limit: 1 });
  if (runs.length === 0) return new Map();
  await app.repository.reach(signal);
  const places = found.map(({ id, schema }) => ({ id, path: tenants.part(schema).path }));
  return tenantDumpsStored(app.repository, source.name, places, signal);
}

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

async function storedOf(app: App, source: Source, signal: AbortSignal): Promise<Snapshot[]> {
  await app.repository.reach(signal);
  return app.repository.list({ source: source.name, kind: 'dump' }, signal);
}

function dumpIn({ repository }: App, snapshot: Snapshot, signal: AbortSignal): StoredDump {
  const progress = { step: '', dumpBytes: 0, storedBytes: 0 };
  return readStored({ repository, snapshot, progress }, () => undefined, signal);
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
      line.next ?? '-',
      line.bytes === null ? 'no schema' : `${humanBytes(line.bytes)}${line.active ? '' : ', not active'}`,
    ]),
  );
  if (rows.length > 0)
    out.table(
      ['TENANT', 'SCHEMA', 'SOURCE', 'GROUP', 'LAST BACKUP (UTC)', 'LAST PROVED', 'NEXT', 'SIZE'],
      rows,
    );
  for (const { source, findings } of sources)
    for (const finding of findings) out.note(`warning: ${source}: ${finding}`);
}
