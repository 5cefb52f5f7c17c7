import { InvalidArgumentError, type Command } from 'commander';
import { humanBytes, humanDuration } from '../core/units.ts';
import type { Run } from '../ledger/ledger.ts';
import type { Context } from './context.ts';

export function addHistory(program: Command, context: Context): void {
  program
    .command('history')
    .description('list the runs, newest first')
    .argument('[source]', 'only those of one source')
    .option('--limit <number>', 'how many', positive, 20)
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText('after', '\nExamples:\n  holdfast history\n  holdfast history shop --limit 5 --json')
    .action(async (source: string | undefined, options: { limit: number; json?: boolean }) => {
      const app = await context.app();
      if (source !== undefined && app.sources.length > 0) app.pick([source]);
      const runs = app.ledger.recent({ ...(source === undefined ? {} : { source }), limit: options.limit });
      if (options.json) return context.print.json(runs);
      if (runs.length === 0) return context.print.line('no runs yet');
      context.print.table(
        ['RUN', 'STARTED (UTC)', 'JOB', 'SOURCE', 'RESULT', 'TOOK', 'SIZE', 'REASON'],
        runs.map(row),
      );
    });
}

function row(run: Run): string[] {
  const took =
    run.finishedAt === null ? '-' : humanDuration(Date.parse(run.finishedAt) - Date.parse(run.startedAt));
  const warned = run.result === 'succeeded' && run.warnings.length > 0 ? ' (warnings)' : '';
  return [
    String(run.id),
    run.startedAt,
    run.job,
    sourceOf(run),
    run.result + (unproven(run) ? ' (not proven)' : warned),
    took,
    run.facts.dumpBytes === undefined ? '-' : humanBytes(run.facts.dumpBytes),
    run.reason,
  ];
}

/** Groups of tenants have runs of their own. */
function sourceOf({ source, facts }: Run): string {
  return facts.group === undefined ? (source ?? '-') : `${source} (${facts.group})`;
}

/** A verification that restored and proved nothing must not look like one that did. */
function unproven(run: Run): boolean {
  return run.result === 'succeeded' && run.facts.verification?.verdict === 'restored';
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('expected a whole number from 1.');
  return value;
}
