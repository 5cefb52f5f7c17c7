import { execa } from 'execa';
import { HoldfastError } from '../core/errors.ts';
import type { Command } from './run.ts';

/**
 * Runs a program for the person at the terminal: its input, output and signals are theirs, and its exit code is the answer.
 * Throws `tool_missing`.
 */
export async function passThrough(command: Command, base: Record<string, string>): Promise<number> {
  // Ctrl-C reaches the child by itself, being in our process group; it decides what that means.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    const result = await execa(command.file, command.args, {
      env: { ...base, ...command.env },
      extendEnv: false,
      stdio: 'inherit',
      reject: false,
    });
    if (result.exitCode !== undefined) return result.exitCode;
    if (result.signal !== undefined) return 128 + 15;
    throw new HoldfastError('tool_missing', `cannot start ${command.label ?? command.file}`, {
      cause: result,
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
