import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Variables } from './timed.ts';

/** A command that runs while the bench looks at it. */
export interface Running {
  pid: number;
  output(): string;
  isRunning(): boolean;
  /** Its exit code once it has ended; null when a signal ended it. */
  ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts a program on exactly this environment, in a process group of its own. */
export function startRunning(file: string, args: string[], env: Variables): Running {
  const child = spawn(file, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-65_536)));
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid: child.pid ?? -1,
    output: () => output,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Looks every 50 ms until it says yes, the process ends, or the time is up. */
export async function watch(running: Running, seconds: number, look: () => boolean): Promise<boolean> {
  const giveUpAt = performance.now() + seconds * 1000;
  while (running.isRunning() && performance.now() < giveUpAt) {
    if (look()) return true;
    await pause(50);
  }
  return false;
}
