import type { Command } from 'commander';
import { humanBytes } from '../core/units.ts';
import type { Context } from './context.ts';

export function addStats(program: Command, context: Context): void {
  program
    .command('stats')
    .description('how large the repository is')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText('after', '\nExamples:\n  holdfast stats\n  holdfast stats --json')
    .action(async (options: { json?: boolean }) => {
      const { repository } = context.access();
      await repository.reach(context.signal);
      const stats = await repository.stats(context.signal);
      if (options.json) return context.print.json(stats);
      context.print.table(
        ['SNAPSHOTS', 'STORED', 'WOULD RESTORE'],
        [[String(stats.snapshots), humanBytes(stats.storedBytes), humanBytes(stats.restoreBytes)]],
      );
    });
}
