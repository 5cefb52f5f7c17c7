import { HoldfastError } from '../core/errors.ts';
import type { TenantRole } from '../core/tenant-access.ts';

/** Throws `usage` where a role that is limited to tenants is asked for more than these: `what` it may not, and how it is to say less. */
export function refuseWhole(role: TenantRole | null, what: string, instead: string): void {
  if (role === null) return;
  throw new HoldfastError('usage', `the role ${role.name} may not ${what}: it is limited to tenants`, {
    hint: `Name what it is for with ${instead}; \`holdfast tenants --as ${role.name}\` lists the tenants that it may touch.`,
  });
}
