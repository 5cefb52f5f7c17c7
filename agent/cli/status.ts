import type { Command } from 'commander';
import type { App } from '../app.ts';
import { utc } from '../core/clock.ts';
import { EXIT_CODES } from '../core/errors.ts';
import { humanDuration } from '../core/units.ts';
import type { Run } from '../ledger/ledger.ts';
import { remindOfPassword, type Context } from './context.ts';

interface SourceLine {
  source: string;
  gates: boolean;
  lastSuccess: string | null;
  /** Seconds since the data of the last good backup was read; null while there is none. */
  ageSeconds: number | null;
  stale: boolean;
  lastRun: Run | null;
}

export function addStatus(program: Command, context: Context): void {
  program
    .command('status')
    .description('how fresh the backups are')
    .option('--check', 'exit with 4 when a source that gates is stale or was never backed up')
    .option('--json', 'for programs; the fields are stable (docs/cli.md)')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast status\n  holdfast status --check || echo "backups are stale"',
    )
    .action((options: { check?: boolean; json?: boolean }) => {
      const app = context.app();
      const sources = app.config.sources.map((source) => lineOf(app, source));
      const maintenance = (['retention', 'check', 'verify'] as const).map((job) => ({
        job,
        lastRun: lastOf(app, job),
      }));
      const running = app.ledger.recent({ result: 'running', limit: 5 });
      if (options.json)
        context.print.json({ version: 1, at: utc(app.clock.now()), sources, maintenance, running });
      else print(app, context, sources, maintenance);
      if (options.check && sources.some((source) => source.gates && source.stale))
        context.exitCode = EXIT_CODES.stale;
    });
}

function lineOf(app: App, source: App['config']['sources'][number]): SourceLine {
  const success = app.ledger.last('backup', source.name, 'succeeded');
  const ageSeconds =
    success === null ? null : Math.round((app.clock.now().getTime() - Date.parse(success.startedAt)) / 1000);
  return {
    source: source.name,
    gates: source.gates,
    lastSuccess: success?.startedAt ?? null,
    ageSeconds,
    // A time in the future comes from a clock that was wrong: it proves nothing.
    stale: ageSeconds === null || ageSeconds > app.config.staleAfterSeconds || ageSeconds < -300,
    lastRun: app.ledger.last('backup', source.name),
  };
}

function lastOf(app: App, job: 'retention' | 'check' | 'verify'): Run | null {
  return app.ledger.recent({ job, limit: 1 })[0] ?? null;
}

function print(
  app: App,
  context: Context,
  sources: SourceLine[],
  maintenance: { job: string; lastRun: Run | null }[],
): void {
  const { print } = context;
  print.table(
    ['SOURCE', 'STATE', 'LAST GOOD BACKUP', 'AGE', 'LAST RUN'],
    sources.map((line) => [
      line.source,
      line.stale ? 'STALE' : 'fresh',
      line.lastSuccess ?? 'never',
      line.ageSeconds === null ? '-' : humanDuration(line.ageSeconds * 1000),
      line.lastRun === null ? 'none yet' : `${line.lastRun.result}: ${line.lastRun.reason}`,
    ]),
  );
  print.line('');
  print.table(
    ['JOB', 'LAST RUN', 'RESULT'],
    maintenance.map(({ job, lastRun }) => [
      job,
      lastRun?.startedAt ?? 'never',
      lastRun === null ? '-' : `${lastRun.result}: ${lastRun.reason}`,
    ]),
  );
  remindOfPassword(app, context);
}
