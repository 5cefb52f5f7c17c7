import type { SplitEntry } from './split.ts';

/** What an entry is part of: of one schema (its number), or of each archive; null for what is of none that is known. */
export type Part = number | 'each' | null;

/**
 * Tells for each entry of an archive of several schemas which one's it is: by its schema, or for what has none (rights on the schema itself,
 * an extension in it) by what it depends on, which comes before it.
 */
export function createEntryOwners(
  schemas: Map<string, number>,
  extensions: Map<string, number>,
): (entry: SplitEntry) => Part {
  const known = new Map<number, number | 'each'>();
  return ({ id, kind, schema, tag, dependencies }) => {
    const part = (): Part => {
      if (OF_EACH.has(kind)) return 'each';
      if (schema !== '') return schemas.get(schema) ?? null;
      if (kind === 'SCHEMA') return schemas.get(tag) ?? null;
      if (kind === 'EXTENSION') return extensions.get(tag) ?? null;
      const owners = new Set(dependencies.map((dependency) => known.get(dependency)));
      const [owner] = owners;
      return owners.size === 1 && owner !== undefined ? owner : null;
    };
    const found = part();
    if (found !== null) known.set(id, found);
    return found;
  };
}

/** What says something of the whole archive. */
const OF_EACH = new Set(['ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE', 'DATABASE PROPERTIES']);
