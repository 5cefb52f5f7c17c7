import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { describe as show, shell } from '../helpers/shell.ts';
import { repositoryRoot } from '../helpers/stack.ts';

test.each([
  ['a layer that is none', 'scripts/test unti', /error: there is no layer named unti, only: lint unit/],
  ['a layer to leave out that is none', 'scripts/test --without unti', /--without needs the name of a layer/],
  ['no layer at all', 'scripts/test unit --without unit', /error: nothing is left to run/],
  ['results to be written without the faults', 'scripts/test unit --write', /--write needs the layer faults/],
])('%s → nothing runs, the usage is shown, and exit 2', async (_, command, said) => {
  const finished = await shell(command, { cwd: repositoryRoot, timeoutMs: 20_000 });
  expect(finished.stderr).toMatch(said);
  expect(finished.stderr).toMatch(/hint: scripts\/test \[LAYER…\]/);
  expect(finished.stdout).toBe('');
  expect(finished.code, show(finished)).toBe(2);
});

test('what a layer needs cannot be had → it cannot run, which counts as failed and is told with how to leave it out', async () => {
  const folder = temporaryFolder();
  cpSync(join(repositoryRoot, 'scripts'), join(folder, 'scripts'), { recursive: true });
  fakeProgram(folder, 'npm', 'echo "npm: the registry does not answer" >&2; exit 1');
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOLDFAST_CACHE: join(folder, 'cache') };
  const finished = await shell('scripts/test unit component --without compose', {
    ...{ cwd: folder, env, timeoutMs: 20_000 },
  });
  expect(finished.stderr).toMatch(
    /npm: the registry does not answer[^]*error: unit cannot run here .*scripts\/test --without unit leaves it out/,
  );
  expect(finished.stdout).toMatch(
    /^unit +CANNOT RUN +0 +1 .*\ncomponent +CANNOT RUN +0 +1 .*\nleft out: compose\n\n0 passed, 2 failed\n$/m,
  );
  expect(finished.code, show(finished)).toBe(1);
});
