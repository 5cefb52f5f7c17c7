import { spawn } from 'node:child_process';

export interface Finished {
  command: string;
  code: number;
  stdout: string;
  stderr: string;
}

export interface ShellOptions {
  cwd: string;
  env?: Record<string, string>;
  /** The whole process group is killed then, and the call throws. */
  timeoutMs?: number;
}

/** Runs a line of shell as a person would type it in bash, and gives what came of it; exit codes are for the caller. */
export function shell(command: string, { cwd, env, timeoutMs = 120_000 }: ShellOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', command], {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      reject(new Error(`not done after ${timeoutMs / 1000} s: ${command}\n${stdout}\n${stderr}`));
    }, timeoutMs);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ command, code: code ?? 128, stdout, stderr: signal ? `${stderr}\n(${signal})` : stderr });
    });
  });
}

/** The same, and an error with both outputs unless it exits with 0. */
export async function succeed(command: string, options: ShellOptions): Promise<Finished> {
  const finished = await shell(command, options);
  if (finished.code !== 0) throw new Error(describe(finished));
  return finished;
}

export function describe({ command, code, stdout, stderr }: Finished): string {
  return `exit ${code}: ${command}\n--- stdout\n${stdout.slice(-4000)}\n--- stderr\n${stderr.slice(-4000)}`;
}
