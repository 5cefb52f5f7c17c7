import type { Writable } from 'node:stream';

/**
 * Resolves when the stream takes bytes again. Rejects when it fails or closes instead (a destroyed stream never drains,
 * and waiting for it would be for ever) or when the signal is aborted.
 */
export function drained(target: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      target.off('drain', onDrain).off('close', onClose).off('error', onClose);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onDrain = settle(resolve);
    const onClose = settle(() => reject(new ClosedStreamError(target)));
    const onAbort = settle(() => reject(signal.reason as Error));
    if (signal.aborted) return onAbort();
    if (target.destroyed || target.errored !== null) return onClose();
    target.on('drain', onDrain).on('close', onClose).on('error', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Writes and waits until there is room for more. */
export async function writeTo(target: Writable, chunk: Buffer, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (target.destroyed) throw new ClosedStreamError(target);
  if (!target.write(chunk)) await drained(target, signal);
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
