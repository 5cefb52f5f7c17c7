import type { Command } from 'commander';
import { utc } from '../core/clock.ts';
import { acceptRepository, ensureRepository, hadRepository } from '../jobs/init.ts';
import { remindOfPassword, type Context } from './context.ts';
import { confirmPassword } from '../reports/password.ts';

export function addInit(program: Command, context: Context): void {
  program
    .command('init')
    .description('create the repository if it is not there')
    .option('--new', 'accept a repository that is another one than before, or start anew where one was lost')
    .option('--password-stored', 'confirm that the generated password is stored elsewhere')
    .addHelpText('after', '\nExamples:\n  holdfast init\n  holdfast init --password-stored')
    .action(async (options: { new?: boolean; passwordStored?: boolean }) => {
      const app = await context.app({ withoutSources: true });
      const { repository, ledger } = app;
      const isFirst = !hadRepository(repository, ledger);
      const before = app.repositoryId();
      // Under the lock: two that make a repository at once leave one that neither can open.
      const { id, created } = await app.runner.exclusively(context.signal, () =>
        options.new
          ? acceptRepository(repository, ledger, context.signal)
          : ensureRepository(repository, ledger, context.signal, { create: true }),
      );
      context.print.line(
        `${created ? 'created' : 'found'} repository ${id.slice(0, 10)} at ${app.repository.location}`,
      );
      if (options.new && !isFirst && id !== before) {
        context.print.line(
          'backups in another repository count no more where the daemon stores here: the gate is closed then, until `holdfast backup` has stored one',
        );
      }
      if (options.passwordStored) {
        confirmPassword(ledger, utc(app.clock.now()));
        context.print.line('noted that a copy of the password is stored elsewhere');
      }
      remindOfPassword(app, context);
    });
}
