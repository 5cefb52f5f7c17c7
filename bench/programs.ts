import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('..', import.meta.url));

/**
 * The PATH on which everything lies that the bench compares. As root missing Debian packages are installed; anybody else is
 * told what to install. Throws when something is missing.
 */
export function needPrograms(): string {
  const script = `
    set -euo pipefail
    . scripts/lib/all.sh
    for part in restic mariadb postgres pigz nginx wrk; do need "$part" >&2; done
    use_node
    printf %s "$PATH"`;
  return execFileSync('bash', ['-c', script], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
