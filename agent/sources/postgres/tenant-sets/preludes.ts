import { createHash } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { lineTakingIn, sharedScript } from '../../../core/shared-script.ts';
import { describeExit } from '../../../process/run.ts';
import { writePrivateFile } from '../../private-file.ts';
import type { Probe } from '../../source.ts';
import type { TenantSchema } from '../../tenant-dumps.ts';
import type { ClientDeps } from '../../tools.ts';
import { siblingOf } from '../clients.ts';
import { restrictKey } from '../restrict-key.ts';
import type { Needs } from '../tenant-dumps/needs.ts';
import { chooseNeeded, headOf, tellLacking, type Needed } from '../tenant-dumps/prelude.ts';
import type { SharedArchive } from '../tenant-dumps/shared-archive.ts';

export interface PreludesOptions {
  config: PostgresSourceConfig;
  deps: ClientDeps;
  probe: Probe;
  shared: SharedArchive;
  /** Where the tenants' files lie. */
  folder: string;
}

export interface Preludes {
  /** Writes the prelude of a tenant; returns its bytes. */
  write(tenant: TenantSchema, needed: Needs, path: string, signal: AbortSignal): Promise<number>;
  /** What they share, written so far: files below the folder, with their bytes. */
  readonly files: Map<string, number>;
  /** As sentence parts. */
  readonly warnings: Set<string>;
}

const TIMEOUT_MS = 60 * 60_000;

/**
 * Preludes of many tenants, which mostly need the same: what they share is written once, and each one's own script, with its roles, takes it
 * in by `\ir`.
 */
export function createPreludes(options: PreludesOptions): Preludes {
  const bodies = new Map<string, Promise<Body>>();
  const files = new Map<string, number>();
  const warnings = new Set<string>();
  return {
    files,
    warnings,
    write: async (tenant, needed, path, signal) => {
      const key = [...needed.objects].toSorted().join();
      const made = bodies.get(key) ?? makeBody(options, needed, files, signal);
      bodies.set(key, made);
      const { name, lacking, owners } = await made;
      for (const one of lacking) warnings.add(tellLacking('what the preludes share', one));
      const { config, probe } = options;
      const head = headOf({
        ...{ database: config.database, serverVersion: probe.serverVersion, tenant, needed, lacking },
        roles: [...new Set([...needed.roles, ...owners])],
      });
      const text = name === null ? head : `${head}\n${lineTakingIn(name)}`;
      await writeFile(path, text, { mode: 0o600 });
      return Buffer.byteLength(text);
    },
  };
}

interface Body extends Pick<Needed, 'lacking'> {
  /** Null where nothing is needed. */
  name: string | null;
  owners: string[];
}

async function makeBody(
  { config, deps, probe, shared, folder }: PreludesOptions,
  needed: Needs,
  files: Map<string, number>,
  signal: AbortSignal,
): Promise<Body> {
  const { chosen, lacking, roles } = chooseNeeded({ ...needed, roles: [] }, shared);
  if (chosen.length === 0) return { name: null, lacking, owners: roles };
  // By what is in it, and not by its rows: the scripts that name it stay as they are when one of these changes.
  const what = chosen.map(({ kind, schema, tag }) => `${kind} ${schema} ${tag}\n`).join('');
  const name = sharedScript(createHash('sha256').update(what).digest('hex'));
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const list = await writePrivateFile(deps.runtimeDir, '.list', chosen.map(({ id }) => `${id};\n`).join(''));
  try {
    const exit = await deps.processes.run(
      {
        file: siblingOf(probe.client.path, 'pg_restore'),
        args: [
          ...[`--file=${path}`, `--use-list=${list.path}`],
          ...(await restrictKey(config, probe.client.version)),
          shared.path,
        ],
        label: 'pg_restore',
      },
      { timeoutMs: TIMEOUT_MS, signal },
    );
    if (exit.code !== 0 || exit.stderr.length > 0)
      throw new HoldfastError(
        'dump_failed',
        `what the tenants of ${config.database} share could not be written (${describeExit(exit)}): ${exit.stderr[0] ?? 'it said nothing'}`,
        { hint: 'Make room in the state folder (HOLDFAST_STATE_DIR), then back up again.' },
      );
  } finally {
    await list.remove();
  }
  files.set(name, (await stat(path)).size);
  return { name, lacking, owners: roles };
}
