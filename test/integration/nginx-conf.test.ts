import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/folder.ts';

const gateFolder = fileURLToPath(new URL('../../nginx', import.meta.url));

it("the containers' own server, laid out as the official image has it → nginx takes it as it is", () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'conf.d'));
  symlinkSync(gateFolder, join(folder, 'holdfast'));
  symlinkSync(join(gateFolder, 'default.conf'), join(folder, 'conf.d', 'default.conf'));
  writeFileSync(
    join(folder, 'nginx.conf'),
    'pid nginx.pid; events {} http { access_log off; include conf.d/*.conf; }',
  );
  const test = () =>
    execFileSync('nginx', ['-t', '-q', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
      env: { PATH: `${process.env['PATH']}:/usr/sbin` },
      stdio: 'pipe',
    });
  expect(test).not.toThrow();
});
