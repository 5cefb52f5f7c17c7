import { counted, humanDuration } from '../core/units.ts';
import type { VerifiedSource } from '../reports/verified.ts';
import type { SourceLine } from './source-line.ts';

/** What the last verification showed; it must not look proved where it is not. */
export function verifiedWords({
  verdict,
  lastProved,
  sampledTables,
  restoreSeconds,
}: VerifiedSource): string {
  const took = restoreSeconds === null ? '' : `, restored in ${humanDuration(restoreSeconds * 1000)}`;
  if (verdict === null) return '-';
  const sampled = sampledTables === 0 ? '' : `, ${counted(sampledTables, 'table')} by samples`;
  if (verdict === 'proved') return `proved ${lastProved ?? ''}${sampled}${took}`;
  if (verdict === 'restored') return `restored, not proven${took.replace('restored ', '')}`;
  return `${verdict}; ${lastProved === null ? 'never proved' : `proved ${lastProved}`}`;
}

/** That the last good verification is too long ago, a warning. */
export function lateVerification({ source, verification }: SourceLine): string[] {
  if (!verification.overdue) return [];
  return [
    `warning: no verification of ${source} was good for longer than the schedule lets expect: see why with \`holdfast history ${source}\`, and run \`holdfast verify ${source}\``,
  ];
}

/** The objectives that are not met, a warning for each. */
export function missedObjectives({ source, ageSeconds, verification, objectives }: SourceLine): string[] {
  const { rpoSeconds, rpoMet, rtoSeconds, rtoMet } = objectives;
  const words = (seconds: number | null) => humanDuration((seconds ?? 0) * 1000);
  return [
    ...(rpoMet === false
      ? [
          `warning: the last good backup of ${source} is ${words(ageSeconds)} old, and the objective is ${words(rpoSeconds)}`,
        ]
      : []),
    ...(rtoMet === false
      ? [
          `warning: restoring ${source} took ${words(verification.restoreSeconds)}, and the objective is ${words(rtoSeconds)}`,
        ]
      : []),
  ];
}
