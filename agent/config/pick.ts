import { HoldfastError } from '../core/errors.ts';

/** The sources with these names, all for none; throws `usage` that lists what there is. */
export function pickByName<T extends { name: string }>(sources: T[], names: string[]): T[] {
  const unknown = names.find((name) => !sources.some((source) => source.name === name));
  if (unknown !== undefined) {
    throw new HoldfastError('usage', `there is no source "${unknown}"`, {
      hint: `The configuration has: ${sources.map((source) => source.name).join(', ')}.`,
    });
  }
  return names.length === 0 ? sources : sources.filter((source) => names.includes(source.name));
}
