import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Repository, Snapshot } from '../../agent/repository/repository.ts';
import type { Ended } from '../helpers/agent.ts';
import { expectNextGood } from '../helpers/faults.ts';
import type { Next } from './fault.ts';
import type { HeardAgent } from './heard.ts';
import { expectTrueAfterDeath, watchDeaths } from './left-by-death.ts';
import { newestDump, storedBytes } from './planting.ts';
import { standingOf, type Standing } from './standing.ts';

/**
 * What every fault must leave, the same for all of them: the alarm is raised in words that name the cause, nothing is green that
 * was not, no good backup is gone, the source is unharmed, and the next run is good.
 */
export interface Oracle {
  /** How often the fault was injected by now. */
  readonly injected: number;
  /** Injects the fault once: a command meets it, fails or warns, and says why. */
  alarm(attempt: () => Promise<Ended>, told: RegExp, expected?: Expected): Promise<Ended>;
  /** Another command that meets the fault injected last; the same is asserted, and nothing counted. */
  alsoAlarms(attempt: () => Promise<Ended>, told: RegExp, expected?: Expected): Promise<Ended>;
  /** The verification of a dump whose equality is not proven: it says so, or that it is not equal, and never calls it equal. */
  neverEqual(): Promise<void>;
  /** Injects a fault that does no harm and needs no alarm: the backup is good, and is proved equal. */
  ridesOut(attempt: () => Promise<Ended>): Promise<void>;
  /**
   * Injects the end of the agent itself, which can say nothing any more; where it ended before, `ended` tells. The next run that
   * ends by itself, here or in `close`, must say of each run that died that it did.
   */
  died(attempt: () => Promise<Ended>, expected?: Pick<Expected, 'sourceChanges' | 'forgets'>): Promise<Ended>;
  /**
   * The fault is over: the good backup of before restores to the same bytes, and the next run is good. Where a planted dump is left,
   * the backup tells of it.
   */
  close(next: Next, left: { planted: boolean }): Promise<void>;
}

export interface Expected {
  /** 1 when left out: failed. 3 is done with warnings, 5 busy. */
  exitCode?: number;
  /** The fault itself changes the source, or takes its server away: it is not compared. */
  sourceChanges?: boolean;
  /** Something is stored, and does not count: a suspect dump, a restore point. */
  stores?: boolean;
  /** The backup is good and counts, and what is missing is its proof. */
  counts?: boolean;
  /** The command removes old snapshots rightly, and never the newest good backup nor the one of before all faults. */
  forgets?: boolean;
}

/** What a good backup may warn of after damage: retention holds back until what was found is known to be mended. */
const HELD_BACK = /nothing of \S+ was removed, though/;
const AFTER_DEATH = /was interrupted: the agent died|removed \d+ (dead lock|snapshot)s?\b/;
const STRANGER = /1 dump is in the repository under the names .* that this agent did not store/;

const SECRETS = /keeper-secret|bosspw|correct horse/;

/** A backup that was good before anything happened. */
export interface GoodBackup {
  snapshot: Snapshot;
  hash: string;
}

/** An agent with a good backup behind it is judged; `contents` reads rows and definitions of the source. */
export function createOracle(
  agent: HeardAgent,
  { repository, source, good }: { repository: Repository; source: string; good: GoodBackup },
  contents: () => Promise<unknown>,
): Oracle {
  let injected = 0;
  const deaths = watchDeaths(agent, source);
  const look = () => standingOf(agent, source);
  const sourceNow = async ({ sourceChanges }: Expected) => (sourceChanges === true ? null : contents());

  const alsoAlarms: Oracle['alsoAlarms'] = async (attempt, told, expected = {}) => {
    const [before, sourceBefore] = [look(), await sourceNow(expected)];
    const ended = await attempt();
    expect(ended.stderr).toMatch(told);
    expect(ended.code, ended.stderr).toBe(expected.exitCode ?? 1);
    expect(ended.stderr + ended.stdout.slice(0, 10_000)).not.toMatch(SECRETS);
    expectNotGreener(before, look(), expected);
    expect(await sourceNow(expected), 'the source').toEqual(sourceBefore);
    deaths.look(ended);
    return ended;
  };

  const died: Oracle['died'] = async (attempt, expected = {}) => {
    injected += 1;
    const [before, sourceBefore] = [look(), await sourceNow(expected)];
    const ended = await attempt();
    expectTrueAfterDeath(agent, source, { before, forgets: expected.forgets === true });
    // Whoever was killed when all was done left a heartbeat that moved, rightly: what it speaks of is there.
    if (agent.lastOk() !== before.lastOk) {
      const newest = await newestDump(repository, source);
      expect(before.snapshots).not.toContain(newest.id);
      // By the agent: its retention may have died behind the backup, with a lock that nobody else may remove.
      const read = await agent.run(['restore', source, '--snapshot', newest.id, '--output', '-']);
      expect(read.code, read.stderr).toBe(0);
    }
    expect(await sourceNow(expected), 'the source').toEqual(sourceBefore);
    expect(ended.stderr).not.toMatch(SECRETS);
    deaths.look(ended, true);
    return ended;
  };

  return {
    get injected() {
      return injected;
    },
    alarm: (...args) => {
      injected += 1;
      return alsoAlarms(...args);
    },
    alsoAlarms,
    neverEqual: async () => {
      const before = look();
      const { code, stderr } = await agent.run(['verify']);
      expect(stderr).toMatch(/not proven|did not come back as it was/);
      expect(stderr).not.toMatch(/; proved/);
      expect([1, 3]).toContain(code);
      expectNotGreener(before, look());
    },
    ridesOut: async (attempt) => {
      injected += 1;
      const { code, stderr } = await attempt();
      expect(stderr).toMatch(/backup of .+: stored/);
      expect(code, stderr).toBe(0);
      await expectProved(agent, source);
    },
    died,
    close: async (next, { planted }) => {
      expect(await hashOf(repository, good.snapshot), 'the good backup of before').toBe(good.hash);
      if (next === 'verification') await expectProved(agent, source);
      else if (next === 'backup' && !deaths.areOwed()) await expectNextGood(agent);
      else await expectGoodAmid(agent, [HELD_BACK, AFTER_DEATH], planted);
      if (next === 'verify') await expectProved(agent, source);
      deaths.expectTold();
    },
  };
}

/** What is shown as good is what was good before, and what was run since is not shown as a plain success. */
function expectNotGreener(before: Standing, after: Standing, { counts, stores }: Expected = {}): void {
  expect(after.lastVerified, 'last_verified').toBe(before.lastVerified);
  const { shown } = after;
  const proofs = ({ lastVerified, lastProved }: Standing['shown']) => ({ lastVerified, lastProved });
  expect(proofs(shown), 'the verifications that status.json shows').toEqual(proofs(before.shown));
  if (counts !== true) {
    expect(after.lastOk, 'the heartbeat').toBe(before.lastOk);
    // In a repository that is not known, none.
    expect([before.shown.lastSuccess, null], 'the last success that status.json shows').toContain(
      shown.lastSuccess,
    );
  }
  if (counts === true || stores === true)
    expect(after.snapshots).toEqual(expect.arrayContaining(before.snapshots));
  else {
    expect(after.snapshots).toEqual(before.snapshots);
    expect(shown.upkeep, 'check and retention in status.json').toEqual(before.shown.upkeep);
  }
  const since = after.runs.filter(({ id }) => !before.runs.some((run) => run.id === id));
  if (since.length === 0) return;
  const plain = ({ result, warnings }: Standing['shown']['runs'][number]) =>
    result === 'succeeded' && !warnings;
  expect(shown.runs.slice(0, since.length).every(plain), 'status.json shows nothing but success').toBe(false);
  if (since.some(({ job }) => job === 'verify')) expect(shown.verdict).not.toBe('proved');
}

/** A backup that is good, and warns of nothing but this; and of a dump that somebody planted where there is one. */
async function expectGoodAmid(agent: HeardAgent, told: RegExp[], planted: boolean): Promise<void> {
  const before = agent.lastOk();
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).toMatch(/backup of .+: stored/);
  expect(stderr).not.toMatch(/error/);
  const warnings = stderr.split('\n').filter((line) => line.startsWith('warning: '));
  const expected = planted ? [...told, STRANGER] : told;
  expect(warnings.filter((line) => !expected.some((pattern) => pattern.test(line)))).toEqual([]);
  if (planted) expect(stderr).toMatch(STRANGER);
  // What is told of an earlier run is no warning of this one.
  const own = warnings.filter((line) => !AFTER_DEATH.test(line));
  expect(code, stderr).toBe(own.length === 0 ? 0 : 3);
  expect(agent.lastOk(), 'the heartbeat').not.toBe(before);
}

/** The newest dump is shown equal to the source, and the status folder says so. */
async function expectProved(agent: HeardAgent, source: string): Promise<void> {
  const before = standingOf(agent, source);
  const { code, stderr } = await agent.run(['verify']);
  expect(stderr).toMatch(/; proved/);
  expect(code, stderr).toBe(0);
  const after = standingOf(agent, source);
  expect(after.lastVerified).not.toBe(before.lastVerified);
  expect(after.shown.verdict).toBe('proved');
}

/** The newest backup of a source, as what must not be lost. */
export async function goodBackup(repository: Repository, source: string): Promise<GoodBackup> {
  const snapshot = await newestDump(repository, source);
  return { snapshot, hash: await hashOf(repository, snapshot) };
}

async function hashOf(repository: Repository, snapshot: Snapshot): Promise<string> {
  return createHash('sha256')
    .update(await storedBytes(repository, snapshot))
    .digest('hex');
}
