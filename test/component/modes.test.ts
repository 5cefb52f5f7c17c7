import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { repositoryRoot } from '../helpers/stack.ts';

const modes = join(repositoryRoot, 'agent/image/modes.sh');

/** What backup.sh and restore.sh call the program with, an argument on each line. */
function callOf(script: 'back_up' | 'restore', args: string[]) {
  const program = fakeProgram(temporaryFolder(), 'holdfast', `printf '%s\\n' "$@"`);
  const command = `. ${modes}; ${script} ${program} "$@"`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', ...args], {
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
  });
  return { status, stderr, call: stdout.trim().split('\n') };
}

describe('backup.sh', () => {
  test.each([
    { args: [], call: ['backup'] },
    { args: ['shop'], call: ['backup', 'shop'] },
    { args: ['full', 'shop'], call: ['backup', 'shop'] },
    { args: ['global'], call: ['backup', '--global'] },
    {
      args: ['tenants-schemas', 'clinic', '--keep', '7'],
      call: ['backup', '--tenants', 'clinic', '--keep', '7'],
    },
    { args: ['tenant', `-4'2`, 'clinic'], call: ['backup', `--tenant=-4'2`, 'clinic'] },
  ])('$args → $call', ({ args, call }) => {
    expect(callOf('back_up', args)).toMatchObject({ status: 0, call });
  });
});

describe('restore.sh', () => {
  test.each([
    { args: ['full', 'a b.dump.gz'], call: ['load', 'a b.dump.gz'] },
    { args: ['tenant', '42', 'f.dump', '--to', 'x'], call: ['load', '--tenant=42', 'f.dump', '--to', 'x'] },
    { args: ['sqlfile', 'f.sql.gz'], call: ['load', '--script', 'f.sql.gz'] },
  ])('$args → $call', ({ args, call }) => {
    expect(callOf('restore', args)).toMatchObject({ status: 0, call });
  });

  test.each([[[]], [['full']], [['tenant', '42']], [['sqlfile']], [['everything', 'f']]])(
    '%j → refused, with what is missing',
    (args) => {
      expect(callOf('restore', args)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/^error: .*restore\.sh/) as string,
      });
    },
  );
});

test.each([
  { what: 'nothing says where', environment: {}, repository: '/repository' },
  { what: 'a repository is named', environment: { RESTIC_REPOSITORY: '/mine' }, repository: '/mine' },
  { what: 'a bucket is named', environment: { S3_BUCKET: 'mine' }, repository: '' },
  { what: 'a file names it', environment: { RESTIC_REPOSITORY_FILE: '/run/secrets/r' }, repository: '' },
  { what: 'the YAML file names it', file: 'repository:\n  location: /r\n', repository: '' },
  { what: 'the YAML file names it in braces', file: 'repository: {location: /r}\n', repository: '' },
  {
    what: 'a comment of the YAML file names it',
    file: '# repository: {location: /r}\n',
    repository: '/repository',
  },
  { what: 'the YAML file names other things', file: 'host: location\n', repository: '/repository' },
])("the image's holdfast, $what → the repository that is left to the agent is '$repository'", (given) => {
  const folder = temporaryFolder();
  const file = join(folder, 'holdfast.yml');
  if (given.file !== undefined) writeFileSync(file, given.file);
  fakeProgram(folder, 'node', `printf '%s' "$RESTIC_REPOSITORY"`);
  const told = execFileSync('sh', [join(repositoryRoot, 'agent/image/bin/holdfast')], {
    env: { PATH: `${folder}:${process.env['PATH']}`, HOLDFAST_CONFIG: file, ...given.environment },
    encoding: 'utf8',
  });
  expect(told).toBe(given.repository);
});

test('the scripts of the clone → tell what they do not understand', () => {
  const script = join(repositoryRoot, 'scripts/restore.sh');
  expect(spawnSync(script, [], { encoding: 'utf8' })).toMatchObject({ status: 2 });
  expect(execFileSync('sh', ['-n', join(repositoryRoot, 'scripts/backup.sh')], { encoding: 'utf8' })).toBe(
    '',
  );
});
