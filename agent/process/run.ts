import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../core/errors.ts';
import { collectLines, type LineLog } from './lines.ts';

/**
 * The one door to other programs. Arguments are arrays and never pass a shell; a child gets the base environment
 * (PATH, HOME, locale, time zone) and what its command names, nothing that the agent happens to have: the MariaDB
 * client obeys a MYSQL_HOST that it inherits, and restic's passwords are nobody's business but restic's.
 */
export interface Processes {
  /** Starts a child whose output is read as a stream. Rejects with `tool_missing` when there is no such program. */
  start(command: Command): Promise<Child>;
  /**
   * Runs a child to its end and returns its output, whatever its exit code. Throws `tool_missing`, `timeout`,
   * `interrupted` (the signal), and `failed` when it prints more than `maxOutputBytes`.
   */
  run(command: Command, options: RunOptions): Promise<Finished>;
  /**
   * Resolves when every child that was told to stop is gone, or after half a minute. It dies with the agent, and an agent that left before would end it in the
   * middle of its clean-up: restic's lock would stay in the repository.
   */
  settled(): Promise<void>;
}

export interface Command {
  file: string;
  args: string[];
  env?: Record<string, string>;
  /** The folder it runs in; without it, that of the agent. */
  cwd?: string;
  /** How messages name it, when not by its file. */
  label?: string;
  /** Strings that are replaced by `***` wherever the child prints them. */
  secrets?: string[];
  /** Called for each line on stderr, already masked. */
  onStderrLine?: (line: string) => void;
  /** Lines on stderr that are kept however much else is said. */
  matters?: (line: string) => boolean;
  /** Called when it is gone, with its process id. */
  onGone?: (pid: number, exit: Exit) => void;
}

export interface RunOptions {
  timeoutMs: number;
  signal: AbortSignal;
  /** Written to stdin, which is closed then; without it stdin is empty. */
  input?: string;
  /** Default 64 MiB. */
  maxOutputBytes?: number;
}

export interface Child {
  readonly stdin: Writable;
  /** To be read by `for await`. Keeps everything until then, however late; a child that nobody reads from stands still. */
  readonly stdout: Readable;
  /** Settles when the child is gone and its stderr is read; never rejects. Does not wait for stdout to be read. */
  readonly exit: Promise<Exit>;
  /** SIGTERM to the child and all that it started, SIGKILL after the grace; resolves when the child is gone. */
  stop(graceMs?: number): Promise<Exit>;
  /** Resolves once a line on stderr matches; never, when none does. */
  said(pattern: RegExp): Promise<void>;
  /** Sends a signal to the child and all that it started; no error when it is gone. */
  signal(name: NodeJS.Signals): void;
}

export interface Exit {
  /** Null when a signal ended it. */
  code: number | null;
  signal: string | null;
  /** What it said on stderr, masked; long output is cut in the middle and says so. */
  stderr: string[];
}

export interface Finished extends Exit {
  stdout: string;
}

const STOP_GRACE_MS = 5_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Longer than the grace: who is not gone by then, not even SIGKILL ends. */
const SETTLE_MS = 30_000;
/** A grandchild may hold stdout and stderr open after the child is gone; nobody waits for that, but `run` until its deadline. */
const DRAIN_MS = 1_000;

/** Makes the door; `base` is the environment that every child gets. */
export function createProcesses(base: Record<string, string>): Processes {
  const stopping = new Set<Promise<unknown>>();
  const onStop = (gone: Promise<unknown>) => {
    stopping.add(gone);
    void gone.finally(() => stopping.delete(gone));
  };
  const start = (command: Command) => startChild(command, base, onStop);
  return {
    start,
    run: (command, options) => runToEnd(start, command, options),
    settled: async () => {
      const late = delay(SETTLE_MS, undefined, { ref: false });
      await Promise.race([Promise.all(stopping), late]);
    },
  };
}

/** Names how a child ended, for messages: "exit code 2", "signal SIGKILL". */
export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

async function startChild(
  command: Command,
  base: Record<string, string>,
  onStop: (gone: Promise<Exit>) => void,
): Promise<Child> {
  // Half of all commands start no program, and it is a hundred files.
  const { execa } = await import('execa');
  const subprocess = execa(command.file, command.args, {
    env: { ...base, ...command.env },
    extendEnv: false,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    // Own process group: Ctrl-C at a terminal must reach the agent alone, which then ends its children in order;
    // and a stop reaches what the child itself started (ssh below restic, for example).
    detached: true,
    // The default would buffer up to 100 MB of output in memory and then kill the child.
    buffer: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    reject: false,
    cleanup: false,
  });
  subprocess.catch(() => undefined);
  const child = subprocess.nodeChildProcess;
  // A child that dies early closes its end: that shows in its exit code, and a second report as an
  // uncaught EPIPE would take the agent down.
  subprocess.stdin.on('error', () => undefined);
  subprocess.stdout.on('error', () => undefined);
  // Output that nobody has touched is drained, by execa after one turn of the event loop and by Node when the child
  // exits, and whoever reads later would miss those bytes. A listener of this kind keeps them; it reads none.
  subprocess.stdout.on('readable', () => undefined);

  const log = collectLines(subprocess.stderr, {
    secrets: command.secrets ?? [],
    onLine: command.onStderrLine,
    matters: command.matters,
  });
  const exit = waitForExit(child, log);
  await started(child, command);
  const { pid } = child;
  if (pid !== undefined) void exit.then((ended) => command.onGone?.(pid, ended));

  const signal = (name: NodeJS.Signals) => signalGroup(subprocess.pid, name);
  const stop = async (graceMs = STOP_GRACE_MS) => {
    signal('SIGTERM');
    const graceEnds = performance.now() + graceMs;
    onStop(exit.finally(() => endGroup(subprocess.pid, graceEnds)));
    const grace = new AbortController();
    const timer = delay(graceMs, 'late' as const, { signal: grace.signal }).catch(() => 'gone' as const);
    if ((await Promise.race([exit, timer])) === 'late') signal('SIGKILL');
    grace.abort();
    return exit;
  };
  return { stdin: subprocess.stdin, stdout: subprocess.stdout, exit, stop, said: log.said, signal };
}

async function started(child: ChildProcess, command: Command): Promise<void> {
  if (child.pid !== undefined) return;
  const [error] = (await once(child, 'error').catch((thrown: unknown) => [thrown])) as [unknown];
  throw new HoldfastError('tool_missing', `cannot start ${command.label ?? command.file}`, {
    hint: `Install ${command.file} or correct its path, then run \`holdfast doctor\`.`,
    cause: error,
  });
}

function waitForExit(child: ChildProcess, log: LineLog): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: 'NOT_STARTED', stderr: log.lines() }));
    child.once('exit', (code: number | null, signal: string | null) => {
      void Promise.race([log.ended, delay(DRAIN_MS, undefined, { ref: false })]).then(() =>
        resolve({ code, signal, stderr: log.lines() }),
      );
    });
  });
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // Gone already.
  }
}

/** What a child leaves behind may ignore SIGTERM, too. The group's number is nobody else's as long as one of it is there. */
async function endGroup(pid: number | undefined, graceEnds: number): Promise<void> {
  while (isGroupThere(pid)) {
    if (performance.now() >= graceEnds) return signalGroup(pid, 'SIGKILL');
    await delay(GROUP_LOOK_MS);
  }
}

const GROUP_LOOK_MS = 50;

function isGroupThere(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 0);
  } catch {
    return false;
  }
}

async function runToEnd(
  start: (command: Command) => Promise<Child>,
  command: Command,
  options: RunOptions,
): Promise<Finished> {
  const label = command.label ?? command.file;
  if (options.signal.aborted) throw interrupted(label);
  const child = await start(command);
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<null>();
  const stop = () => {
    const late = delay(STOP_GRACE_MS + DRAIN_MS, undefined, { ref: false });
    void Promise.race([child.stop(), late])
      .then(() => delay(DRAIN_MS))
      .then(() => giveUp(null));
  };
  options.signal.addEventListener('abort', stop, { once: true });
  deadline.addEventListener('abort', stop, { once: true });
  // While it was being started nobody listened.
  if (options.signal.aborted) stop();
  try {
    child.stdin.end(options.input ?? '');
    const finished = await Promise.race([finish(child, options, label), givenUp]);
    if (options.signal.aborted) throw interrupted(label);
    if (deadline.aborted || finished === null) {
      throw new HoldfastError(
        'timeout',
        `${label} gave no answer within ${Math.round(options.timeoutMs / 1000)} s`,
      );
    }
    return finished;
  } finally {
    // Somebody else may hold its other end, and write.
    child.stdout.destroy();
    options.signal.removeEventListener('abort', stop);
    deadline.removeEventListener('abort', stop);
  }
}

async function finish(child: Child, options: RunOptions, label: string): Promise<Finished> {
  const stdout = await readAll(child, options.maxOutputBytes ?? MAX_OUTPUT_BYTES, label);
  return { ...(await child.exit), stdout };
}

async function readAll(child: Child, maxBytes: number, label: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      await child.stop();
      throw new HoldfastError('failed', `${label} printed more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function interrupted(label: string): HoldfastError {
  return new HoldfastError('interrupted', `${label} was interrupted`);
}
