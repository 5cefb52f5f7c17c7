import type { Command } from 'commander';
import { describeConfig } from '../config/describe.ts';
import type { Context } from './context.ts';

export function addConfig(program: Command, context: Context): void {
  program
    .command('config')
    .description('validate the configuration and print what is in effect, secrets masked')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .action((options: { json?: boolean }) => {
      const described = describeConfig(context.config());
      if (options.json) context.print.json(described);
      else context.print.line(JSON.stringify(described, null, 2));
    });
}
