import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** A server that runs as a child of ours. */
export interface Child {
  pid: number;
  /** What it has written so far, both streams, the last 64 kB. */
  output(): string;
  /** Whether it still runs. */
  isRunning(): boolean;
  /** Null while it runs, and when a signal ended it. */
  exitCode(): number | null;
  /** Sends the signal and resolves when the process is gone. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ChildOptions {
  /**
   * A file for its output. A child with one is on its own: out of reach of the terminal's Ctrl-C, and it goes on
   * when we end. Without one it ends with us, unless we are killed.
   */
  log?: string;
  /** Told the number of the process as soon as there is one, long before it is ready. */
  onStart?: (pid: number) => void;
}

/** Starts a program on exactly this environment. */
export function startChild(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  options: ChildOptions = {},
): Child {
  const { log } = options;
  const file = log === undefined ? null : openSync(log, 'a');
  const child = spawn(command, args, {
    env,
    detached: file !== null,
    stdio: ['ignore', file ?? 'pipe', file ?? 'pipe'],
  });
  if (file !== null) closeSync(file);
  if (child.pid !== undefined) options.onStart?.(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-65_536)));
  }
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      output += `${error.message}\n`;
      resolve();
    });
    child.once('close', () => resolve());
  });
  const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const stopWithUs = () => void child.kill();
  if (file === null) process.once('exit', stopWithUs);
  void ended.then(() => process.off('exit', stopWithUs));

  return {
    pid: child.pid ?? -1,
    output: () => (log === undefined ? output : readFileSync(log, 'utf8').slice(-65_536) + output),
    isRunning,
    exitCode: () => child.exitCode,
    async stop(signal = 'SIGTERM') {
      if (isRunning()) child.kill(signal);
      await ended;
    },
  };
}
