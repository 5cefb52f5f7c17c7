import { HoldfastError } from '../core/errors.ts';

/**
 * Runs work that holds something (a connection): when the signal aborts or the time is over, `cut` ends what is held,
 * which makes the work fail, and the reason is thrown as `interrupted` or `timeout` instead of what the work said then.
 */
export async function within<T>(
  what: string,
  limits: { signal: AbortSignal; timeoutMs: number },
  cut: () => void,
  work: () => Promise<T>,
): Promise<T> {
  if (limits.signal.aborted) throw new HoldfastError('interrupted', `${what} was interrupted`);
  const { promise: cutOff, reject } = Promise.withResolvers<never>();
  cutOff.catch(() => undefined);
  const end = (error: HoldfastError) => {
    reject(error);
    cut();
  };
  const onAbort = () => end(new HoldfastError('interrupted', `${what} was interrupted`));
  const timer = setTimeout(
    () => end(new HoldfastError('timeout', `${what} gave no answer within ${limits.timeoutMs / 1000} s`)),
    limits.timeoutMs,
  );
  limits.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), cutOff]);
  } finally {
    clearTimeout(timer);
    limits.signal.removeEventListener('abort', onAbort);
  }
}
