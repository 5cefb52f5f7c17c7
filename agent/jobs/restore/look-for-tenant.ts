import { schemaPrefix } from '../../proof/of-schema.ts';
import type { Proof } from '../../proof/proof.ts';
import type { TenantDump } from '../find-tenant-dump.ts';
import type { JobContext } from '../job.ts';
import { readStored } from '../reading.ts';
import type { TenantRestoreSettings } from './tenant-restoration.ts';

/**
 * Looks whether a dump of everything holds a schema. Where its proof is read anyway (`byProof`) and names the schema, that is enough, and costs
 * nothing; otherwise the dump's own table of contents says it, and little more than that is read of it.
 */
export function lookForSchema(
  schema: string,
  { repository, tenants }: Pick<TenantRestoreSettings, 'repository' | 'tenants'>,
  { onProgress, signal }: JobContext,
  { byProof }: { byProof: boolean },
): (dump: TenantDump) => Promise<boolean> {
  return async ({ snapshot, proof }) => {
    const told = byProof ? await proof(signal) : null;
    if (told !== null && names(told, schema)) return true;
    const progress = { step: `looking into ${snapshot.shortId}`, dumpBytes: 0, storedBytes: 0 };
    const schemas = await tenants.schemasIn(
      readStored({ repository, snapshot, progress }, onProgress, signal),
    );
    return schemas.includes(schema);
  };
}

function names({ objects }: Proof, schema: string): boolean {
  return objects.some(({ kind, name }) => kind === 'schema' && `${name}.` === schemaPrefix(schema));
}
