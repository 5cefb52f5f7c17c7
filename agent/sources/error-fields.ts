/** What drivers put into their errors: a code, and words; an AggregateError of several addresses has its words in its parts. */
export function errorFields(error: unknown): { code: string; message: string } {
  const fields = (error ?? {}) as { code?: unknown; message?: unknown; errors?: unknown };
  const parts: unknown[] = Array.isArray(fields.errors) ? fields.errors : [];
  const message = [fields, ...parts]
    .map((part) => textOf((part as { message?: unknown }).message))
    .find(Boolean);
  return { code: textOf(fields.code), message: message ?? '' };
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
