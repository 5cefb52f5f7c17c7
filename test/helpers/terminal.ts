import { spawn } from 'node:child_process';
import type { Finished, ShellOptions } from './shell.ts';

/** What is typed once the terminal shows a text that matches. */
export interface Prompt {
  asks: RegExp;
  answer: string;
}

/**
 * Types a line of bash at a terminal, which script(1) makes, and each answer once what was shown since the one before asks for it.
 * Both outputs of a terminal are one.
 */
export function atTerminal(
  command: string,
  prompts: Prompt[],
  { cwd, env, timeoutMs = 120_000 }: ShellOptions,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd,
      env: { ...process.env, ...env, SHELL: '/bin/bash', TERM: 'dumb' },
      detached: true,
    });
    let seen = '';
    let answered = 0;
    const left = [...prompts];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
      if (left[0]?.asks.test(seen.slice(answered)) !== true) return;
      answered = seen.length;
      child.stdin.write(`${left.shift()?.answer ?? ''}\n`);
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
