/** Where a setting stands in the configuration: `['sources', 0, 'port']`. */
export type Path = readonly PropertyKey[];

/** Something in the configuration that cannot stay so. Neither part ever holds a secret. */
export interface Problem {
  path: Path;
  /** What is there, and what would be right, to be read after the setting's name. */
  message: string;
  /** The key at `path` is itself the mistake, not its value. */
  atKey?: boolean;
}

/** The path as people write it: `sources[0].port`. */
export function dotted(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** What was given, short enough for a message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The known name that was most likely meant, or null when none is near: one slip for four letters. */
export function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, slips: slips(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, slips: count }) => count <= Math.max(1, Math.floor(candidate.length / 4)))
    .sort((one, other) => one.slips - other.slips);
  return ranked[0]?.candidate ?? null;
}

/** Letters to add, remove, replace, or swap with their neighbour until the one is the other. */
function slips(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (swapped) least = Math.min(least, at(i - 2, j - 2) + 1);
      row.push(least);
    }
  }
  return at(one.length, other.length);
}
