import { counted } from '../../core/units.ts';
import type { Damage } from '../../repository/repository.ts';

export interface Step {
  kind: 'packs' | 'index' | 'unreadable' | 'broken';
  /** What it does, as a sentence part. */
  does: string;
  /** The same by hand. */
  command: string;
}

/** What is broken, a sentence part for each kind of damage. */
export function findingsOf(damage: Damage): string[] {
  const { damagedPacks, missingPacks, indexes, snapshots, missingData, others } = damage;
  return [
    ...told(damagedPacks, 'pack', 'with wrong bytes'),
    ...told(missingPacks, 'pack', 'gone'),
    ...told(indexes, 'index file', 'that cannot be read'),
    ...told(snapshots, 'snapshot file', 'that cannot be read'),
    ...(missingData && missingPacks.length === 0
      ? ['data that snapshots need stands in no index: an index file is gone, or the packs are']
      : []),
    ...others.slice(0, MOST_TOLD).map((line) => `restic says: ${line}`),
  ];
}

/**
 * What mends it, in the order in which it is safe: what is whole in damaged packs is saved before the index forgets them, and which
 * snapshots lost something is only known when the index is right. Pruning is no part of it.
 */
export function stepsOf({ damagedPacks, snapshots }: Damage, copies: string): Step[] {
  const steps: Step[] = [];
  if (damagedPacks.length > 0) {
    steps.push({
      kind: 'packs',
      does: `save what is whole in ${counted(damagedPacks.length, 'damaged pack')}; a copy of each stays in ${copies}`,
      command: `restic repair packs ${damagedPacks.join(' ')}`,
    });
  }
  steps.push({
    kind: 'index',
    does: 'build the index anew from the packs that are there',
    command: 'restic repair index',
  });
  if (snapshots.length > 0) {
    steps.push({
      kind: 'unreadable',
      does: `take ${counted(snapshots.length, 'snapshot file')} that cannot be read out of the repository; what can be, is set aside in ${copies}`,
      command: `restic forget ${snapshots.join(' ')}`,
    });
  }
  steps.push({
    kind: 'broken',
    does: 'find the snapshots that lost data, and with --forget-broken forget those of this host',
    command: 'restic repair snapshots --dry-run',
  });
  return steps;
}

const MOST_TOLD = 5;

function told(ids: string[], noun: string, how: string): string[] {
  if (ids.length === 0) return [];
  const shown = ids.slice(0, MOST_TOLD).map((id) => id.slice(0, 8));
  const more = ids.length > MOST_TOLD ? ` and ${ids.length - MOST_TOLD} more` : '';
  return [`${counted(ids.length, noun)} ${how}: ${shown.join(', ')}${more}`];
}
