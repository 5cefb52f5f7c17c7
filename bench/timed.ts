import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one run of a command line took. */
export interface Timed {
  seconds: number;
  /** Processor time of everything that it started; the database server is not among it. */
  cpuSeconds: number;
  stdout: string;
}

export type Variables = Record<string, string>;

/** Runs a line of bash with pipefail and measures it; an error with its last words when it does not exit with 0. */
export async function timed(line: string, env: Variables): Promise<Timed> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-time-'));
  try {
    const times = join(folder, 'times');
    // The second line that `times` prints counts the children.
    const script = `set -o pipefail; ${line}\ncode=$?; times >'${times}'; exit $code`;
    const startedAt = performance.now();
    const { code, stdout, stderr } = await bash(script, env);
    const seconds = (performance.now() - startedAt) / 1000;
    if (code !== 0) throw new Error(`exit ${code}: ${line}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
    return { seconds, cpuSeconds: childSeconds(readFileSync(times, 'utf8')), stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same without a clock: gives what the line prints. */
export async function sh(line: string, env: Variables): Promise<string> {
  const { code, stdout, stderr } = await bash(`set -o pipefail; ${line}`, env);
  if (code !== 0) throw new Error(`exit ${code}: ${line}\n${stderr.slice(-2000)}`);
  return stdout;
}

function bash(
  script: string,
  env: Variables,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** `0m1.234s 0m0.100s`, user and system. */
function childSeconds(times: string): number {
  const line = times.trim().split('\n')[1] ?? '';
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}
