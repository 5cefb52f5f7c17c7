import { HoldfastError } from '../../core/errors.ts';
import { describeExit, type Command, type Exit, type Processes } from '../../process/run.ts';
import { startClient, type DumpClient } from './start-client.ts';
import { judgeStderr, withoutProgram } from './stderr.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';
import type { Dump, DumpFacts } from '../source.ts';

/** One run of a dump client, ready to start. */
export interface DumpPlan {
  command: Command;
  /** The command that may work where this one ended so, before its first byte; asked once. */
  otherwise?(exit: Exit): Command | null;
  /** What the client's bytes go through. */
  filter: ByteFilter;
  /** Asked when the client has ended well: throws `dump_incomplete` when what passed is not whole; returns warnings. */
  verify(): Promise<string[]>;
  /** What the client's words mean for a person, and its end where it had none, as far as more is known. */
  hint(said: string, exit: Exit): string | undefined;
  /** Removes what the run needed. Called once, whatever happened. */
  release(): Promise<void>;
}

export interface DumpOptions {
  /** How messages name it: `dump of shop`. */
  label: string;
  processes: Processes;
  signal: AbortSignal;
  /** A client that gives no byte for so long, although somebody waits for one, is ended. */
  idleTimeoutMs: number;
}

/** How long a client may take to die of SIGTERM before it is killed. */
const STOP_GRACE_MS = 500;

/**
 * Starts a dump client and stays with it until it is gone. The promises are those of `Dump`: `done` resolves only when
 * the client exited with 0, said no error, and `verify` found the bytes whole; it rejects with the first cause.
 */
export function openDump(options: DumpOptions, prepare: () => Promise<DumpPlan>): Dump {
  const reader = createReader();
  const done = conduct(options, prepare, reader);
  // Whoever aborts may never look at `done`.
  done.catch(() => undefined);
  return { stream: reader.stream(), done };
}

async function conduct(
  options: DumpOptions,
  prepare: () => Promise<DumpPlan>,
  reader: Reader,
): Promise<DumpFacts> {
  try {
    throwIfAborted(options);
    const plan = await prepare();
    try {
      throwIfAborted(options);
      return await supervise(options, plan, reader);
    } finally {
      await plan.release();
    }
  } finally {
    reader.nothingToRead();
  }
}

async function supervise(options: DumpOptions, plan: DumpPlan, reader: Reader): Promise<DumpFacts> {
  const client = await startClient(options.processes, plan, STOP_GRACE_MS);
  const cut = Promise.withResolvers<'cut'>();
  const cause: { first?: HoldfastError } = {};
  const stop = (error: HoldfastError) => {
    cause.first ??= error;
    cut.resolve('cut');
    client.stop();
  };
  const onAbort = () => stop(interrupted(options));
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  reader.read(client, plan.filter, options, stop);
  try {
    const exit = await client.exit;
    // The last bytes may still wait to be read; after a cut nobody will.
    await Promise.race([reader.finished, cut.promise]);
    if (cause.first !== undefined) throw cause.first;
    const warnings = judge(options, plan, exit);
    return { bytes: reader.bytes(), warnings: [...warnings, ...(await plan.verify())] };
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    client.release();
  }
}

/** What a client's end says of its dump: throws `dump_failed` with its first complaint, returns warnings. */
export function judge(
  options: Pick<DumpOptions, 'label'>,
  plan: Pick<DumpPlan, 'hint'>,
  exit: Exit,
): string[] {
  const { errors, warnings } = judgeStderr(exit.stderr);
  if (exit.code === 0 && errors.length === 0) return warnings.map(withoutProgram);
  const complaint = errors[0] ?? exit.stderr[0];
  // pg_dump says what failed in its first line and why in the next.
  const detail = exit.stderr.find((line) => /^\S+ detail: /.test(line));
  const said = [complaint, detail].filter((line) => line !== undefined).map(withoutProgram);
  throw new HoldfastError(
    'dump_failed',
    `${options.label} failed (${describeExit(exit)}): ${said.join('; ') || 'it said nothing'}`,
    { hint: plan.hint(exit.stderr.join('\n'), exit) },
  );
}

interface Reader {
  stream(): AsyncGenerator<Buffer>;
  read(
    client: DumpClient,
    filter: ByteFilter,
    options: DumpOptions,
    stop: (error: HoldfastError) => void,
  ): void;
  nothingToRead(): void;
  /** Settles when the reader has had the last byte, or wants no more. */
  readonly finished: Promise<true>;
  bytes(): number;
}

function createReader(): Reader {
  const source = Promise.withResolvers<(() => AsyncGenerator<Buffer>) | null>();
  const finished = Promise.withResolvers<true>();
  let bytes = 0;
  return {
    finished: finished.promise,
    bytes: () => bytes,
    nothingToRead: () => source.resolve(null),
    read: (client, filter, options, stop) =>
      source.resolve(() => filtered(client.output(), filter, options, stop)),
    async *stream() {
      const chunks = await source.promise;
      if (chunks === null) return;
      try {
        for await (const chunk of chunks()) {
          if (chunk.length === 0) continue;
          bytes += chunk.length;
          yield chunk;
        }
      } finally {
        finished.resolve(true);
      }
    },
  };
}

/** Ends where the client's output ends; why it ended is told by `done` alone. */
async function* filtered(
  chunks: AsyncGenerator<Buffer>,
  filter: ByteFilter,
  options: DumpOptions,
  stop: (error: HoldfastError) => void,
): AsyncGenerator<Buffer> {
  let waiting = false;
  const idle = setInterval(() => {
    if (!waiting) return;
    const seconds = options.idleTimeoutMs / 1000;
    stop(
      new HoldfastError('dump_failed', `${options.label} gave no byte for ${seconds} s and was ended`, {
        hint: 'See what holds a lock on the database (SHOW PROCESSLIST, pg_locks), then back up again.',
      }),
    );
  }, options.idleTimeoutMs);
  let ended = false;
  try {
    for (;;) {
      waiting = true;
      idle.refresh();
      const next = await chunks.next();
      waiting = false;
      if (next.done === true) break;
      yield* filter.push(next.value);
    }
    yield* filter.end();
    ended = true;
  } catch (error) {
    ended = true;
    // Destroying the output of a client that was stopped surfaces here; its cause is known by then and this one is dropped.
    stop(asFailure(options, error));
  } finally {
    clearInterval(idle);
    if (!ended) stop(new HoldfastError('dump_failed', `${options.label} was not read to its end`));
  }
}

function asFailure(options: DumpOptions, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new HoldfastError('dump_failed', `${options.label} failed: ${said}`, { cause: error });
}

function throwIfAborted(options: DumpOptions): void {
  if (options.signal.aborted) throw interrupted(options);
}

function interrupted(options: DumpOptions): HoldfastError {
  return new HoldfastError('interrupted', `${options.label} was interrupted`);
}
