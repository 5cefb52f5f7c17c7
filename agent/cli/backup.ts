import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { PlainOutput } from '../parts.ts';
import type { BackupPart } from '../tenant-choice.ts';
import { HoldfastError } from '../core/errors.ts';
import { commandRun, exitCodeOfRuns, remindOfPassword, type Context } from './context.ts';
import { ids } from './ids.ts';
import { refuseWhole } from './refuse-whole.ts';

interface Options {
  mended?: boolean;
  global?: boolean;
  tenants?: boolean;
  tenant?: string[];
  output?: string;
  keep?: number;
  as?: string;
}

export function addBackup(program: Command, context: Context): void {
  program
    .command('backup')
    .description('back up now: all sources, or those that are named')
    .argument('[source...]', 'names from the configuration')
    .option('--mended', 'the database whose restore never ended is whole by now: back it up again')
    .option('--global', 'only what belongs to no tenant, with the roles')
    .option('--tenants', 'only the tenants: a dump of each, all of one moment')
    .option('--tenant <ids>', 'only these tenants, as in "42,43"; kept for 30 days', ids)
    .option(
      '--output <folder>',
      'as plain files in a folder, the time in their names, and not in the repository',
    )
    .option(
      '--keep <number>',
      'with --output: remove older files of the same names, all but so many',
      positive,
    )
    .option('--as <role>', 'as a role of the configuration, which may touch some tenants alone')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast backup\n  holdfast backup shop\n  holdfast backup clinic --tenant 42\n' +
        '  holdfast backup clinic --tenants --output ./backups --keep 7\n\n' +
        'Exit codes: 0 done, 1 failed, 2 bad configuration, 3 done with warnings, 5 busy.',
    )
    .action(async (names: string[], options: Options) => {
      const part = partOf(options);
      const output = outputOf(options);
      refuseContradictions(options, part, output);
      const app = await context.app({ as: options.as ?? null, withoutRepository: output !== null });
      if (part === null || part.kind === 'global')
        refuseWhole(app.role, 'back up what is not its tenants', '--tenants or --tenant ID');
      const reports =
        part === null && output === null
          ? await app.backUp(names, { ...commandRun(context), mended: options.mended === true })
          : await app.parts.backUp(names, { part, output }, commandRun(context));
      remindOfPassword(app, context);
      context.exitCode = exitCodeOfRuns(reports, reports[0]?.job.name ?? 'backup');
    });
}

function partOf({ global, tenants, tenant }: Options): BackupPart | null {
  const asked: BackupPart[] = [
    ...(global === true ? [{ kind: 'global' } as const] : []),
    ...(tenants === true ? [{ kind: 'tenants' } as const] : []),
    ...(tenant === undefined ? [] : [{ kind: 'named', ids: tenant } as const]),
  ];
  if (asked.length > 1) {
    throw new HoldfastError('usage', '--global, --tenants and --tenant exclude each other', {
      hint: 'Give one of them.',
    });
  }
  return asked[0] ?? null;
}

function outputOf({ output, keep }: Options): PlainOutput | null {
  if (output !== undefined) return { folder: resolve(output), keep: keep ?? null };
  if (keep === undefined) return null;
  throw new HoldfastError('usage', '--keep goes with --output alone', {
    hint: 'What stays in the repository is configured: keep, or BACKUP_KEEP_DAILY and the like.',
  });
}

function refuseContradictions(
  { mended }: Options,
  part: BackupPart | null,
  output: PlainOutput | null,
): void {
  if (mended !== true || (part === null && output === null)) return;
  throw new HoldfastError('usage', '--mended is said with a backup of everything into the repository', {
    hint: 'Run `holdfast backup --mended` first.',
  });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('expected a whole number from 1.');
  return value;
}
