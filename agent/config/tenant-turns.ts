import type { Config, SourceConfig, TenantTurnsConfig } from './config.ts';

/** The sources whose tenants are verified by turns. */
export function tenantTurns({ sources }: Config): ({ source: string } & TenantTurnsConfig)[] {
  return sources.flatMap((source) => {
    const turns = turnsOf(source);
    return turns === null ? [] : [{ source: source.name, ...turns }];
  });
}

/** The sources, each with how its tenants are verified by turns, and when next; null where they are not. */
export function withTurns<T extends SourceConfig>(
  sources: T[],
  outlook: (cron: string) => { next: Date | null },
): (T & { turns: { everySeconds: number | null; next: Date | null } | null })[] {
  return sources.map((source) => {
    const turns = turnsOf(source);
    const known = turns && { everySeconds: turns.everySeconds, next: outlook(turns.schedule).next };
    return { ...source, turns: known };
  });
}

function turnsOf(source: SourceConfig): TenantTurnsConfig | null {
  return source.type === 'postgres' ? (source.tenants?.verify ?? null) : null;
}
