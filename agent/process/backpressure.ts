import type { Writable } from 'node:stream';

/**
 * A writer's end of a stream. It listens to the stream once, however many thousand chunks pass: listeners, signals and
 * timers made anew for each chunk cost more than carrying the bytes.
 */
export interface Outlet {
  /** False when the stream is full: then `drained` tells when it takes more. Throws when it failed, closed or the signal is aborted. */
  push(chunk: Buffer): boolean;
  /** Writes, and resolves when there is room for more. Rejects as `drained` does. */
  write(chunk: Buffer): Promise<void>;
  /**
   * Resolves when the stream takes bytes again. Rejects when it fails or closes instead (a destroyed stream never drains,
   * and waiting for it would be for ever) or when the signal is aborted.
   */
  drained(): Promise<void>;
  /** Stops listening. */
  release(): void;
}

export function createOutlet(target: Writable, signal: AbortSignal): Outlet {
  let waiting: PromiseWithResolvers<void> | null = null;
  const onDrain = () => {
    waiting?.resolve();
    waiting = null;
  };
  const fail = (error: unknown) => {
    waiting?.reject(error);
    waiting = null;
  };
  const onClose = () => fail(new ClosedStreamError(target));
  const onAbort = () => fail(signal.reason);
  target.on('drain', onDrain).on('close', onClose).on('error', onClose);
  signal.addEventListener('abort', onAbort);

  const push = (chunk: Buffer) => {
    signal.throwIfAborted();
    if (target.destroyed) throw new ClosedStreamError(target);
    return target.write(chunk);
  };
  const drained = async () => {
    signal.throwIfAborted();
    if (target.destroyed || target.errored !== null) throw new ClosedStreamError(target);
    waiting ??= Promise.withResolvers();
    return waiting.promise;
  };
  return {
    push,
    drained,
    write: async (chunk) => {
      if (!push(chunk)) await drained();
    },
    release: () => {
      target.off('drain', onDrain).off('close', onClose).off('error', onClose);
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** The other end went away. It says nothing of why: the program at the other end knows. */
export class ClosedStreamError extends Error {
  readonly target: Writable;

  constructor(target: Writable) {
    super(
      'the receiving program closed its input',
      target.errored === null ? undefined : { cause: target.errored },
    );
    this.name = 'ClosedStreamError';
    this.target = target;
  }
}
