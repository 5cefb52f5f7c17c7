import { HoldfastError } from './core/errors.ts';
import type { ChosenTenants } from './jobs/backup/tenant-backup.ts';
import type { FoundTenants, Tenants } from './sources/tenants.ts';

/** What of a source; everything for null. */
export type BackupPart =
  | { kind: 'global' }
  | { kind: 'tenants' }
  | { kind: 'group'; name: string }
  /** By their ids: kept for a month, and counted by no policy. */
  | { kind: 'named'; ids: string[] };

/** The tenants that a backup is to dump, in their order. Throws `usage` for one that is not there. */
export async function chooseTenants(
  tenants: Tenants,
  part: Exclude<BackupPart, { kind: 'global' }>,
  signal: AbortSignal,
): Promise<ChosenTenants> {
  const found = await tenants.find(signal);
  if (part.kind === 'named') {
    const chosen = [];
    for (const id of new Set(part.ids)) chosen.push(await tenantNamed(tenants, found, id, signal));
    return { all: found.tenants, chosen, findings: [] };
  }
  const there = found.tenants.filter(({ bytes }) => bytes !== null);
  const chosen = part.kind === 'tenants' ? there : there.filter(({ group }) => group === part.name);
  const nobody = part.kind === 'group' ? [`no tenant is in the group ${part.name}`] : [];
  return {
    all: found.tenants,
    chosen,
    findings: chosen.length === 0 ? [...nobody, ...found.findings] : found.findings,
  };
}

async function tenantNamed(
  tenants: Tenants,
  { tenants: all }: FoundTenants,
  id: string,
  signal: AbortSignal,
) {
  const tenant = all.find((one) => one.id === id) ?? (await tenants.lookUp(id, signal));
  if (tenant.bytes !== null) return tenant;
  throw new HoldfastError('usage', `tenant ${id} has no schema: there is no "${tenant.schema}"`, {
    hint: 'See which tenants there are with `holdfast tenants`.',
  });
}

/** A look into a file that throws `usage` where it is a dump of another tenant, or of everything. */
export function requireTenant(tenants: Tenants, id: string, path: string) {
  return async (dump: AsyncIterable<Buffer>, signal: AbortSignal) => {
    const { schema } = await tenants.lookUp(id, signal);
    const schemas = await tenants.schemasIn(dump);
    if (schemas.length === 1 && schemas[0] === schema) return;
    const holds = schemas.length === 1 ? `the schema "${schemas[0]}"` : `${schemas.length} schemas`;
    throw new HoldfastError(
      'usage',
      `${path} holds ${holds}, and not tenant ${id} alone (schema "${schema}")`,
      {
        hint: 'Give the file of that tenant; a dump of everything is restored without --tenant.',
      },
    );
  };
}
