import type { Source } from '../../sources/source.ts';
import type { Notes } from '../init.ts';
import { scratchPrefix } from '../verify/scratch.ts';

/**
 * The database beside the target that a restore loads into. Its name is a scratch name, which nothing else may have and which
 * the grants for verification cover; the ledger notes it as long as it is there, so that a killed restore's is found.
 * `made`: as `Source.createDatabase`; `lacks`: what that returns.
 */
export async function createBeside(
  source: Source,
  { host, notes }: { host: string; notes: Notes },
  signal: AbortSignal,
  made: string | null = null,
): Promise<{ fresh: string; lacks: string[] }> {
  const name = besideName(host, source.name);
  notes.remember(noteOf(source.name), name);
  return { fresh: name, lacks: await source.createDatabase(name, signal, made) };
}

/** It is gone, be it dropped or that it has become the target. */
export function forgetBeside(notes: Notes, source: string): void {
  notes.remember(noteOf(source), NONE);
}

/** Drops what a restore of the source left behind when it was killed; returns its name, null where there was nothing. Call under the run lock. */
export async function sweepBeside(
  source: Source,
  { host, notes }: { host: string; notes: Notes },
  signal: AbortSignal,
): Promise<string | null> {
  const name = besideName(host, source.name);
  if (notes.recall(noteOf(source.name)) !== name) return null;
  const there = (await source.listDatabases(name, signal)).includes(name);
  if (there) await source.dropDatabase(name, signal);
  forgetBeside(notes, source.name);
  return there ? name : null;
}

const NONE = '';

function besideName(host: string, source: string): string {
  return `${scratchPrefix(host, source)}restore`;
}

function noteOf(source: string): string {
  return `database beside ${source}`;
}
