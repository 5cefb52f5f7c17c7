import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/folder.ts';
import { describe as show, shell } from '../helpers/shell.ts';
import { repositoryRoot } from '../helpers/stack.ts';

/** A machine where nothing is there, and nobody may install it: its apt, if it has one, knows no package and no mirror. */
function bareMachine({ apt }: { apt: boolean }): string {
  return [
    'can_install() { false; }',
    'is_installed() { false; }',
    `have() { [ "$1" = apt-get ] && ${apt}; }`,
    'mirror_of() { :; }',
    'restic() { return 127; }',
    'need_npm() { need_packages "npm" nodejs npm; }',
  ].join('\n');
}

/** What becomes of some lines of the scripts there. */
async function on(machine: string, lines: string) {
  const cache = temporaryFolder();
  const script = `set -euo pipefail\n. scripts/lib/all.sh\n${machine}\n${lines}`;
  const options = { cwd: repositoryRoot, timeoutMs: 20_000, env: { HOLDFAST_CACHE: cache } };
  const finished = await shell(script, options);
  return { ...finished, links: readdirSync(join(cache, 'bin')), shown: show(finished) };
}

/** What scripts/demo asks for first, and what tests of a repository over the network need beside it. */
const NEEDED = 'need_all npm restic rest-server mariadb nginx pigz';
const ALL = 'mariadb-client mariadb-server nginx nodejs npm pigz zstd';

test('not root → everything that is missing at once, with the line that installs it, and exit 2', async () => {
  const { code, stderr, links, shown } = await on(bareMachine({ apt: true }), NEEDED);
  expect(stderr).toBe(
    `error: these Debian packages are missing, and only root can install them: ${ALL}; and these programs, which cannot be fetched here: rest-server restic>=0.19.1\n` +
      `hint: sudo apt-get install --no-install-recommends ${ALL}; rest-server restic>=0.19.1: from https://restic.net, onto PATH\n`,
  );
  expect(code, shown).toBe(2);
  expect(links).toEqual([]);
});

test('no apt → the same list by Debian’s names, and exit 2', async () => {
  const { code, stderr, links, shown } = await on(bareMachine({ apt: false }), NEEDED);
  expect(stderr).toBe(
    `error: these are missing, and there is no apt-get here to install them: ${ALL} rest-server restic>=0.19.1\n` +
      "hint: install them with this system's own package manager; the names are Debian's; rest-server restic>=0.19.1: from https://restic.net if it has none\n",
  );
  expect(code, shown).toBe(2);
  expect(links).toEqual([]);
});

test.each([
  ['restic', 'restic>=0.19.1', 'restic.net'],
  ['rest-server', 'rest-server', 'github.com/restic/rest-server'],
])('%s alone, which cannot be fetched → named with where it is, and exit 2', async (part, name, where) => {
  const { code, stderr, links, shown } = await on(bareMachine({ apt: false }), `need ${part}`);
  expect(stderr).toMatch(new RegExp(`^error: .*: needs ${name}, .*\\nhint: https://${where}.* PATH\\n$`));
  expect(code, shown).toBe(2);
  expect(links).toEqual([]);
});

test.each(['restic', 'rest-server'])(
  '%s is known to the mirror and cannot be downloaded → said, exit 1, and no link to nowhere is left',
  async (part) => {
    const machine = `${bareMachine({ apt: true })}\nis_debian() { true; }\nmirror_of() { echo http://localhost; }\nwithin() { false; }`;
    const { code, stderr, links, shown } = await on(machine, `need ${part}`);
    expect(stderr).toMatch(new RegExp(`error: ${part} could not be installed\\n`));
    expect(code, shown).toBe(1);
    expect(links).toEqual([]);
  },
);
