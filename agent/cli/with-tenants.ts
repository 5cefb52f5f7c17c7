import type { App } from '../app.ts';
import { HoldfastError } from '../core/errors.ts';
import { mayTouchSource } from '../core/tenant-access.ts';
import type { Source } from '../sources/source.ts';

/** The sources with these names; for none all that have tenants, and that the app's role may touch some of. Throws where there is none. */
export function withTenants(
  app: Pick<App, 'config' | 'pick' | 'role' | 'sources'>,
  names: string[],
): Source[] {
  if (names.length > 0) return app.pick(names);
  const { role } = app;
  const having = app.sources.filter(({ name }) => {
    const settings = app.config.sources.find((candidate) => candidate.name === name);
    return mayTouchSource(role, name) && settings?.type === 'postgres' && settings.tenants !== null;
  });
  if (having.length > 0) return having;
  throw new HoldfastError('configuration', 'no source has tenants', {
    hint: "Set TENANT_SCHEMAS='tenant_*' or TENANT_QUERY (in the file: tenants); docs/tenants.md tells how.",
  });
}
