import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

/** A throw-away database server on loopback. */
export interface TestServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly admin: { user: string; password: string };
  /** Gone when the server is stopped. */
  readonly folder: string;
  /** Runs statements as the administrator and gives the rows of the last one. */
  sql(text: string, database?: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
  /** Ends it by a signal and keeps its data. */
  crash(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the data that it had. */
  revive(): Promise<void>;
}

/** A folder whose whole path the server's own user may walk. */
export function serverFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-server-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** Database servers refuse to run as root; as anybody else they run as that. */
export function asUser(user: string, command: string[]): [string, string[]] {
  const drop = ['setpriv', '--reuid', user, '--regid', user, '--init-groups', ...command];
  const [file = '', ...args] = process.getuid?.() === 0 ? drop : command;
  return [file, args];
}

export { freePort } from '../../scripts/loopback/ports.ts';

/** Runs a command to its end; throws with what it printed unless it exits with 0. */
export async function runToEnd(file: string, args: string[], cwd: string): Promise<void> {
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${file} exited with ${code}: ${said}`);
}

/** Starts a server and waits until it answers; the log is told when it does not. */
export async function startServer(
  [file, args]: [string, string[]],
  folder: string,
  answers: () => Promise<unknown>,
): Promise<Pick<TestServer, 'stop' | 'crash' | 'revive'>> {
  let child: ChildProcess;
  const launch = async () => {
    const launched = spawn(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child = launched;
    let said = '';
    launched.stdout.on('data', (text: Buffer) => (said += text.toString()));
    launched.stderr.on('data', (text: Buffer) => (said += text.toString()));
    await until(
      'the server answers',
      async () => {
        if (launched.exitCode !== null) throw new Error(`it ended: ${said.slice(-2000)}`);
        await answers();
        return true;
      },
      120_000,
    );
  };
  const stop = async () => {
    await end(child, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await launch();
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop, crash: (signal) => end(child, signal), revive: launch };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/**
 * Children of a process, this one unless told otherwise, whose program is named so and does more than to tell its version. One
 * that has ended between two looks, or has only just begun, has no arguments.
 */
export function childrenNamed(name: string, parent = process.pid): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      const match = /^\d+ \((.*)\) (\S) (\d+)/s.exec(read(pid, 'stat'));
      const isChild = match?.[1] === name.slice(0, 15) && match[2] !== 'Z' && Number(match[3]) === parent;
      const args = isChild ? read(pid, 'cmdline') : '';
      return args !== '' && !args.includes('--version');
    });
}

function read(pid: number, what: 'stat' | 'cmdline'): string {
  try {
    return pid > 0 ? readFileSync(`/proc/${pid}/${what}`, 'utf8') : '';
  } catch {
    return '';
  }
}
