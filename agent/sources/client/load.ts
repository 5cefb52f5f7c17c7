import { HoldfastError } from '../../core/errors.ts';
import { createOutlet } from '../../process/backpressure.ts';
import { describeExit, type Child, type Command, type Exit, type Processes } from '../../process/run.ts';
import { isError, judgeStderr, withoutProgram } from './stderr.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';

export interface LoadOptions {
  /** How messages name it: `loading into shop`. */
  label: string;
  processes: Processes;
  signal: AbortSignal;
  command: Command;
  filter: ByteFilter;
  /** What the client's complaint means for a person, where more is known. */
  hints: [complaint: RegExp, hint: string][];
}

const STOP_GRACE_MS = 500;

/**
 * Writes a dump into a load client. Throws `restore_failed` with the client's first complaint as soon as the client is
 * gone, what the dump's own stream threw, or `interrupted`; in every case the client is gone by then.
 */
export async function loadDump(options: LoadOptions, dump: AsyncIterable<Buffer>): Promise<void> {
  const { label, signal } = options;
  const aborted = () => signal.aborted;
  if (aborted()) throw interrupted(label);
  const child = await options.processes.start({ ...options.command, matters: isError });
  const stop = () => void child.stop(STOP_GRACE_MS);
  signal.addEventListener('abort', stop, { once: true });
  if (aborted()) stop();
  // What a client prints on stdout is nobody's business, but an unread pipe would block it.
  void discard(child.stdout);
  try {
    await feed(child, options.filter, dump, signal);
    child.stdin.end();
    judge(options, await child.exit);
  } catch (error) {
    // The client must not take a half-written dump for a whole one: it dies before its stdin is closed.
    await child.stop(STOP_GRACE_MS);
    if (aborted()) throw interrupted(label);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    child.stdin.destroy();
  }
}

/** Returns at once when the client goes, even while the dump's next bytes are awaited; why is in its exit. */
async function feed(
  child: Child,
  filter: ByteFilter,
  dump: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  const chunks = dump[Symbol.asyncIterator]();
  let gone = false;
  const isGone = () => gone;
  let wake: () => void = () => undefined;
  const outlet = createOutlet(child.stdin, signal);
  void child.exit.then(() => {
    gone = true;
    wake();
  });
  const write = async (pieces: Buffer[]) => {
    for (const piece of pieces) {
      if (isGone() || piece.length === 0) continue;
      // A client that is gone closes its input: its exit says why, not this.
      await outlet.write(piece).catch(() => undefined);
    }
  };
  let ended = false;
  try {
    while (!isGone() && !ended) {
      const step = Promise.withResolvers<IteratorResult<Buffer, unknown> | null>();
      wake = () => step.resolve(null);
      chunks.next().then(step.resolve, step.reject);
      const next = await step.promise;
      ended = next?.done === true;
      if (next !== null && next.done !== true) await write(filter.push(next.value));
    }
    // A client that went before the dump came has its own reason: what the filter misses is not it.
    if (!isGone()) await write(filter.end());
  } finally {
    outlet.release();
    // Not awaited: a stream that hangs would hold us.
    if (!ended) chunks.return?.().catch(() => undefined);
  }
}

async function discard(output: AsyncIterable<unknown>): Promise<void> {
  const chunks = output[Symbol.asyncIterator]();
  // What breaks here shows in the client's exit.
  while ((await chunks.next().catch(() => ({ done: true }))).done !== true);
}

function judge({ label, signal, hints }: LoadOptions, exit: Exit): void {
  if (signal.aborted) throw interrupted(label);
  const { errors } = judgeStderr(exit.stderr);
  if (exit.code === 0 && errors.length === 0) return;
  const complaint = exit.stderr.find((line) => /^ERROR|error:/.test(line)) ?? errors[0] ?? exit.stderr[0];
  const said = complaint === undefined ? 'it said nothing' : withoutProgram(complaint);
  const hint = hints.find(([pattern]) => pattern.test(said))?.[1];
  throw new HoldfastError('restore_failed', `${label} failed (${describeExit(exit)}): ${said}`, { hint });
}

function interrupted(label: string): HoldfastError {
  return new HoldfastError('interrupted', `${label} was interrupted`);
}
