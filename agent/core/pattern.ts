/** Whether a text is what a pattern stands for: `*` any characters or none, `?` one, everything else itself. Case counts. */
export function matchesPattern(pattern: string, text: string): boolean {
  const source = Array.from(pattern, (char) => WILDCARDS[char] ?? char.replace(SYNTAX, '\\$&')).join('');
  return new RegExp(`^${source}$`, 'su').test(text);
}

/**
 * What stands in a text for the wildcards of a pattern, from the first to the last of them: `42` in `tenant_42` for `tenant_*`. Null
 * where the text is not what the pattern stands for, or has nothing there.
 */
export function wildcardPart(pattern: string, text: string): string | null {
  if (!matchesPattern(pattern, text)) return null;
  const { before, after } = around(pattern);
  const part = text.slice(before.length, text.length - after.length);
  return part === '' ? null : part;
}

/** The text in which that stands for the wildcards of the pattern; null where there is none. */
export function withWildcardPart(pattern: string, part: string): string | null {
  const { before, after } = around(pattern);
  const text = `${before}${part}${after}`;
  return wildcardPart(pattern, text) === part ? text : null;
}

export function hasWildcard(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

const WILDCARDS: Record<string, string> = { '*': '.*', '?': '.' };
/** What means something in a regular expression. */
const SYNTAX = /[\^$\\.+()[\]{}|/]/;

function around(pattern: string): { before: string; after: string } {
  return {
    before: /^[^*?]*/.exec(pattern)?.[0] ?? '',
    after: /[^*?]*$/.exec(pattern)?.[0] ?? '',
  };
}
