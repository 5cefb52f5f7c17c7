import type { Command } from 'commander';
import { passThrough } from '../process/pass-through.ts';
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
      const app = context.app({ withoutSources: true });
      context.exitCode = await passThrough(app.restic.passThrough(args), app.childEnvironment);
    });
}
