import type { Source } from '../../sources/source.ts';
import { forgetBeside } from './beside.ts';
import type { Notes } from '../init.ts';
import { endUnfinished, unfinishedSwap, withdrawUnfinished } from './unfinished-restore.ts';

/**
 * Puts in order what a swap left that was cut off; returns what became of it, null where there was none. Throws what keeps it
 * from that: it stays noted then, and nothing else may touch what it left. Call under the run lock.
 */
export async function settleUnfinishedSwap(
  source: Source,
  notes: Notes,
  signal: AbortSignal,
): Promise<'undone' | 'done' | null> {
  const plan = unfinishedSwap(notes, source.name);
  if (plan === null) return null;
  const end = await source.settleSwap(plan, signal);
  if (end === 'undone') withdrawUnfinished(notes, source.name);
  else {
    endUnfinished(notes, source.name);
    forgetBeside(notes, source.name);
  }
  return end;
}
