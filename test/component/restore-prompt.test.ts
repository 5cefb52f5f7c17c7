import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { repositoryRoot } from '../helpers/stack.ts';

/** `holdfast restore shop` at a terminal, which script(1) makes; something is typed once it asks for it. */
async function restoreAndType(typed: string) {
  const folder = temporaryFolder();
  // What a restore asks for first once it may begin; here it goes no further.
  const restic = fakeProgram(folder, 'restic', 'echo "restic 0.1.0"');
  const command = `${process.execPath} ${join(repositoryRoot, 'agent/main.ts')} restore shop`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      TERM: 'dumb',
      RESTIC_REPOSITORY: join(folder, 'repository'),
      RESTIC_PASSWORD: 'x',
      HOLDFAST_RESTIC: restic,
      HOLDFAST_STATE_DIR: join(folder, 'state'),
      HOLDFAST_STATUS_DIR: join(folder, 'status'),
      DATABASE_URL: 'mysql://u:p@127.0.0.1:1/shop',
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let seen = '';
  let asked = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
    if (asked || !seen.includes('to go on: ')) return;
    asked = true;
    child.stdin.write(typed);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, seen };
}

test.each([
  ['another name', 'shpo\n', 2, 'the name does not match; nothing was changed'],
  ['nothing', '\n', 2, 'the name does not match; nothing was changed'],
  ['Ctrl-D', '\x04', 1, 'nothing was changed'],
  ['the name', 'shop\n', 1, 'restore of shop failed: restic 0.1.0 is too old'],
])(
  'a restore over the database, and %s is typed → it goes on for the name alone',
  async (_, typed, exit, told) => {
    const { code, seen } = await restoreAndType(typed);
    expect(seen).toContain('This overwrites everything in the database shop.');
    expect(seen).toContain(told);
    expect(code, seen).toBe(exit);
  },
);
