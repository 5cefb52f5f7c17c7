import { projectPrefix, repositoryRoot } from '../helpers/stack.ts';
import { shell, succeed } from '../helpers/shell.ts';

const bareMachineMs = 15 * 60_000;

/** Before the compose tests: an engine, base images, and the product's images as the sources are now. */
export async function setup() {
  const here = { cwd: repositoryRoot, timeoutMs: bareMachineMs };
  // The scripts decide which engine answers and whether stand-ins are needed; what they export is for us too.
  const prepared = await succeed(
    `set -euo pipefail; . scripts/lib/all.sh; need docker >&2; need images >&2
     for name in DOCKER_HOST DOCKER_CONFIG POSTGRES_CLIENTS; do [ -z "\${!name-}" ] || printf '%s=%s\\n' "$name" "\${!name}"; done`,
    here,
  );
  for (const line of prepared.stdout.trimEnd().split('\n')) {
    const [name = '', ...value] = line.split('=');
    if (name !== '') process.env[name] = value.join('=');
  }
  await removeLeftovers();
  await succeed('docker compose build db_backup sentinel app', here);
}

/** Projects of test runs that were killed. */
async function removeLeftovers() {
  const here = { cwd: repositoryRoot };
  const listed = await succeed(`docker compose ls --all --quiet --filter name=${projectPrefix}`, here);
  for (const name of listed.stdout.split('\n').filter((line) => line.startsWith(projectPrefix))) {
    const pid = Number(name.slice(projectPrefix.length).split('-')[0]);
    if (isAlive(pid)) continue;
    await shell(`docker compose -p ${name} down --volumes --remove-orphans --timeout 1`, here);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
