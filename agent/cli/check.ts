import type { Command } from 'commander';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';

export function addCheck(program: Command, context: Context): void {
  program
    .command('check')
    .description('check the integrity of the repository')
    .option(
      '--all-data',
      'read every byte (slow, and a download of everything where the repository is remote)',
    )
    .addHelpText('after', '\nExamples:\n  holdfast check\n  holdfast check --all-data')
    .action(async (options: { allData?: boolean }) => {
      const app = await context.app({ withoutSources: true });
      const reports = await app.check(options.allData ? 'all-data' : 'structure', commandRun(context));
      context.exitCode = exitCodeOfRuns(reports, 'check');
    });
}
