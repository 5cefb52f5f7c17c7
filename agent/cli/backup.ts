import type { Command } from 'commander';
import { commandRun, exitCodeOfRuns, remindOfPassword, type Context } from './context.ts';

export function addBackup(program: Command, context: Context): void {
  program
    .command('backup')
    .description('back up now: all sources, or those that are named')
    .argument('[source...]', 'names from the configuration')
    .option('--mended', 'the database whose restore never ended is whole by now: back it up again')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast backup\n  holdfast backup shop\n\nExit codes: 0 done, 1 failed, 2 bad configuration, 3 done with warnings, 5 busy.',
    )
    .action(async (names: string[], options: { mended?: boolean }) => {
      const app = context.app();
      const reports = await app.backUp(names, { ...commandRun(context), mended: options.mended === true });
      remindOfPassword(app, context);
      context.exitCode = exitCodeOfRuns(reports, 'backup');
    });
}
