import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { HoldfastError } from '../core/errors.ts';
import type { ExportTarget } from '../jobs/restore/export.ts';
import type { Wanted } from '../jobs/find-snapshot.ts';
import type { App } from '../app.ts';
import type { RunReport } from '../runner.ts';
import type { Owners, Source } from '../sources/source.ts';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';
import { refuseLong } from './refuse-long.ts';
import { appFor } from './restore-access.ts';
import { refuseContradictions, type Options } from './restore-options.ts';
import type { RestoreSettings, RestoreTarget } from '../jobs/restore/restoration.ts';

export function addRestore(program: Command, context: Context): void {
  program
    .command('restore')
    .description('restore a source: over itself, into a new database, or as a file')
    .argument('<source>', 'name from the configuration')
    .option('--snapshot <id>', 'the snapshot or restore point, by the beginning of its id', 'latest')
    .option(
      '--at <time>',
      'the newest snapshot not later than this, for example "2026-11-01 15:00" (UTC unless it says otherwise)',
      time,
    )
    .option(
      '--to <name>',
      'into a new database of this name, on the same server; with --tenant, into one that is there',
    )
    .option(
      '--tables <names>',
      'these alone, as in "orders,customers": with --to, or replaced where they are',
      names,
    )
    .option(
      '--by-tenant',
      'with --to: tenant by tenant, the critical ones first, each usable as soon as it is back',
    )
    .option('--json', 'with --by-tenant: for programs; the fields are stable (docs/cli.md)')
    .option('--tenant <id>', 'one tenant alone, while the others work on')
    .option('--to-tenant <id>', 'with --tenant: as another tenant, whose schema is not there yet')
    .option('--validate-only', 'with --tenant: do it all, compare it with the proof, and undo it')
    .option('--output <folder>', 'as a plain dump into a folder, or to stdout with -')
    .option('--dry-run', 'say what would happen, and change nothing')
    .option('--no-restore-point', 'do not store the database as it is before it is overwritten')
    .option(
      '--in-place',
      'MySQL and MariaDB, where tables cannot be swapped: empty the database and load it; killed meanwhile it is not whole',
    )
    .option('--unverified', 'replace it although what came back could not be compared with its proof')
    .option(
      '--no-owner',
      'for another environment: everything belongs to who restores, without rights and definers',
    )
    .option('--no-roles', 'refuse where roles are missing, and create none')
    .option(
      '--keep-owners',
      'fail where owners, rights or definers cannot come back; otherwise they do where the user may',
    )
    .option(
      '--drop-old',
      'restore nothing: drop what earlier restores replaced, without waiting for its week',
    )
    .option('--yes', 'overwrite the database without asking for its name')
    .option('--as <role>', 'as a role of the configuration, which may touch some tenants alone')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast restore shop --to shop_copy\n  holdfast restore shop --at "2026-11-01 15:00" --dry-run\n' +
        '  holdfast restore shop --output - | less\n  holdfast restore clinic --tenant 42\n\nExit codes: 0 done, 1 failed, 2 bad usage, 3 done with warnings, 5 busy.',
    )
    .action(async (name: string, options: Options) => {
      refuseContradictions(options);
      if (options.dropOld === true) return dropOld(name, options, context);
      const wanted = { id: options.snapshot, at: options.at ?? null };
      const reports =
        options.output === undefined
          ? await restore(name, wanted, options, context)
          : await exportTo({ ...options, output: options.output }, name, wanted, context);
      context.exitCode = exitCodeOfRuns(reports, 'restore');
      if (options.byTenant === true) printTenants(reports, options, context);
    });
}

async function restore(
  name: string,
  wanted: Wanted,
  options: Options,
  context: Context,
): Promise<RunReport[]> {
  const app = await appFor(options, context);
  const source = sourceNamed(app, name);
  refuseLong(options.to, source);
  const owners = ownersOf(options);
  const { restorePoint, dryRun = false, inPlace = false, unverified = false } = options;
  if (options.tenant !== undefined && options.tables === undefined) {
    const { tenant: id, toTenant: toId = null, to: toDatabase = null } = options;
    if (toDatabase === source.database) throw itsOwn(source);
    const how = dryRun ? 'dry-run' : options.validateOnly === true ? 'validate' : 'for-good';
    if (how === 'for-good' && toDatabase === null && options.yes !== true)
      await askForTenant(app, source, options, context);
    return app.restoreTenant(
      { source, wanted, id, toId, toDatabase, owners, restorePoint, how },
      commandRun(context),
    );
  }
  // Roles are of the whole server.
  const createRoles = options.roles && app.role === null;
  const { tables, ofTenant } = await tablesOf(app, source, options, context);
  const target = await chooseTarget(source, options, context);
  if (options.byTenant === true && target.kind === 'overwrite') {
    throw new HoldfastError(
      'usage',
      `--by-tenant restores into a new database, and ${source.database} is the source's own`,
      {
        hint: 'Give another name: --to NAME.',
      },
    );
  }
  const byTenant = options.byTenant === true ? app.tenantsOf(source) : null;
  return app.restore(
    {
      ...{ source, wanted, target, tables, ofTenant, byTenant },
      ...{ owners, createRoles, restorePoint, inPlace, unverified, dryRun },
    },
    commandRun(context),
  );
}

function itsOwn({ database }: Source): HoldfastError {
  return new HoldfastError('usage', `${database} is the database that the tenant is from`, {
    hint: 'Leave out --to: the tenant is restored there.',
  });
}

/** What `--json` prints: stable. */
interface Recovery {
  version: 1;
  result: string;
  /** Seconds until what belongs to no tenant was there; null where it did not come so far. */
  sharedSeconds: number | null;
  /** The roles of the server that it made. */
  createdRoles: string[];
  tenants: {
    tenant: string;
    schema: string;
    result: string;
    why: string | null;
    tables: number;
    seconds: number;
  }[];
}

/** When each tenant could be used again, which is what a drill is for. */
function printTenants([report]: RunReport[], { json, dryRun }: Options, { print }: Context): void {
  if (report === undefined || dryRun === true) return;
  const { facts, result } = report.run;
  const tenants = (facts.tenantsBack ?? []).map(({ id, ...back }) => ({ tenant: id, ...back }));
  const { sharedSeconds = null, createdRoles = [] } = facts;
  const recovery: Recovery = { version: 1, result, sharedSeconds, createdRoles, tenants };
  if (json === true) return print.json(recovery);
  if (tenants.length === 0) return;
  print.table(
    ['TENANT', 'SCHEMA', 'BACK', 'AFTER', 'TABLES'],
    tenants.map(({ tenant, schema, result: end, seconds, tables }) => [
      tenant,
      schema,
      end === 'succeeded' ? 'yes' : 'no',
      `${seconds} s`,
      String(tables),
    ]),
  );
}

function ownersOf({ keepOwners, owner }: Options): Owners {
  if (keepOwners === true) return 'keep';
  return owner ? 'where-allowed' : 'leave';
}

/**
 * Those of a tenant are in its schema, and in no other: where a point in a name leaves open which schema is meant, they are refused, for
 * `tenant_a.b.c` may be another tenant's.
 */
async function tablesOf(
  app: App,
  source: Source,
  { tables, tenant }: Options,
  { signal }: Context,
): Promise<{ tables: string[] | null; ofTenant: RestoreSettings['ofTenant'] }> {
  if (tables === undefined) return { tables: null, ofTenant: null };
  if (tenant === undefined) return { tables, ofTenant: null };
  const tenants = app.tenantsOf(source);
  const { id, schema } = await tenants.lookUp(tenant, signal);
  const unclear = [schema, ...tables].find((name) => name.includes('.'));
  if (unclear !== undefined) {
    throw new HoldfastError('usage', `--tables of a tenant takes no names with a point, such as ${unclear}`, {
      hint: 'Give the tables without their schema; or restore the whole tenant: leave out --tables.',
    });
  }
  const { path } = tenants.part(schema);
  return { tables: tables.map((table) => `${schema}.${table}`), ofTenant: { id, schema, path } };
}

/** Where nothing is there that could be lost, nobody is asked. */
async function askForTenant(app: App, source: Source, options: Options, context: Context): Promise<void> {
  const into = options.toTenant ?? options.tenant ?? '';
  const { schema, bytes } = await app.tenantsOf(source).lookUp(into, context.signal);
  if (bytes !== null) await askForName({ name: schema, what: 'schema', of: 'everything' }, context);
}

async function dropOld(name: string, options: Options, context: Context): Promise<void> {
  const app = await appFor(options, context);
  const { dropped, failures } = await app.dropReplaced(sourceNamed(app, name), context.signal);
  for (const one of dropped) context.print.line(`dropped ${one}`);
  if (failures.length > 0) {
    throw new HoldfastError('failed', failures.join('; '), {
      hint: `Drop what is named if nobody needs it, then \`holdfast restore ${name} --drop-old\` again.`,
    });
  }
  if (dropped.length === 0) context.print.line(`no restore of ${name} has left an old database or schema`);
}

function sourceNamed(app: App, name: string): Source {
  const [source] = app.pick([name]);
  if (source === undefined) throw new HoldfastError('usage', `there is no source "${name}"`);
  return source;
}

/** Needs no database in the configuration: a new server may have none yet. */
async function exportTo(
  options: Options & { output: string },
  name: string,
  wanted: Wanted,
  context: Context,
): Promise<RunReport[]> {
  const app = await appFor(options, context, { withoutSources: true });
  const { output } = options;
  if (app.sources.length > 0) app.pick([name]);
  const target: ExportTarget =
    output === '-' ? { kind: 'stream', stream: process.stdout } : { kind: 'folder', path: output };
  return app.export({ source: name, wanted, target }, commandRun(context));
}

async function chooseTarget(source: Source, options: Options, context: Context): Promise<RestoreTarget> {
  if (options.to !== undefined && options.to !== source.database) {
    return { kind: 'new-database', name: options.to };
  }
  if (options.yes !== true && options.dryRun !== true) {
    const of = options.tables?.join(', ') ?? 'everything';
    await askForName({ name: source.database, what: 'database', of }, context);
  }
  return { kind: 'overwrite' };
}

/** The name has to be typed, so that nobody's fingers do it by habit: what was there is only kept for a week. */
async function askForName(
  { name, what, of }: { name: string; what: 'database' | 'schema'; of: string },
  { signal }: Context,
): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new HoldfastError('usage', `this would overwrite the ${what} ${name}`, {
      hint: `Say so with --yes, or restore beside it with ${what === 'database' ? '--to NAME' : '--to-tenant ID'}.`,
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(
      `This overwrites ${of} in the ${what} ${name}.\nType its name to go on: `,
      { signal },
    );
    if (answer.trim() !== name)
      throw new HoldfastError('usage', 'the name does not match; nothing was changed');
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('interrupted', 'nothing was changed', { cause: error });
  } finally {
    prompt.close();
  }
}

function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.includes('')) throw new InvalidArgumentError('expected names with commas between them.');
  return list;
}

/** ISO 8601, with a blank for the T; a time without a zone is UTC, as all times of ours are. */
function time(text: string): Date {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?\s*(Z|[+-]\d{2}:?\d{2})?$/.exec(
    text.trim(),
  );
  const [, day = '', hour = '23:59:59', zone = 'Z'] = match ?? [];
  const date = new Date(`${day}T${hour}${zone}`);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('expected a time such as "2026-11-01 15:00".');
  // A day too many is taken for the first of the next month.
  if (!new Date(`${day}T00:00Z`).toISOString().startsWith(day))
    throw new InvalidArgumentError(`there is no ${day}.`);
  return date;
}
