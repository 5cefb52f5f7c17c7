import { spawn } from 'node:child_process';

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

/** Starts a program on exactly this environment. It does not outlive us unless we are killed. */
export function startChild(command: string, args: string[], env: NodeJS.ProcessEnv): Child {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-65_536)));
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
  process.once('exit', stopWithUs);
  void ended.then(() => process.off('exit', stopWithUs));

  return {
    pid: child.pid ?? -1,
    output: () => output,
    isRunning,
    exitCode: () => child.exitCode,
    async stop(signal = 'SIGTERM') {
      if (isRunning()) child.kill(signal);
      await ended;
    },
  };
}
