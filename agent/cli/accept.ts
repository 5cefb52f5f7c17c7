import type { Command } from 'commander';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';
import { who } from './who.ts';

export function addAccept(program: Command, context: Context): void {
  program
    .command('accept')
    .description('say that the newest backup of a source is right although it is suspect')
    .argument('<source>', 'a name from the configuration')
    .option('--reason <text>', 'why, in one line for the history', 'no reason given')
    .option('--by <name>', 'who says so; without it, the user of this process')
    .addHelpText(
      'after',
      '\nExample:\n  holdfast accept shop --reason "orders before 2020 were archived" --by ada',
    )
    .action(async (source: string, { reason, by }: { reason: string; by?: string }) => {
      const app = await context.app();
      const reports = await app.accept(source, { reason, by: who(by) }, commandRun(context));
      context.exitCode = exitCodeOfRuns(reports, 'accept');
    });
}
