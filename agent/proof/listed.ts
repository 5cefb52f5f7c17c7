/** So many are named; of the others only how many there are is told. */
export const NAMED = 5;

export function listed(names: string[], between = ', '): string {
  const more = names.length - NAMED;
  return more <= 0 ? names.join(between) : `${names.slice(0, NAMED).join(between)} and ${more} more`;
}
