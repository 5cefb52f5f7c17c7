import type { Command } from 'commander';
import { EXIT_CODES } from '../core/errors.ts';
import { judgeHealth } from '../health.ts';
import { readPulse } from '../pulse.ts';
import type { Context } from './context.ts';

export function addHealth(program: Command, context: Context): void {
  program
    .command('health')
    .description(
      "whether the daemon's scheduler lives and its last due run happened; the container's health check",
    )
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExample:\n  holdfast health\n\nExit codes: 0 healthy, 1 not. How fresh the backups are is another question: `holdfast status --check`.',
    )
    .action(async (options: { json?: boolean }) => {
      const { config, ledger, clock } = await context.app();
      const health = judgeHealth(readPulse(config.stateDir), ledger, clock.now());
      if (options.json) context.print.json({ version: 1, ...health });
      else {
        context.print.line(`${health.healthy ? 'healthy' : 'UNHEALTHY'}: ${health.reason}`);
        if (health.hint !== null) context.print.line(health.hint);
      }
      if (!health.healthy) context.exitCode = EXIT_CODES.failed;
    });
}
