/** Sentences for people: the same on the page, in the log and in answers. */
import type { Limits, Verdict } from './freshness.ts';

/** The verdict in one or two sentences. */
export function explain(verdict: Verdict, limits: Limits): string {
  const age = duration(verdict.ageSeconds ?? 0);
  const left = verdict.closesAt
    ? duration((verdict.closesAt.getTime() - verdict.judgedAt.getTime()) / 1000)
    : '';
  const because = verdict.detail === '' ? '' : `: ${verdict.detail}`;
  switch (verdict.reason) {
    case 'fresh':
      return `The oldest last good backup is ${age} old${because}. The gate closes in ${left} unless a newer one succeeds.`;
    case 'first_boot_grace':
      return `Waiting for the first backup. The gate closes in ${left} unless it succeeds.`;
    case 'stale':
      return `The oldest last good backup is ${age} old${because}. The limit is ${duration(limits.thresholdSeconds)}.`;
    case 'missing':
      return `There is no heartbeat${because}. It comes as soon as every source has a good backup.`;
    case 'unreadable':
      return `The heartbeat cannot be read${because}.`;
    case 'malformed':
      return `The heartbeat is not understood${because}.`;
    case 'future_timestamp':
      return `The heartbeat lies ${age} in the future. A clock is wrong, here or at the agent.`;
    case 'not_regular_file':
      return `The heartbeat is not a regular file${because}.`;
    case 'verification_stale':
      return `The backups are fresh, but the oldest last good verification is ${sinceVerified(verdict)} old. The limit is ${duration(limits.verifyThresholdSeconds ?? 0)}; \`holdfast verify\` makes a new one.`;
    case 'verification_missing':
      return `The backups are fresh, but no verification is known${because}. \`holdfast verify\` makes one.`;
  }
}

function sinceVerified({ verifiedAt, judgedAt }: Verdict): string {
  return duration((judgedAt.getTime() - (verifiedAt ?? judgedAt).getTime()) / 1000);
}

/** The two largest units of a length of time: `2 d 3 h`, `26 h`, `5 min 10 s`; a sign is left out. */
export function duration(seconds: number): string {
  const whole = Math.round(Math.abs(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return twoUnits(whole, 60, 'min', 1, 's');
  if (whole < 48 * 3600) return twoUnits(whole, 3600, 'h', 60, 'min');
  return twoUnits(whole, 86_400, 'd', 3600, 'h');
}

function twoUnits(
  seconds: number,
  large: number,
  largeName: string,
  small: number,
  smallName: string,
): string {
  const rest = Math.floor((seconds % large) / small);
  const first = `${Math.floor(seconds / large)} ${largeName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

/** `1.2 GB`: decimal units, as disks are sold. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
