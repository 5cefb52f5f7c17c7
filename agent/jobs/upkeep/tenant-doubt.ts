import type { Ledger, Run } from '../../ledger/ledger.ts';

/**
 * Read from the ledger: the tenants of a source are in doubt while one of them failed when it was dumped last by schedule or with all others, or while the newest run of all, or
 * of one of these groups, ended without a word of each. Null where they are not.
 */
export function tenantDoubtOf(
  ledger: Pick<Ledger, 'recent' | 'ofGroup'>,
  source: string,
  groups: string[],
): string | null {
  const runs = sinceAllWereStored(newestOfEach(ledger, source, groups));
  return wordless(runs, groups) ?? failedLast(runs);
}

/** Of each group, of the runs without one, and of all together: a group that is backed up often must not hide one that is not. */
const BACK = 100;

function newestOfEach(ledger: Pick<Ledger, 'recent' | 'ofGroup'>, source: string, groups: string[]): Run[] {
  const runs = [
    ...ledger.recent({ job: 'tenant-backup', source, limit: BACK }),
    ...[null, ...groups].flatMap((group) => ledger.ofGroup('tenant-backup', source, group, BACK)),
  ];
  return [...new Map(runs.map((run) => [run.id, run])).values()]
    .filter(({ result }) => result !== 'skipped' && result !== 'running')
    .toSorted((one, other) => other.id - one.id);
}

/** Whom a good run of all tenants does not name is not there any more: what was before it counts for nobody. */
function sinceAllWereStored(newestFirst: Run[]): Run[] {
  const good = newestFirst.findIndex(
    ({ result, facts }) => result === 'succeeded' && facts.allTenants === true,
  );
  return good === -1 ? newestFirst : newestFirst.slice(0, good + 1);
}

function wordless(newestFirst: Run[], groups: string[]): string | null {
  // One of tenants that a person named says nothing of the others, well or ill.
  const newest = newestFirst.find((run) => !isByName(run));
  if (newest !== undefined && isWordless(newest))
    return `their newest backup, of ${newest.startedAt}, ended as ${newest.result}`;
  for (const group of groups) {
    const run = newestFirst.find(({ facts }) => facts.group === group);
    if (run !== undefined && isWordless(run))
      return `the newest backup of the group ${group}, of ${run.startedAt}, ended as ${run.result}`;
  }
  return null;
}

function isByName({ facts }: Run): boolean {
  return facts.group === undefined && facts.allTenants !== true;
}

function isWordless({ result, facts }: Run): boolean {
  return result !== 'succeeded' && facts.tenants === undefined;
}

/** What a person had dumped by name is kept for a month alone: it makes up for no dump that the schedule should have made. */
function failedLast(newestFirst: Run[]): string | null {
  const stored = { byName: new Set<string>(), bySchedule: new Set<string>() };
  for (const run of newestFirst) {
    const { startedAt, facts } = run;
    const byName = isByName(run);
    for (const { id, result } of facts.tenants ?? []) {
      const isMadeUpFor = stored.bySchedule.has(id) || (byName && stored.byName.has(id));
      if (!isMadeUpFor && result === 'failed')
        return `tenant ${id} failed in its newest backup, of ${startedAt}`;
      (byName ? stored.byName : stored.bySchedule).add(id);
    }
  }
  return null;
}
