import type { App } from '../app.ts';
import type { AppOptions, Context } from './context.ts';
import { refuseWhole } from './refuse-whole.ts';
import type { Options } from './restore-options.ts';

/**
 * The app for a restore, once it is known that its role may be told all of these options. Throws `usage` where it may not: a role that is
 * limited to tenants names one, and adds nothing that is not known to stay within it.
 */
export async function appFor(
  options: Options,
  context: Context,
  more: Omit<AppOptions, 'as'> = {},
): Promise<App> {
  const app = await context.app({ ...more, as: options.as ?? null });
  if (app.role === null) return app;
  const [denied] = given(options).flatMap((option) => DENIED[option] ?? []);
  const isWhole = options.tenant === undefined && options.output === undefined && options.dropOld !== true;
  if (isWhole) refuseWhole(app.role, 'restore more than a tenant', '--tenant ID');
  if (denied !== undefined) refuseWhole(app.role, denied, '--tenant ID alone');
  return app;
}

/** What a limited role may not, by the option that would do it; null for what stays within the tenant that it names. Each option has its line. */
const DENIED: Record<keyof Options, string | null> = {
  output: 'read a whole dump',
  dropOld: 'drop what restores have replaced',
  to: 'restore into another database',
  byTenant: 'restore all tenants',
  json: 'restore all tenants',
  inPlace: 'empty a database',
  unverified: 'replace what was not compared',
  snapshot: null,
  at: null,
  tables: null,
  tenant: null,
  toTenant: null,
  validateOnly: null,
  yes: null,
  keepOwners: null,
  owner: null,
  roles: null,
  restorePoint: null,
  dryRun: null,
  as: null,
};

function given(options: Options): (keyof Options)[] {
  return (Object.keys(options) as (keyof Options)[]).filter((option) => options[option] !== undefined);
}
