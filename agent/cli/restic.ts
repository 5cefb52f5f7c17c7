import type { Command } from 'commander';
import { HoldfastError } from '../core/errors.ts';
import type { RepositoryPassword } from '../repository/password.ts';
import type { Repository } from '../repository/repository.ts';
import type { Context } from './context.ts';

export function addRestic(program: Command, context: Context): void {
  program
    .command('restic')
    .description("restic with the repository's environment; everything after -- is restic's own")
    .argument('[argument...]')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText('after', '\nExamples:\n  holdfast restic -- snapshots\n  holdfast restic -- ls latest')
    .action(async (args: string[]) => {
      const { restic, repository, password, childEnvironment } = await context.access();
      if (!password.isKnown()) {
        if (args.includes('init')) await keepForNew(repository, password, context.signal);
        else
          context.print.note(
            'warning: no password of the repository is known; give it as RESTIC_PASSWORD or RESTIC_PASSWORD_FILE',
          );
      }
      const { passThrough } = await import('../process/pass-through.ts');
      context.exitCode = await passThrough(restic.passThrough(args), childEnvironment);
    });
}

/** A repository that somebody makes by hand is the agent's from then on, so it has to know the password. */
async function keepForNew(
  repository: Repository,
  password: RepositoryPassword,
  signal: AbortSignal,
): Promise<void> {
  const there = await repository.reach(signal).then(
    () => true,
    (error: unknown) => {
      if (error instanceof HoldfastError && error.kind === 'repository_absent') return false;
      throw error;
    },
  );
  if (!there) password.keep();
}
