import { spawn } from 'node:child_process';
import type { Finished, ShellOptions } from './shell.ts';

/**
 * Types a line of bash at a terminal, which script(1) makes, and an answer once the line asks for it by a text that matches. Both
 * outputs of a terminal are one.
 */
export function atTerminal(
  command: string,
  { asks, answer }: { asks: RegExp; answer: string },
  { cwd, env, timeoutMs = 120_000 }: ShellOptions,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd,
      env: { ...process.env, ...env, SHELL: '/bin/bash', TERM: 'dumb' },
      detached: true,
    });
    let seen = '';
    let answered = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
      if (answered || !asks.test(seen)) return;
      answered = true;
      child.stdin.write(`${answer}\n`);
    });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      reject(new Error(`not done after ${timeoutMs / 1000} s: ${command}\n${seen}`));
    }, timeoutMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ command, code: code ?? 128, stdout: seen, stderr: '' });
    });
  });
}
