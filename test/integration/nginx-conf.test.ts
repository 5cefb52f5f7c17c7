import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/folder.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

it("the compose project's server, laid out as the official image has it → nginx takes it", () => {
  const template = readFileSync(join(repository, 'nginx', 'compose.conf.template'), 'utf8');
  expect(() =>
    nginxTakes(
      template.replace('${GATE_UPSTREAM}', 'web:3000').replace('${GATE_ON_SENTINEL_DOWN}', 'closed'),
    ),
  ).not.toThrow();
});

function nginxTakes(server: string): void {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'conf.d'));
  symlinkSync(join(repository, 'nginx'), join(folder, 'holdfast'));
  // nginx makes the folder of the cache when it looks at the configuration.
  const here = server.replace('/tmp/holdfast ', `${folder}/cache `);
  writeFileSync(join(folder, 'conf.d', 'default.conf'), here);
  const configuration = join(folder, 'nginx.conf');
  writeFileSync(configuration, 'pid nginx.pid; events {} http { access_log off; include conf.d/*.conf; }');
  execFileSync('nginx', ['-t', '-q', '-p', folder, '-c', configuration, '-e', 'stderr'], {
    env: { PATH: `${process.env['PATH']}:/usr/sbin` },
    stdio: 'pipe',
  });
}
