import { constants } from 'node:os';
import { execa } from 'execa';
import { HoldfastError } from '../core/errors.ts';
import type { Command } from './run.ts';

/**
 * Runs a program for the person at the terminal: its input, output and signals are theirs, and its exit code is the answer.
 * Throws `tool_missing`.
 */
export async function passThrough(command: Command, base: Record<string, string>): Promise<number> {
  // Ctrl-C reaches the child by itself, being in our process group, and the child decides what it means, also of the
  // second one: our own handlers, which would end us and with us the child, are put away meanwhile. A container's stop
  // reaches us alone, and is passed on.
  const handlers = (['SIGINT', 'SIGTERM'] as const).map((name) => ({
    name,
    listeners: process.listeners(name),
  }));
  for (const { name } of handlers) process.removeAllListeners(name);
  const stop = new AbortController();
  process.on('SIGINT', () => undefined).on('SIGTERM', () => stop.abort());
  try {
    const child = execa(command.file, command.args, {
      cancelSignal: stop.signal,
      forceKillAfterDelay: false,
      env: { ...base, ...command.env },
      extendEnv: false,
      stdio: 'inherit',
      reject: false,
    });
    const result = await child;
    if (child.pid !== undefined) {
      command.onGone?.(child.pid, {
        code: result.exitCode ?? null,
        signal: result.signal ?? null,
        stderr: [],
      });
    }
    if (result.exitCode !== undefined) return result.exitCode;
    if (result.signal !== undefined) return 128 + (constants.signals[result.signal] ?? 0);
    throw new HoldfastError('tool_missing', `cannot start ${command.label ?? command.file}`, {
      cause: result,
    });
  } finally {
    for (const { name, listeners } of handlers) {
      process.removeAllListeners(name);
      for (const listener of listeners) process.on(name, listener);
    }
  }
}
