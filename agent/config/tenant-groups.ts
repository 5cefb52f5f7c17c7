import type { Config } from './config.ts';

/** The sources of which what belongs to no tenant has a schedule of its own. */
export function globalSchedules({ sources }: Config): { source: string; cron: string }[] {
  return sources.flatMap((source) => {
    const cron = source.type === 'postgres' ? (source.tenants?.globalSchedule ?? null) : null;
    return cron === null ? [] : [{ source: source.name, cron }];
  });
}

/** The groups of tenants that have a schedule of their own. */
export function tenantGroups({ sources }: Config): { source: string; group: string; cron: string }[] {
  return sources.flatMap((source) => {
    const groups = source.type === 'postgres' ? (source.tenants?.groups ?? []) : [];
    return groups.flatMap(({ name, schedule }) =>
      schedule === null ? [] : [{ source: source.name, group: name, cron: schedule }],
    );
  });
}
