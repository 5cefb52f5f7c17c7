import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { repositoryContract } from '../../contracts/repository.ts';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { testRepository } from '../../helpers/repository.ts';
import { freePort } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';

/** A real sshd on loopback with keys of its own; `ssh` is told of them by a config file, as a person would have it in ~/.ssh. */
async function sftpRepository(existing: boolean) {
  const folder = temporaryFolder();
  const port = await freePort();
  for (const key of ['host_key', 'client_key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)]);
  }
  cpSync(join(folder, 'client_key.pub'), join(folder, 'authorized_keys'));
  mkdirSync('/run/sshd', { recursive: true });
  const options = [
    `HostKey=${folder}/host_key`,
    `AuthorizedKeysFile=${folder}/authorized_keys`,
    `ListenAddress=127.0.0.1:${port}`,
    `PidFile=${folder}/sshd.pid`,
    'StrictModes=no',
    'UsePAM=no',
    'PasswordAuthentication=no',
    'PermitRootLogin=yes',
    'Subsystem=sftp internal-sftp',
  ];
  const server = spawn('/usr/sbin/sshd', [
    '-D',
    '-e',
    '-f',
    '/dev/null',
    ...options.flatMap((option) => ['-o', option]),
  ]);
  onTestFinished(() => void server.kill('SIGKILL'));
  const config = join(folder, 'ssh_config');
  writeFileSync(
    config,
    `IdentityFile ${folder}/client_key\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n`,
  );
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  fakeProgram(programs, 'ssh', `exec /usr/bin/ssh -F ${config} "$@"`);
  chmodSync(folder, 0o755);
  const at = `${userInfo().username}@127.0.0.1`;
  await until('sshd lets us in', async () => {
    execFileSync(join(programs, 'ssh'), ['-p', String(port), at, 'true'], { stdio: 'ignore' });
    return true;
  });
  if (existing)
    cpSync(join((await emptyRepository()).folder, 'repository'), join(folder, 'remote'), { recursive: true });
  const location = `sftp://${at}:${port}/${folder}/remote`;
  return testRepository(folder, { location, path: `${programs}:${process.env['PATH'] ?? ''}` }).repository;
}

repositoryContract('an SFTP server', {
  absent: () => sftpRepository(false),
  created: () => sftpRepository(true),
});
