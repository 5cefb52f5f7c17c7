import { execFileSync } from 'node:child_process';

/** The lock that a backup on a machine of another name left when it was killed: what needs the repository alone waits for it. */
export function foreignLock(environment: Record<string, string>): string {
  return lockOf(BACKUP, environment);
}

/** That of a prune, which had the repository alone. */
export function foreignPrune(environment: Record<string, string>): string {
  return lockOf(PRUNE, environment);
}

function lockOf(script: string, env: Record<string, string>): string {
  const lock = execFileSync('bash', ['-c', script], { env }).toString().trim();
  if (!/^[0-9a-f]{64}$/.test(lock)) throw new Error(`no lock was left: ${lock}`);
  return lock;
}

const BACKUP = `
  unshare --uts bash -c 'hostname elsewhere; (sleep 600) | exec restic backup --stdin --host elsewhere >/dev/null 2>&1' &
  until lock=$(ls "$RESTIC_REPOSITORY/locks" | grep -xE '[0-9a-f]{64}'); do sleep 0.05; done
  pkill -9 -P $! restic; pkill -9 -P $! sleep; kill -9 $!
  echo "$lock"`;

const PRUNE = `
  unshare --uts bash -c 'hostname elsewhere
    find_lock() { ls "$RESTIC_REPOSITORY/locks" | grep -xE "[0-9a-f]{64}"; }
    until find_lock; do
      restic prune >/dev/null 2>&1 & prune=$!
      while kill -0 $prune 2>/dev/null && [ -z "$(find_lock)" ]; do :; done
      kill -9 $prune 2>/dev/null; wait $prune 2>/dev/null
    done; true'`;
