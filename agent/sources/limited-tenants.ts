import { HoldfastError } from '../core/errors.ts';
import { mayTouch, type TenantRole } from '../core/tenant-access.ts';
import type { Tenants } from './tenants.ts';
import { withoutSchema } from './without-schema.ts';

/**
 * The tenants of a source as a role sees them: others are not there, and whether there are any is not told. Without a role they are as
 * they are.
 */
export function limitedTenants(tenants: Tenants, source: string, role: TenantRole | null): Tenants {
  if (role === null) return tenants;
  const find: Tenants['find'] = async (signal) => {
    const found = (await tenants.find(signal)).tenants.filter((tenant) => mayTouch(role, source, tenant));
    const none = `${role.name} may touch no tenant of ${source} that there is`;
    return { tenants: found, findings: [...(found.length === 0 ? [none] : []), ...withoutSchema(found)] };
  };
  const lookUp: Tenants['lookUp'] = async (id, signal) => {
    const tenant = await tenants.lookUp(id, signal).catch((error: unknown) => {
      // What it proposes are others' tenants.
      if (error instanceof HoldfastError && error.kind === 'usage') return null;
      throw error;
    });
    if (tenant !== null && mayTouch(role, source, tenant)) return tenant;
    throw new HoldfastError('usage', `${role.name} may touch no tenant ${JSON.stringify(id)} of ${source}`, {
      hint: `\`holdfast tenants ${source} --as ${role.name}\` lists those that it may.`,
    });
  };
  return { ...tenants, find, lookUp };
}
