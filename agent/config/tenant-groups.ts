import type { Config } from './config.ts';

/** The groups of tenants that have a schedule of their own. */
export function tenantGroups({ sources }: Config): { source: string; group: string; cron: string }[] {
  return sources.flatMap((source) => {
    const groups = source.type === 'postgres' ? (source.tenants?.groups ?? []) : [];
    return groups.flatMap(({ name, schedule }) =>
      schedule === null ? [] : [{ source: source.name, group: name, cron: schedule }],
    );
  });
}
