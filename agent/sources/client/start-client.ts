import type { Readable } from 'node:stream';
import type { Child, Command, Exit, Processes } from '../../process/run.ts';
import { isError } from './stderr.ts';

/** A dump client, in its second run where the first one ended before its first byte. */
export interface DumpClient {
  /** What the run that counts prints. To be read once. */
  output(): AsyncGenerator<Buffer>;
  /** How the run that counts ended. Does not wait for the output to be read. Rejects when a second run cannot be started. */
  readonly exit: Promise<Exit>;
  /** Ends the run that goes on, and allows no other. */
  stop(): void;
  /** Lets go of output that nobody reads. */
  release(): void;
}

/** Starts the client by its command; where that run ends and `otherwise` knows another command, by that one. */
export async function startClient(
  processes: Processes,
  plan: { command: Command; otherwise?(exit: Exit): Command | null },
  graceMs: number,
): Promise<DumpClient> {
  const start = async (command: Command) => {
    const child = await processes.start({ ...command, matters: isError });
    child.stdin.end();
    return child;
  };
  const first = await start(plan.command);
  const state: { running: Child; stopped: boolean } = { running: first, stopped: false };
  const stop = () => {
    state.stopped = true;
    void state.running.stop(graceMs);
  };
  const second = async (): Promise<Child | null> => {
    if (plan.otherwise === undefined) return null;
    const command = plan.otherwise(await first.exit);
    if (command === null || state.stopped) return null;
    state.running = await start(command);
    if (state.stopped) stop();
    return state.running;
  };
  const next = second();
  const exit = next.then((child) => (child ?? first).exit);
  // Whoever stops it may never ask how it ended.
  exit.catch(() => undefined);
  return {
    async *output() {
      yield* first.stdout as Readable & AsyncIterable<Buffer>;
      const child = await next;
      if (child !== null) yield* child.stdout as Readable & AsyncIterable<Buffer>;
    },
    exit,
    stop,
    release: () => void state.running.stdout.destroy(),
  };
}
