import type { Command } from 'commander';
import { configText, describeConfig } from '../config/describe.ts';
import type { Context } from './context.ts';

export function addConfig(program: Command, context: Context): void {
  program
    .command('config')
    .description('validate the configuration and print what is in effect, secrets masked')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast config\n  HOLDFAST_CONFIG=./holdfast.yml holdfast config --json\n\nExit codes: 0 valid, 2 not.',
    )
    .action((options: { json?: boolean }) => {
      const config = context.config();
      for (const warning of config.warnings) context.print.note(`warning: ${warning}`);
      if (options.json) context.print.json(describeConfig(config));
      else context.print.line(configText(config).trimEnd());
    });
}
