import type { Command } from 'commander';
import { HoldfastError } from '../core/errors.ts';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';
import { askFor } from './ask.ts';

interface Options {
  dryRun?: boolean;
  yes?: boolean;
  forgetBroken?: boolean;
}

export function addRepair(program: Command, context: Context): void {
  program
    .command('repair')
    .description('say what of the repository is broken and who loses what, then mend it')
    .option('--dry-run', 'look, and change nothing')
    .option('--yes', 'mend without asking; needed where stdin is no terminal')
    .option('--forget-broken', 'forget the snapshots of this host that lost data and cannot be restored')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast repair\n  holdfast repair --yes\n  holdfast repair --yes --forget-broken',
    )
    .action(async (options: Options) => {
      if (options.dryRun && options.yes) {
        throw new HoldfastError('usage', '--dry-run and --yes exclude each other', {
          hint: 'Type `holdfast repair --dry-run` to look, `holdfast repair --yes` to mend.',
        });
      }
      const app = await context.app({ withoutSources: true });
      const choice = { forgetBroken: options.forgetBroken === true };
      if (options.yes !== true) {
        const looked = await app.repair({ ...choice, dryRun: true }, commandRun(context));
        context.exitCode = exitCodeOfRuns(looked, 'repair');
        const sound = looked.every(({ run }) => run.result === 'succeeded' && run.warnings.length === 0);
        const failed = looked.some(({ run }) => run.result !== 'succeeded');
        if (sound || failed || options.dryRun) return;
        context.print.note(
          'Copy the repository first, if it fits anywhere, and look for the cause: a failing disk or bad memory makes it worse.',
        );
        if (!process.stdin.isTTY) return context.print.note('hint: Mend it with `holdfast repair --yes`.');
        await askFor('repair', 'This changes the repository.', context.signal);
      }
      const reports = await app.repair({ ...choice, dryRun: false }, commandRun(context));
      // What the check behind it finds, the repair did not mend.
      const failed = reports.find(({ run }) => run.result !== 'succeeded');
      context.exitCode = exitCodeOfRuns(reports, failed?.job.name ?? 'repair');
    });
}
