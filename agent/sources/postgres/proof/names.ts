/**
 * An expression for a name as people write it: `sales.orders`. A part in which a dot or a quote would mislead is quoted, so that
 * two things never have one name.
 */
export function named(...parts: string[]): string {
  return parts
    .map((part) => `CASE WHEN ${part} ~ '[."]' THEN quote_ident(${part}) ELSE ${part}::text END`)
    .map((part) => `(${part})`)
    .join(` || '.' || `);
}
