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

/** Options of a kind, in the order in which a dump writes them. */
export function sorted(options: string): string {
  return `(SELECT jsonb_agg(o ORDER BY o) FROM unnest(${options}) o)`;
}
