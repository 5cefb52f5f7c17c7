import { Command, CommanderError } from 'commander';
import { EXIT_CODES, HoldfastError, exitCodeOf } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import { addAccept } from './accept.ts';
import { addBackup } from './backup.ts';
import { addCheck } from './check.ts';
import { addConfig } from './config.ts';
import type { Context } from './context.ts';
import { addDoctor } from './doctor.ts';
import { addGate } from './gate.ts';
import { addHealth } from './health.ts';
import { addHistory } from './history.ts';
import { addInit } from './init.ts';
import { addLoad } from './load.ts';
import { addPrune } from './prune.ts';
import { addRepair } from './repair.ts';
import { addRestic } from './restic.ts';
import { addRestore } from './restore.ts';
import { addRun } from './run.ts';
import { addSnapshots } from './snapshots.ts';
import { addStats } from './stats.ts';
import { addStatus } from './status.ts';
import { addTenants } from './tenants.ts';
import { addVerify } from './verify.ts';

const COMMANDS = [
  addRun,
  addInit,
  addBackup,
  addVerify,
  addRestore,
  addTenants,
  addLoad,
  addSnapshots,
  addHistory,
  addStatus,
  addStats,
  addAccept,
  addCheck,
  addRepair,
  addPrune,
  addGate,
  addDoctor,
  addHealth,
  addConfig,
  addRestic,
];

/** Parses and runs one command line; returns the exit code and never throws. Errors are printed here, once. */
export async function runCommandLine(argv: string[], context: Context): Promise<number> {
  try {
    await createProgram(context).parseAsync(argv);
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return await answerOf(error, argv, context);
    const cause: unknown = context.signal.aborted ? context.signal.reason : error;
    context.print.error(cause);
    if (!(cause instanceof HoldfastError) && cause instanceof Error && cause.stack !== undefined)
      context.print.note(cause.stack);
    return exitCodeOf(cause);
  }
}

/** What commander stops at: help and version are answers, the rest is bad usage. */
async function answerOf(error: CommanderError, argv: string[], context: Context): Promise<number> {
  if (error.code === 'commander.version') {
    const restic = await context.resticVersion();
    if (restic !== null) context.print.line(restic);
  }
  if (error.exitCode === 0) return EXIT_CODES.done;
  // Nothing but the name was typed: the help was printed, and nothing was done.
  if (error.code !== 'commander.help') context.print.error(usageError(error, argv, context));
  return EXIT_CODES.usage;
}

function usageError({ message }: CommanderError, argv: string[], context: Context): HoldfastError {
  const said = message
    .replace(/^error: /, '')
    .replace(/\n\((Did you mean .*)\)$/s, (_, meant: string) => `; d${meant.slice(1)}`)
    .replace(' is invalid. ', ' is invalid: ')
    .replace(/\.$/, '');
  const name = argv.slice(2).find((argument) => !argument.startsWith('-'));
  const command = createProgram(context).commands.find((candidate) => candidate.name() === name);
  const help = ['holdfast', ...(command === undefined ? [] : [command.name()]), '--help'].join(' ');
  return new HoldfastError('usage', said, { hint: `See what it takes, and examples, with \`${help}\`.` });
}

/** Every command with its options: what the documentation is held to. */
export function createProgram(context: Context): Command {
  const program = new Command('holdfast')
    .description('Backups of one server that are never green on a lie.')
    .enablePositionalOptions()
    .version(['holdfast', VERSION].join(' '), '-V, --version', 'the versions of holdfast and of restic')
    // Told as every other error is, by whoever catches it.
    .configureOutput({
      outputError: () => undefined,
      writeOut: (text) => context.print.line(text.trimEnd()),
      writeErr: (text) => context.print.note(text.trimEnd()),
    })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast doctor\n  holdfast backup shop\n  holdfast restore shop --to shop_copy\n\nExit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 done with warnings, 4 stale, 5 busy.',
    );
  for (const add of COMMANDS) add(program, context);
  for (const command of program.commands) command.exitOverride();
  return program;
}
