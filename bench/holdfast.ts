import { join } from 'node:path';
import { repositoryRoot } from './programs.ts';
import type { Engine } from './servers.ts';
import type { Variables } from './timed.ts';
import type { Place } from './world.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** The agent as it is started in a clone. */
export const HOLDFAST = join(repositoryRoot, 'scripts', 'holdfast');

export function agentVariables(
  place: Place,
  engine: Engine,
  compression: Compression,
  database = 'shop',
): Variables {
  return { ...place.agent, ...engine.agent(database), BACKUP_COMPRESSION: compression };
}

/** The same compressors as the agent's, and what most people type. Two threads: the agent asks how many cores there are. */
export const SHELL_STAGES = {
  'plain gzip': { command: 'gzip', suffix: '.gz' },
  gzip: { command: 'pigz -R -3', suffix: '.gz' },
  zstd: { command: 'zstd -q -c -3 --rsyncable -T0', suffix: '.zst' },
  none: { command: null, suffix: '' },
} as const;

/** What a person would write in a script: dump, compressor, restic; nothing looks whether the dump was whole. */
export function shellPipeline(
  engine: Engine,
  stage: keyof typeof SHELL_STAGES,
  options: { database?: string; compress?: string } = {},
): string {
  const { command, suffix } = SHELL_STAGES[stage];
  const compress = options.compress ?? command;
  const restic = `restic backup --stdin --stdin-filename ${engine.storedPath}${suffix} --host bench --json --quiet`;
  return [engine.dumpLine(options.database ?? 'shop'), ...(compress === null ? [] : [compress]), restic].join(
    ' | ',
  );
}
