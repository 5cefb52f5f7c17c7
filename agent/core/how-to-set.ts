/** Where a source is described: by the environment, or in a configuration file. */
export interface Listed {
  name: string;
  /** The file that lists the source; null where the environment describes it. */
  listedIn: string | null;
}

/** What to write, and where, so that a source has a setting: to be read after "Set", "with" and the like. */
export function howToSet(
  source: Listed,
  setting: { variable: string; key: string; value: string | string[] },
): string {
  const { variable, key, value } = setting;
  const list = Array.isArray(value);
  if (source.listedIn === null) return `${variable}=${list ? value.join(',') : value}`;
  return `${key}: ${list ? `[${value.join(', ')}]` : value} for source ${source.name} in ${source.listedIn}`;
}

/** How to accept gaps by name; what is accepted already stays so. */
export function howToAllow(source: Listed, gaps: readonly string[], allowed: readonly string[]): string {
  const value = [...new Set([...allowed, ...gaps])];
  return howToSet(source, { variable: 'BACKUP_ALLOW_INCOMPLETE', key: 'allow_incomplete', value });
}
