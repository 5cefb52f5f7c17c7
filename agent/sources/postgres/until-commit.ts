/** A signal that follows another until the commit begins, and from then on a deadline alone. */
export function untilCommit(signal: AbortSignal): {
  signal: AbortSignal;
  onCommit: () => void;
  release: () => void;
} {
  const cut = new AbortController();
  const follow = () => cut.abort(signal.reason);
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const release = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', follow);
  };
  const onCommit = () => {
    release();
    timer = setTimeout(() => cut.abort(), COMMIT_TIMEOUT_MS);
  };
  return { signal: cut.signal, onCommit, release };
}

const COMMIT_TIMEOUT_MS = 120_000;
