import { utc } from '../../core/clock.ts';
import { humanBytes } from '../../core/units.ts';
import type { Outcome } from '../job.ts';
import { datedSchema } from './kept-schema.ts';
import type { TenantRestoration } from './tenant-restoration.ts';

/** What the restore of a tenant would do, without doing any of it. */
export function planTenant({ source, snapshot, note, tenant, into, settings }: TenantRestoration): Outcome {
  const { restorePoint, now } = settings;
  const { toDatabase } = settings;
  const other = into.schema !== tenant.schema || toDatabase !== null;
  const database = toDatabase ?? source.database;
  const size = into.bytes === null ? '' : ` (${humanBytes(into.bytes)} now)`;
  const steps = [
    ...(into.bytes === null
      ? [`${into.schema} is not there and would be made`]
      : other
        ? []
        : [
            restorePoint
              ? `first a restore point of ${into.schema}${size}`
              : `no restore point: what is in ${into.schema}${size} is not stored`,
            `loaded beside it in one transaction, and the old one is kept as ${datedSchema(into.schema, now())} for a week`,
          ]),
    'the other tenants work on',
  ];
  return {
    reason: `nothing was changed; would restore tenant ${tenant.id} of ${snapshot.shortId} of ${utc(new Date(snapshot.time))} into ${into.schema} of ${database}; ${steps.join('; ')}`,
    warnings: [
      ...(note === null ? [] : [note]),
      ...(other && into.bytes !== null ? [`there is a schema "${into.schema}" in ${database} already`] : []),
    ],
    facts: { snapshotId: snapshot.id, tenant: into.id },
  };
}
