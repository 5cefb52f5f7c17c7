import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import type { TestAgent } from './agent.ts';

/** Stores a changed copy of the newest dump of a source, as the newest. */
export function plantDump(
  agent: TestAgent,
  dump: { source: string; engine: string; path: string },
  change: (plain: Buffer) => Buffer,
): void {
  const restic = (args: string[], input?: Buffer) =>
    execFileSync('restic', args, { env: agent.environment, maxBuffer: 2 ** 28, ...(input ? { input } : {}) });
  const stored = restic(['dump', '--path', dump.path, 'latest', dump.path]);
  const plain = execFileSync('gunzip', { input: stored, maxBuffer: 2 ** 28 });
  const tags = [`source=${dump.source}`, `engine=${dump.engine}`, 'kind=dump'];
  restic(
    [
      ...['backup', '--stdin', '--stdin-filename', dump.path, '--host', 'holdfast', '--quiet'],
      ...tags.flatMap((tag) => ['--tag', tag]),
    ],
    gzipSync(change(plain)),
  );
}
