import type { Command } from 'commander';
import { HoldfastError } from '../core/errors.ts';
import type { App } from '../app.ts';
import type { Source } from '../sources/source.ts';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';
import { refuseLong } from './refuse-long.ts';

interface Options {
  source?: string;
  to?: string;
  tenant?: string;
  script?: boolean;
  keepOwners?: boolean;
  /** False for `--no-owner`. */
  owner: boolean;
}

export function addLoad(program: Command, context: Context): void {
  program
    .command('load')
    .description('restore a dump in a plain file into a new database')
    .argument('<file>', 'a dump, compressed by gzip or zstd or not')
    .option('--source <name>', 'whose server it goes to, where the configuration has more than one')
    .option('--to <name>', 'the name of the new database; one with the time in it otherwise')
    .option(
      '--tenant <id>',
      "the file is this tenant's dump: refuse another, and load the prelude beside it first",
    )
    .option('--script', 'the file is a script of SQL')
    .option(
      '--no-owner',
      'for another environment: everything belongs to who restores, without rights and definers',
    )
    .option(
      '--keep-owners',
      'fail where owners, rights or definers cannot come back; otherwise they do where the user may',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast load ./backups/clinic_20261121T150000Z.dump.gz\n' +
        '  holdfast load ./backups/clinic.tenant_42_20261121T150000Z.dump.gz --tenant 42 --to tenant_42_look\n\n' +
        'Exit codes: 0 done, 1 failed, 2 bad usage, 3 done with warnings, 5 busy.',
    )
    .action(async (path: string, options: Options) => {
      refuseContradictions(options);
      const app = await context.app({ withoutRepository: true });
      const source = sourceOf(app, options.source);
      refuseLong(options.to, source);
      const reports = await app.parts.load(
        {
          source,
          path,
          to: options.to ?? null,
          tenant: options.tenant ?? null,
          expects: options.script === true ? 'script' : 'dump',
          owners: options.keepOwners === true ? 'keep' : options.owner ? 'where-allowed' : 'leave',
        },
        commandRun(context),
      );
      context.exitCode = exitCodeOfRuns(reports, 'restore');
    });
}

function refuseContradictions({ tenant, script, keepOwners, owner }: Options): void {
  const pair =
    tenant !== undefined && script === true
      ? '--tenant and --script'
      : keepOwners === true && !owner
        ? '--keep-owners and --no-owner'
        : null;
  if (pair === null) return;
  throw new HoldfastError('usage', `${pair} exclude each other`, { hint: 'Give one of them.' });
}

function sourceOf(app: App, name: string | undefined): Source {
  const [source, ...others] = app.pick(name === undefined ? [] : [name]);
  if (source === undefined)
    throw new HoldfastError('usage', 'no source is configured', {
      hint: 'Set DATABASE_URL to the server that the dump goes to.',
    });
  if (others.length === 0) return source;
  const names = [source, ...others].map((one) => one.name).join(', ');
  throw new HoldfastError('usage', `the configuration has ${others.length + 1} sources`, {
    hint: `Say whose server it goes to with --source: ${names}.`,
  });
}
