import { Command, CommanderError } from 'commander';
import { EXIT_CODES, HoldfastError, exitCodeOf } from '../core/errors.ts';
import { addBackup } from './backup.ts';
import { addCheck } from './check.ts';
import { addConfig } from './config.ts';
import type { Context } from './context.ts';
import { addDoctor } from './doctor.ts';
import { addHistory } from './history.ts';
import { addInit } from './init.ts';
import { addPrune } from './prune.ts';
import { addRestic } from './restic.ts';
import { addRestore } from './restore.ts';
import { addRun } from './run.ts';
import { addSnapshots } from './snapshots.ts';
import { addStats } from './stats.ts';
import { addStatus } from './status.ts';
import { addVerify } from './verify.ts';

const COMMANDS = [
  addRun,
  addInit,
  addBackup,
  addVerify,
  addRestore,
  addSnapshots,
  addHistory,
  addStatus,
  addStats,
  addCheck,
  addPrune,
  addDoctor,
  addConfig,
  addRestic,
];

/** Parses and runs one command line; returns the exit code and never throws. Errors are printed here, once. */
export async function runCommandLine(argv: string[], context: Context): Promise<number> {
  try {
    await createProgram(context).parseAsync(argv);
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
    const cause: unknown = context.signal.aborted ? context.signal.reason : error;
    context.print.error(cause);
    if (!(cause instanceof HoldfastError) && cause instanceof Error && cause.stack !== undefined)
      context.print.note(cause.stack);
    return exitCodeOf(cause);
  }
}

/** Every command with its options: what the documentation is held to. */
export function createProgram(context: Context): Command {
  const program = new Command('holdfast')
    .description('Backups of one server that are never green on a lie.')
    .enablePositionalOptions()
    .showHelpAfterError('Run `holdfast --help` to see what there is.')
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done with warnings, 4 stale, 5 busy.',
    );
  for (const add of COMMANDS) add(program, context);
  for (const command of program.commands) command.exitOverride();
  return program;
}
