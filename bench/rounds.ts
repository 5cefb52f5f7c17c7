/** One way to do it, and how long it took each time. */
export interface Side<T> {
  name: string;
  run: () => Promise<T>;
}

/** Rounds whose times differ by more than this part of their median were disturbed. */
const DISTURBED = 0.25;

/**
 * Runs all sides in turn, round by round, so that what else happens on the machine hits every side; each round begins with
 * another side. Goes on for up to as many rounds again while a side's times disagree.
 */
export async function alternate<T extends { seconds: number }>(
  sides: Side<T>[],
  rounds: number,
  say: (text: string) => void,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(sides.map(({ name }) => [name, []]));
  const times = (name: string) => (results.get(name) ?? []).map(({ seconds }) => seconds);
  const disturbed = () => sides.filter(({ name }) => spread(times(name)) > DISTURBED);
  for (let round = 0; round < rounds || (round < 2 * rounds && disturbed().length > 0); round += 1) {
    if (round === rounds) {
      const names = disturbed().map(({ name }) => name);
      say(`the rounds of ${names.join(', ')} disagree by more than ${100 * DISTURBED} %: more rounds`);
    }
    for (const index of sides.keys()) {
      const side = sides[(index + round) % sides.length]!;
      const result = await side.run();
      results.get(side.name)?.push(result);
      say(`  round ${round + 1}: ${side.name} ${result.seconds.toFixed(2)} s`);
    }
  }
  return results;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Each round's own quotient, and the median of these: what slowed a whole round down is in both. */
export function medianRatio(ours: number[], theirs: number[]): number {
  return median(ours.map((value, round) => value / theirs[round]!));
}

/** Without the worst round of three or more: one bad moment does not make a measurement bad. */
function spread(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const kept = sorted.length > 3 ? sorted.slice(0, Math.ceil(sorted.length * 0.67)) : sorted;
  return kept.length < 2 ? 0 : (kept.at(-1)! - kept[0]!) / median(kept);
}
