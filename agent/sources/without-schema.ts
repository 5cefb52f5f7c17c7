import type { Tenant } from './tenants.ts';

/** Those in use whose schema is not there, as sentence parts. */
export function withoutSchema(tenants: Tenant[]): string[] {
  return tenants
    .filter(({ active, bytes }) => active && bytes === null)
    .map(({ id, schema }) => `tenant ${id} has no schema: there is no "${schema}"`);
}
