import type { Access } from '../repository-access.ts';
import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { EXIT_CODES, HoldfastError, describeError, exitCodeOf } from '../core/errors.ts';
import type { RunOptions, RunReport } from '../runner.ts';
import type { Print } from './print.ts';

/** What a command gets: it answers through `print` and leaves its exit code here. */
export interface Context {
  print: Print;
  /** Aborted by SIGTERM and SIGINT. */
  signal: AbortSignal;
  /** Reads the configuration and wires the objects; closed when the command is done. Throws `configuration`. */
  app(options?: AppOptions): Promise<App>;
  /** For commands that only look into the repository: no database has to be configured, and no ledger is opened. */
  access(): Promise<Access>;
  config(): Config;
  /** What the configured restic says of itself; null where it is not there, or silent. */
  resticVersion(): Promise<string | null>;
  exitCode: number;
}

export interface AppOptions {
  /** Logs what happens, for nobody may be there to be answered. */
  daemon?: boolean;
  /** For commands that need the repository alone: a new server may look into it before any database is configured. */
  withoutSources?: boolean;
  /**
   * For commands that read or write plain files, and no repository: none has to be named. Whatever would use it throws `configuration`, and
   * the status folder is left to those who know the repository.
   */
  withoutRepository?: boolean;
  /**
   * For commands that hold themselves to the tenants of the app's role, which is this one, or for null the configuration's; all others
   * are refused where there is one.
   */
  as?: string | null;
}

/** The options of a run that a person asked for: progress at the terminal, one line for each end. */
export function commandRun(context: Context): RunOptions {
  return {
    trigger: 'command',
    signal: context.signal,
    ...(context.print.watched ? { onProgress: (progress) => context.print.progress(progress) } : {}),
    onEnd: (report) => printEnd(context, report),
  };
}

/** The exit code that a list of runs deserves: the failure of the job that was asked for counts as failure, that of maintenance after it as a warning. */
export function exitCodeOfRuns(reports: RunReport[], asked: string): number {
  const failed = reports.filter(({ run }) => run.result !== 'succeeded');
  const failedAsked = failed.find(({ job }) => job.name === asked);
  if (failedAsked !== undefined) return exitCodeOf(failedAsked.error);
  const warned = reports.some(({ run, unreported }) => run.warnings.length > 0 || unreported !== null);
  return failed.length > 0 || warned ? EXIT_CODES.warnings : EXIT_CODES.done;
}

/** Says where a generated password lies until it is confirmed as stored elsewhere. */
export function remindOfPassword(app: App, { print }: Context): void {
  const reminder = app.passwordReminder();
  if (reminder !== null) print.note(`warning: ${reminder}`);
}

function printEnd({ print }: Context, { job, run, error, unreported }: RunReport): void {
  print.progressDone();
  const what = job.source === null ? job.name : `${job.name} of ${job.source}`;
  if (run.result === 'succeeded') print.note(`${what}: ${run.reason}`);
  else
    print.error(
      error instanceof HoldfastError
        ? new HoldfastError(error.kind, `${what} ${run.result}: ${error.message}`, {
            ...(error.hint === undefined ? {} : { hint: error.hint }),
          })
        : error,
    );
  for (const warning of run.warnings) print.note(`warning: ${what}: ${warning}`);
  // The backup is good, and yet the gate will close: nobody sees the new heartbeat.
  if (unreported !== null) print.note(`warning: ${describeError(unreported).message}`);
}
