/** The first column of a row as text, however a driver gave it; null for NULL and for no row. */
export function firstValue(row: Record<string, unknown> | undefined): string | null {
  const value = row === undefined ? null : (Object.values(row)[0] ?? null);
  if (value === null) return null;
  if (typeof value === 'string') return value;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
