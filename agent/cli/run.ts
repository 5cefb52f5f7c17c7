import type { Command } from 'commander';
import { runDaemon } from '../daemon.ts';
import type { Context } from './context.ts';

export function addRun(program: Command, context: Context): void {
  program
    .command('run')
    .description("the daemon: backs up, verifies and checks by schedule; the container's command")
    .addHelpText(
      'after',
      '\nExample:\n  holdfast run\n\nIt stops on SIGTERM: a running backup is ended cleanly, without a snapshot.',
    )
    .action(async () => runDaemon(await context.app({ daemon: true }), context.signal));
}
