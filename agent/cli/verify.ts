import type { Command } from 'commander';
import { HoldfastError } from '../core/errors.ts';
import { commandRun, exitCodeOfRuns, type Context } from './context.ts';
import { ids } from './ids.ts';
import { refuseWhole } from './refuse-whole.ts';
import { withTenants } from './with-tenants.ts';

export function addVerify(program: Command, context: Context): void {
  program
    .command('verify')
    .description(
      'restore the newest snapshot into a scratch database, compare it with its proof, drop the scratch',
    )
    .argument('[source...]', 'names from the configuration')
    .option('--tenants', 'each tenant by itself, out of the newest good backup of everything')
    .option('--tenant <ids>', 'only these tenants, as in "42,43"', ids)
    .option('--as <role>', 'as a role of the configuration, which may touch some tenants alone')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast verify\n  holdfast verify shop\n  holdfast verify clinic --tenant 42\n\nExit codes: 0 proved, 1 failed or not run, 3 restored and not proven, or other warnings.',
    )
    .action(async (names: string[], options: Options) => {
      const app = await context.app({ as: options.as ?? null });
      const { tenants = false, tenant } = options;
      if (tenants && tenant !== undefined)
        throw new HoldfastError('usage', '--tenants and --tenant exclude each other', {
          hint: 'Give one of them.',
        });
      if (!tenants && tenant === undefined) {
        refuseWhole(app.role, 'verify the whole database', '--tenants or --tenant ID');
        const reports = await app.verify(names, commandRun(context));
        context.exitCode = exitCodeOfRuns(reports, 'verify');
        return;
      }
      const sources = withTenants(app, names);
      const reports = await app.verifyTenants(sources, tenant ?? null, commandRun(context));
      context.exitCode = exitCodeOfRuns(reports, 'tenant-verify');
    });
}

interface Options {
  tenants?: boolean;
  tenant?: string[];
  as?: string;
}
