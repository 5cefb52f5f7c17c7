import { join } from 'node:path';
import type { Compression } from '../agent/core/glossary.ts';
import { createCompressors, suffixOf } from '../agent/process/compress.ts';
import { repositoryRoot } from './programs.ts';
import type { Engine } from './servers.ts';
import type { Variables } from './timed.ts';
import type { Place } from './world.ts';

/** The agent as it is started in a clone. */
export const HOLDFAST = join(repositoryRoot, 'scripts', 'holdfast');

export function agentVariables(
  place: Place,
  engine: Engine,
  compression: Compression,
  database = 'shop',
): Variables {
  return { ...place.agent, ...engine.agent(database), BACKUP_COMPRESSION: compression, BACKUP_PROOF: 'none' };
}

const compressors = createCompressors(() => true);
const agentsOwn = (compression: Compression) => {
  const command = compressors.compress(compression);
  return {
    command: command === null ? null : [command.file, ...command.args].join(' '),
    suffix: suffixOf(compression),
  };
};

/** What most people type, and the agent's own commands. */
export const SHELL_STAGES = {
  'plain gzip': { command: 'gzip', suffix: '.gz' },
  gzip: agentsOwn('gzip'),
  zstd: agentsOwn('zstd'),
  none: agentsOwn('none'),
};

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
