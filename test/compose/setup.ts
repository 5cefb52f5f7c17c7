import { createHash } from 'node:crypto';
import { projectPrefix, repositoryRoot } from '../helpers/stack.ts';
import { shell, succeed } from '../helpers/shell.ts';

/** What is built, and the variable by which the compose files know it. */
const images = {
  HOLDFAST_AGENT_IMAGE: 'holdfast-agent',
  HOLDFAST_SENTINEL_IMAGE: 'holdfast-sentinel',
  HOLDFAST_DEMO_IMAGE: 'holdfast-demo-app',
};

const bareMachineMs = 15 * 60_000;

/** Before the compose tests: an engine, base images, and the product's images as the sources are now. */
export async function setup() {
  const here = { cwd: repositoryRoot, timeoutMs: bareMachineMs };
  // The scripts decide which engine answers and whether stand-ins are needed; what they export is for us too.
  const told = await succeed(
    'set -euo pipefail; eval "$(scripts/setup --env docker images)"; for name in DOCKER_HOST DOCKER_CONFIG POSTGRES_CLIENTS; do echo "$name=${!name-}"; done',
    here,
  );
  for (const line of told.stdout.trimEnd().split('\n')) {
    const at = line.indexOf('=');
    if (line.length > at + 1) process.env[line.slice(0, at)] = line.slice(at + 1);
  }
  // Names of this clone alone: another clone on the same engine builds other sources.
  const clone = createHash('sha256').update(repositoryRoot).digest('hex').slice(0, 8);
  for (const [variable, image] of Object.entries(images)) process.env[variable] = `${image}:test-${clone}`;

  await removeLeftovers();
  await succeed('docker compose build db_backup sentinel app', here);
  for (const image of Object.values(images)) {
    await succeed(`docker image prune --force --filter label=org.opencontainers.image.title=${image}`, here);
  }
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
