import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyRepository } from './empty-repository.ts';
import { fakeProgram } from './fake-program.ts';
import { repositoryRoot } from './stack.ts';
import { whenOver } from './when-over.ts';

/** The agent's command line as a process of its own, with state, status and repository in a folder of the test. */
export interface TestAgent {
  readonly folder: string;
  readonly environment: Record<string, string>;
  /** Runs a command to its end. */
  run(args: string[], environment?: Record<string, string>): Promise<Ended>;
  start(args: string[], environment?: Record<string, string>): Started;
  /** What the sentinel would read; null while there is none. */
  lastOk(): string | null;
  /** Ids of the snapshots, read from the repository's folder. */
  snapshots(): string[];
  /** Ids of those that hold a dump, oldest first. */
  dumps(): Promise<string[]>;
  /** The newest entry of the ledger. */
  lastRun(): Promise<{ job: string; result: string; reason: string; hint: string | null }>;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcessWithoutNullStreams;
  ended: Promise<Ended>;
}

export async function testAgent(
  environment: Record<string, string>,
  key?: 'quick' | 'slow',
): Promise<TestAgent> {
  const { folder } = await emptyRepository({}, key);
  const all = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    RESTIC_REPOSITORY: join(folder, 'repository'),
    RESTIC_PASSWORD: 'correct horse',
    RESTIC_CACHE_DIR: join(folder, 'cache'),
    // As scripts/holdfast has it: hundreds of starts, each of which takes half the time.
    NODE_COMPILE_CACHE: join(repositoryRoot, 'node_modules/.cache/compile'),
    HOLDFAST_STATE_DIR: join(folder, 'state'),
    HOLDFAST_STATUS_DIR: join(folder, 'status'),
    HOLDFAST_LOCK_WAIT: '1',
    // Some tests have a disk of a few megabytes.
    HOLDFAST_FREE_SPACE: '0',
    // Tests count snapshots; the one of the ledger has a test of its own.
    BACKUP_LEDGER: 'off',
    ...environment,
  };
  const start = (args: string[], more: Record<string, string> = {}): Started => {
    const child = spawn(process.execPath, [join(repositoryRoot, 'agent/main.ts'), ...args], {
      env: { ...all, ...more },
    });
    whenOver(() => child.kill('SIGKILL'));
    child.stdin.end();
    return { child, ended: collected(child) };
  };
  const run = (args: string[], more?: Record<string, string>) => start(args, more).ended;
  const json = async (args: string[]) => {
    const { code, stdout, stderr } = await run(args);
    if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}: ${stderr}`);
    return JSON.parse(stdout) as never;
  };

  mkdirSync(all.HOLDFAST_STATUS_DIR, { recursive: true });
  return {
    folder,
    environment: all,
    run,
    start,
    lastOk: () => {
      const path = join(all.HOLDFAST_STATUS_DIR, 'last_ok');
      return existsSync(path) ? readFileSync(path, 'utf8') : null;
    },
    snapshots: () => readdirSync(join(all.RESTIC_REPOSITORY, 'snapshots')).toSorted(),
    dumps: async () =>
      ((await json(['snapshots', '--json'])) as { id: string; tags: { kind: string } | null }[])
        .filter(({ tags }) => tags?.kind === 'dump')
        .map(({ id }) => id),
    lastRun: async () => (await json(['history', '--limit', '1', '--json']))[0],
  };
}

/**
 * A restic that stops before it reads the dump, until it is let go: the way to do something in the middle of a dump that is
 * larger than the pipes are.
 */
export function haltedRestic(folder: string): { path: string; reached: () => boolean; letGo: () => void } {
  const [reached, go] = [join(folder, 'reached'), join(folder, 'go')];
  const wait = `touch '${reached}'; while [ ! -e '${go}' ]; do sleep 0.05; done`;
  return {
    path: fakeProgram(folder, 'halted-restic', `if [ "$1" = backup ]; then ${wait}; fi\nexec restic "$@"`),
    reached: () => existsSync(reached),
    letGo: () => writeFileSync(go, ''),
  };
}

async function collected(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
