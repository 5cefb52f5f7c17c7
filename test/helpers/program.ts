import { CommanderError } from 'commander';
import type { Context } from '../../agent/cli/context.ts';
import { createProgram } from '../../agent/cli/program.ts';

class Understood extends Error {}

/** A context in which every command ends where it would begin to work. */
function idleContext(): Context {
  const understood = () => {
    throw new Understood();
  };
  return {
    print: {
      watched: false,
      line: understood,
      json: understood,
      table: understood,
      progress: understood,
      progressDone: understood,
      note: understood,
      error: understood,
    },
    signal: new AbortController().signal,
    app: understood,
    access: understood,
    config: understood,
    resticVersion: understood,
    exitCode: 0,
  };
}

/** The commands and options as the command line itself has them; it does nothing when it is run. */
export function idleProgram() {
  const program = createProgram(idleContext());
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  }
  return program;
}

/** What `holdfast COMMAND --help` says, of each command. */
export function helpOf(): { name: string; help: string }[] {
  return idleProgram().commands.map((command) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    return { name: command.name(), help };
  });
}

/** Null when the command line takes these arguments; otherwise what it says, with commander's code. */
export async function refusalOf(args: string[]): Promise<{ code: string; message: string } | null> {
  try {
    await idleProgram().parseAsync(args, { from: 'user' });
    return null;
  } catch (error) {
    if (error instanceof Understood) return null;
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? null : { code: error.code, message: error.message };
  }
}
