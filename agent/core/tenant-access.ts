import { matchesPattern } from './pattern.ts';

/** A role of the configuration that may touch some tenants alone. */
export interface TenantRole {
  name: string;
  /** Patterns of names of sources. */
  sources: string[];
  /** Patterns of ids or schemas. */
  tenants: string[];
}

/** Whether somebody may see and touch a tenant of a source; without a role everybody may. */
export function mayTouch(
  role: TenantRole | null,
  source: string,
  tenant: { id: string; schema: string },
): boolean {
  if (role === null) return true;
  if (!mayTouchSource(role, source)) return false;
  return role.tenants.some(
    (pattern) => matchesPattern(pattern, tenant.id) || matchesPattern(pattern, tenant.schema),
  );
}

/** Whether somebody may touch any tenant of a source, whichever there are. */
export function mayTouchSource(role: TenantRole | null, source: string): boolean {
  return role === null || role.sources.some((pattern) => matchesPattern(pattern, source));
}
