import type { Command } from 'commander';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';

export function addVerify(program: Command, context: Context): void {
  program
    .command('verify')
    .description(
      'restore the newest snapshot into a scratch database, compare it with its proof, drop the scratch',
    )
    .argument('[source...]', 'names from the configuration')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast verify\n  holdfast verify shop\n\nExit codes: 0 proved, 1 failed or not run, 3 restored and not proven, or other warnings.',
    )
    .action(async (names: string[]) => {
      const app = await context.app();
      const reports = await app.verify(names, commandRun(context));
      context.exitCode = exitCodeOfRuns(reports, 'verify');
    });
}
