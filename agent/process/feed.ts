import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../core/errors.ts';
import { ClosedStreamError, createOutlet } from './backpressure.ts';
import { describeExit, type Child, type Command, type Exit, type Processes } from './run.ts';
import { createSpool, type SpoolOptions } from './spool.ts';

export interface FeedOptions {
  /** Starts the dump; the signal it gets is aborted when anything else fails. */
  open: (signal: AbortSignal) => FeedSource;
  /** Null: the plain bytes go to the sink. */
  compress: Command | null;
  sink: Writable;
  spool: SpoolOptions;
  signal: AbortSignal;
  onProgress?: ((progress: FeedProgress) => void) | undefined;
}

/** What `feed` needs of a dump: its bytes, and a promise that tells whether they were a dump. */
export interface FeedSource {
  stream: AsyncIterable<Buffer>;
  done: Promise<{ bytes: number; warnings: string[] }>;
}

export interface FeedProgress {
  dumpBytes: number;
  storedBytes: number;
}

export interface FeedFacts extends FeedProgress {
  warnings: string[];
  spooledBytes: number;
}

/**
 * Carries a dump through a compressor into a sink, and **never closes the sink**: its end-of-file is the caller's to
 * give, once this promise has resolved. It resolves only when the dump is known good, every program exited 0 and every
 * byte was handed over. Otherwise it rejects with the first cause, after the dump and the compressor are gone:
 * the dump's own error, `tool_missing` or `failed` for the compressor, `ClosedStreamError` when the sink went away.
 */
export async function feed(processes: Processes, options: FeedOptions): Promise<FeedFacts> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const compressor = options.compress === null ? null : await processes.start(options.compress);
  const firstStage = compressor === null ? options.sink : compressor.stdin;
  const outlet = createOutlet(options.sink, signal);
  const spool = createSpool(firstStage, options.spool, signal);
  const progress: FeedProgress = { dumpBytes: 0, storedBytes: 0 };
  const report = () => options.onProgress?.({ ...progress });

  const dump = options.open(signal);
  // It is awaited below; until then a rejection must not count as unhandled.
  dump.done.catch(() => undefined);

  const carryDump = async () => {
    for await (const chunk of dump.stream) {
      progress.dumpBytes += chunk.length;
      if (compressor === null) progress.storedBytes += chunk.length;
      await spool.write(chunk);
      report();
    }
    // A dump that was cut short has ended its stream as well: only `done` tells.
    const facts = await dump.done;
    await spool.flush();
    compressor?.stdin.end();
    return facts;
  };

  const carryCompressed = async (child: Child) => {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      progress.storedBytes += chunk.length;
      await outlet.write(chunk);
      report();
    }
    const exit = await child.exit;
    if (exit.code === 0) return;
    throw compressorFailure(exit);
  };

  const stages = [carryDump(), ...(compressor === null ? [] : [carryCompressed(compressor)])] as const;
  try {
    const [facts] = await Promise.all(stages);
    return { ...progress, warnings: facts.warnings, spooledBytes: spool.spooledBytes };
  } catch (error) {
    const cause: unknown = options.signal.aborted
      ? options.signal.reason
      : await firstCause(error, compressor, options.signal);
    stop.abort(cause);
    await compressor?.stop();
    await Promise.allSettled([...stages, dump.done]);
    throw cause;
  } finally {
    outlet.release();
    await spool.close();
  }
}

const ENDS_WITHIN_MS = 10_000;

/** A stage that finds its receiver gone knows nothing of why: if that was the compressor, its exit tells. */
async function firstCause(error: unknown, compressor: Child | null, signal: AbortSignal): Promise<unknown> {
  if (!(error instanceof ClosedStreamError) || error.target !== compressor?.stdin) return error;
  // One that has closed its input and does not end must not keep the run.
  const exit = await Promise.race([
    compressor.exit,
    delay(ENDS_WITHIN_MS, null, { ref: false, signal }),
  ]).catch(() => null);
  if (exit === null) {
    const what = 'the compressor closed its input and did not end';
    return signal.aborted ? signal.reason : new HoldfastError('failed', what, { cause: error });
  }
  if (exit.code === 0) {
    return new HoldfastError('failed', 'the compressor ended before it had read everything', {
      cause: error,
    });
  }
  return compressorFailure(exit, error);
}

function compressorFailure(exit: Exit, cause?: unknown): HoldfastError {
  const said = exit.stderr[0] === undefined ? '' : `: ${exit.stderr[0]}`;
  return new HoldfastError('failed', `the compressor ended with ${describeExit(exit)}${said}`, { cause });
}
