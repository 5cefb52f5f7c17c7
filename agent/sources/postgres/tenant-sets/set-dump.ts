import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../core/errors.ts';
import { openPartialDump, type PartialDump } from '../tenant-dumps/tenant-dump.ts';
import { quoteIdentifier } from '../names.ts';
import { createArchiveFiles } from './archive-files.ts';
import { createEntryOwners } from './owners-of-entries.ts';
import { createSplitter } from './split.ts';
import { createTimeLimit } from './time-limit.ts';

export interface SetDump extends Omit<PartialDump, 'choice' | 'ready' | 'name'> {
  schemas: string[];
  /** Extensions that live in these schemas. */
  extensions: { name: string; schema: string }[];
  /** The file of each schema's archive, in their order. */
  paths: string[];
  /** One whose data takes longer ends the dump with `TooSlowError`. */
  limitMs: number;
  /** Told how much there is on the disk, between two chunks; what it throws ends the dump. */
  onBytes: (bytes: number) => Promise<void>;
}

/**
 * One pass of pg_dump over some schemas, taken apart into an archive for each. All of them are whole or none is there: throws the first cause
 * then. Returns the bytes of each.
 */
export async function dumpSet(
  set: SetDump,
  signal: AbortSignal,
): Promise<{ sizes: number[]; warnings: string[] }> {
  const { schemas, extensions, paths, deps, limitMs, onBytes } = set;
  const bySchema = new Map(schemas.map((schema, i) => [schema, i]));
  const byExtension = new Map(extensions.map(({ name, schema }) => [name, bySchema.get(schema) ?? 0]));
  const files = createArchiveFiles(
    paths,
    createEntryOwners(bySchema, byExtension),
    join(deps.runtimeDir, 'contents.spool'),
  );
  const splitter = createSplitter(files.sink);
  const choice = async () => [
    ...schemas.map((schema) => `--schema=${quoteIdentifier(schema)}`),
    ...extensions.map(({ name }) => `--extension=${quoteIdentifier(name)}`),
  ];
  const dump = openPartialDump(
    { ...set, choice, name: `${schemas.length} tenants of ${set.config.database}` },
    signal,
  );
  const limit = createTimeLimit(limitMs);
  let bytes = 0;
  try {
    for await (const chunk of dump.stream) {
      limit.charge(files.current());
      bytes += chunk.length;
      splitter.push(chunk);
      await files.drain();
      await onBytes(bytes);
    }
    const { warnings } = await dump.done;
    const sizes = await files.end();
    if (sizes.some((size) => size === 0))
      throw new HoldfastError('dump_incomplete', 'a tenant was not in the dump of all');
    return { sizes, warnings };
  } catch (error) {
    // Whatever stopped the reading is the cause, and the client is gone before anybody goes on.
    await dump.done.catch(() => undefined);
    await files.end().catch(() => undefined);
    for (const path of paths) await rm(path, { force: true });
    throw error;
  }
}
