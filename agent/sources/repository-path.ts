/**
 * A database's name as one component of a repository path. A plain name stays itself; `/`, `%`, control characters
 * and a leading dot become `%XX` of their UTF-8 bytes, so that two names never share a path and none climbs out of its folder.
 */
export function pathComponent(name: string): string {
  return name.replace(/^\.|[/%\p{Cc}\u2028\u2029]/gu, percentEncode);
}

/** The name that `pathComponent` was given. */
export function nameFromPathComponent(component: string): string {
  return decodeURIComponent(component.replace(/%(?![0-9A-F]{2})/g, '%25'));
}

function percentEncode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
