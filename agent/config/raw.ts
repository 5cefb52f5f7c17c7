/** The configuration, or a group of it, before the schema has seen it: whatever people wrote. */
export type Raw = Record<string, unknown>;

export function isGroup(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is at the path; undefined when there is nothing, or no group to look into. */
export function valueAt(raw: Raw, path: readonly PropertyKey[]): unknown {
  let value: unknown = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
