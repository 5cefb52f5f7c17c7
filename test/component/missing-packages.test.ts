import { expect, test } from 'vitest';
import { describe as show, shell } from '../helpers/shell.ts';
import { repositoryRoot } from '../helpers/stack.ts';

/** What scripts/demo asks for first, on a machine where none of it is there and nobody may install it. */
async function needOn({ apt }: { apt: boolean }) {
  const machine = [
    'can_install() { false; }',
    'is_installed() { false; }',
    `have() { [ "$1" = apt-get ] && ${apt}; }`,
    'need_npm() { need_packages "npm" nodejs npm; }',
    'need_restic() { :; }',
  ].join('\n');
  const script = `set -euo pipefail\n. scripts/lib/all.sh\n${machine}\nneed_all npm restic mariadb nginx pigz`;
  const finished = await shell(script, { cwd: repositoryRoot, timeoutMs: 20_000 });
  expect(finished.code, show(finished)).toBe(2);
  return finished.stderr;
}

const ALL = 'mariadb-client mariadb-server nginx nodejs npm pigz zstd';

test('not root → everything that is missing at once, with the line that installs it, and exit 2', async () => {
  expect(await needOn({ apt: true })).toBe(
    `error: these Debian packages are missing, and only root can install them: ${ALL}\n` +
      `hint: sudo apt-get install --no-install-recommends ${ALL}\n`,
  );
});

test('no apt → the same list by Debian’s names, and exit 2', async () => {
  expect(await needOn({ apt: false })).toBe(
    `error: these are missing, and there is no apt-get here to install them: ${ALL}\n` +
      "hint: install them with this system's own package manager; the names are Debian's\n",
  );
});
