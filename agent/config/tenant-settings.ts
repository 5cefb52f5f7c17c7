import type { Path } from './problems.ts';
import type { Setting } from './setting.ts';

/** What there is to say of a source's tenants, whose group stands at this path. */
export function tenantSettings(tenants: Path): Setting[] {
  return [
    {
      variable: 'TENANT_SCHEMAS',
      path: [...tenants, 'schemas'],
      meaning:
        "Which schemas of a PostgreSQL database are tenants: a pattern such as `tenant_*` (`*` any characters, `?` one, all others themselves); what stands for the wildcards is the tenant's id ([tenants.md](tenants.md)).",
    },
    {
      variable: 'TENANT_QUERY',
      path: [...tenants, 'query'],
      meaning:
        'Or a query that finds them: columns `id` and `schema_name`, and, where not all are in use, `active`.',
    },
    {
      variable: null,
      path: [...tenants, 'jobs'],
      meaning: 'How many tenants are dumped at once: 2 unless it says otherwise.',
    },
    {
      variable: null,
      path: [...tenants, 'timeout'],
      meaning:
        'A tenant whose dump takes longer is ended and has failed, and the others go on: seconds, or `45m`, `6h`. Without it, an hour where a tenant is dumped by itself, and no limit of its own in the one pass over all.',
    },
    {
      variable: null,
      path: [...tenants, 'keep'],
      meaning:
        'What the retention keeps of the dumps of tenants alone: a group as `keep`. Without it, what the `keep` of the source says, and where that has none, `keep` of everything.',
    },
    {
      variable: null,
      path: [...tenants, 'priority'],
      meaning: 'Patterns of ids or schemas, the most critical first: the order in which tenants are taken.',
    },
    {
      variable: null,
      path: [...tenants, 'verify', 'every'],
      meaning:
        'Where the group `verify` stands there, tenants are verified by turns, and one whose last proof is older than this is overdue: `30d` (which it is unless it says otherwise), `2w`; `0`: none ever is.',
    },
    {
      variable: null,
      path: [...tenants, 'verify', 'budget'],
      meaning:
        'When this is over, a scheduled run of them begins with no further tenants; those come first the next time: seconds, or `30m` (which it is unless it says otherwise), `2h`.',
    },
    {
      variable: null,
      path: [...tenants, 'verify', 'schedule'],
      meaning: 'When that run is due: `0 4 * * *` unless it says otherwise.',
    },
    {
      variable: null,
      path: [...tenants, 'global', 'schedule'],
      meaning:
        'When what belongs to no tenant is backed up by itself, with the roles, beside the backups of everything: a cron expression; never unless it says otherwise.',
    },
    {
      variable: null,
      path: [...tenants, 'groups'],
      meaning:
        'Groups of tenants: a `name`, `match` (a list of patterns of ids or schemas; a tenant is in the first group that it matches), and a `schedule` and `keep` of their own.',
    },
    {
      variable: null,
      path: [...tenants, 'after_restore'],
      meaning:
        "A statement that is run when a tenant was restored, in the transaction that puts it in place, with the tenant's id as `$1`.",
    },
  ];
}
