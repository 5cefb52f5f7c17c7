import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { repositoryRoot } from '../helpers/stack.ts';

const modes = join(repositoryRoot, 'agent/image/modes.sh');

/** What backup.sh and restore.sh call the program with, an argument on each line, and the repository that it sees. */
function callOf(script: 'back_up' | 'restore', args: string[], environment: Record<string, string> = {}) {
  const program = fakeProgram(temporaryFolder(), 'holdfast', `printf '%s\\n' "$@" "at $RESTIC_REPOSITORY"`);
  const command = `. ${modes}; ${script} ${program} "$@"`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    encoding: 'utf8',
  });
  const said = stdout.trim().split('\n');
  return { status, stderr, call: said.slice(0, -1), repository: said.at(-1) };
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

  test('a bucket in place of a repository → the repository there; one that is named stays', () => {
    const bucket = { S3_BUCKET: 'mine', S3_PATH: 'clinic/db', AWS_REGION: 'eu-south-1' };
    expect(callOf('back_up', [], bucket).repository).toBe(
      'at s3:https://s3.eu-south-1.amazonaws.com/mine/clinic/db',
    );
    const elsewhere = { S3_BUCKET: 'mine', S3_ENDPOINT: 'https://s3.example.com' };
    expect(callOf('back_up', [], elsewhere).repository).toBe('at s3:https://s3.example.com/mine');
    expect(callOf('back_up', [], { ...bucket, RESTIC_REPOSITORY: '/mine' }).repository).toBe('at /mine');
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

test('the scripts of the clone → tell what they do not understand', () => {
  const script = join(repositoryRoot, 'scripts/restore.sh');
  expect(spawnSync(script, [], { encoding: 'utf8' })).toMatchObject({ status: 2 });
  expect(execFileSync('sh', ['-n', join(repositoryRoot, 'scripts/backup.sh')], { encoding: 'utf8' })).toBe(
    '',
  );
});
