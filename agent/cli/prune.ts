import type { Command } from 'commander';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';

export function addPrune(program: Command, context: Context): void {
  program
    .command('prune')
    .description('apply retention now: forget old snapshots, then remove what none needs')
    .option('--dry-run', 'say what would be removed, and change nothing')
    .option('--accept-missing', 'go on although snapshots that were there last time are gone')
    .addHelpText('after', '\nExamples:\n  holdfast prune --dry-run\n  holdfast prune')
    .action(async (options: { dryRun?: boolean; acceptMissing?: boolean }) => {
      const choice = { dryRun: options.dryRun === true, acceptMissing: options.acceptMissing === true };
      const app = await context.app();
      const reports = await app.prune(choice, commandRun(context));
      const removed = reports.flatMap(({ run }) => run.facts.removed ?? []);
      if (removed.length > 0) {
        context.print.table(
          ['ID', 'TIME (UTC)', 'SOURCE', 'PATH'],
          removed.map(({ shortId, time, source, path }) => [shortId, time.slice(0, 19) + 'Z', source, path]),
        );
      }
      context.exitCode = exitCodeOfRuns(reports, 'retention');
    });
}
