import type { Command } from 'commander';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';

export function addVerify(program: Command, context: Context): void {
  program
    .command('verify')
    .description(
      'restore the newest snapshot into a scratch database, count what came back, drop the scratch',
    )
    .argument('[source...]', 'names from the configuration')
    .addHelpText('after', '\nExamples:\n  holdfast verify\n  holdfast verify shop')
    .action(async (names: string[]) => {
      const reports = await context.app().verify(names, commandRun(context));
      context.exitCode = exitCodeOfRuns(reports, 'verify');
    });
}
