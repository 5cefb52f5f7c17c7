import { chown, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { HoldfastError } from '../../core/errors.ts';
import { describeExit, type Command, type Exit, type Processes } from '../../process/run.ts';
import { within } from '../deadline.ts';

/** One program of a throw-away server: without rights, limits on memory, behind everybody else, and gone when the agent is. */
export interface Launch {
  program: string;
  args: string[];
  /** Whom it runs as; null for whom the agent is. */
  user: User | null;
  /** The folder of the server. */
  folder: string;
  /** What ends it, and with it all that it started. */
  endedBy: 'QUIT' | 'KILL';
  secrets: readonly string[];
}

export interface User {
  name: string;
  uid: number;
  gid: number;
}

export interface Running {
  /** How it ended without being asked to, as a sentence part; null as long as it runs. */
  ended(): string | null;
  stop(): Promise<void>;
}

/** Memory of its own that each process may take; what PostgreSQL's processes share is bounded by its settings. */
const MOST_MEMORY_BYTES = 2 ** 30;
const INITIALIZE_TIMEOUT_MS = 180_000;
const START_TIMEOUT_MS = 120_000;
const STOP_GRACE_MS = 15_000;

/** Database servers refuse to be root. Where the agent is, the first of these users that there is takes its place. */
export async function unprivileged(names: string[]): Promise<User | null> {
  if (process.getuid?.() !== 0) return null;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of [...names, 'nobody']) {
    const found = users.find(([each]) => each === name);
    if (found !== undefined) return { name, uid: Number(found[2]), gid: Number(found[3]) };
  }
  throw new HoldfastError('failed', 'a database server does not run as root, and there is no user nobody', {
    hint: 'Run holdfast as another user, as the image does.',
  });
}

export async function giveTo(user: User | null, paths: string[]): Promise<void> {
  if (user === null) return;
  for (const path of paths) await chown(path, user.uid, user.gid);
}

/** Runs what makes the files of a server. Throws `failed` with what it said. */
export async function initialize(processes: Processes, launch: Launch, signal: AbortSignal): Promise<void> {
  const finished = await processes.run(commandOf(launch), { timeoutMs: INITIALIZE_TIMEOUT_MS, signal });
  if (finished.code !== 0) throw notMade(launch, [...finished.stderr, ...finished.stdout.split('\n')]);
}

/** Starts a server and waits until it says that it is ready. Throws `failed` with what it said when it ends instead. */
export async function startServer(
  processes: Processes,
  launch: Launch & { ready: RegExp },
  signal: AbortSignal,
): Promise<Running> {
  const child = await processes.start(commandOf(launch));
  child.stdin.end();
  void discard(child.stdout);
  const state: { exit: Exit | null; asked: boolean } = { exit: null, asked: false };
  void child.exit.then((exit) => (state.exit = exit));
  const stop = async () => {
    state.asked = true;
    // Its id may be somebody else's by now.
    if (state.exit !== null) return;
    child.signal(`SIG${launch.endedBy}`);
    await child.stop(STOP_GRACE_MS);
  };
  try {
    const limits = { signal, timeoutMs: START_TIMEOUT_MS };
    const began = await within(
      'the start of a throw-away server',
      limits,
      () => undefined,
      () => Promise.race([child.said(launch.ready).then(() => null), child.exit]),
    );
    if (began !== null) throw notMade(launch, began.stderr);
  } catch (error) {
    await stop();
    throw error;
  }
  const ended = () => (state.asked || state.exit === null ? null : describeExit(state.exit));
  return { ended, stop };
}

/**
 * Each of these programs replaces itself by the next. `setpriv` asks the kernel to end the server when the agent dies, however it
 * dies; its data folder is swept by the next run.
 */
function commandOf({ program, args, user, folder, endedBy, secrets }: Launch): Command {
  const as = user === null ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  return {
    file: 'setpriv',
    args: [
      ...as,
      '--no-new-privs',
      '--pdeathsig',
      endedBy,
      'prlimit',
      '--core=0',
      `--data=${MOST_MEMORY_BYTES}`,
      'nice',
      '-n',
      '10',
      program,
      ...args,
    ],
    // Threads that each keep memory of their own would soon be at the limit.
    env: { HOME: folder, MALLOC_ARENA_MAX: '2', LC_ALL: 'C.UTF-8' },
    cwd: folder,
    label: program,
    secrets: [...secrets],
  };
}

function notMade({ program, user, folder }: Launch, said: string[]): HoldfastError {
  const complaint = said.find((line) => /\b(error|fatal|failed|cannot|could not|can't)\b/i.test(line));
  const why = complaint ?? said.findLast((line) => line.trim() !== '') ?? 'it said nothing';
  const isShut = user !== null && /permission denied|errcode: 13/i.test(said.join('\n'));
  return new HoldfastError('failed', `no throw-away server could be started: ${program}: ${why.trim()}`, {
    ...(isShut
      ? {
          hint: `The server runs as the user ${user.name}, who does not get to ${folder}: set VERIFY_FOLDER (in the file: verify.folder) to a folder that everybody may enter.`,
        }
      : {}),
  });
}

/** An unread pipe would block it. */
async function discard(output: Readable): Promise<void> {
  const chunks = (output as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  while ((await chunks.next().catch(() => ({ done: true }))).done !== true);
}
