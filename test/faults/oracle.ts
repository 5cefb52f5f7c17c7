import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Repository, Snapshot } from '../../agent/repository/repository.ts';
import type { Ended, TestAgent } from '../helpers/agent.ts';
import { expectNextGood } from '../helpers/faults.ts';
import type { Next } from './fault.ts';
import { newestDump, storedBytes } from './planting.ts';

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
  /** Injects the end of the agent itself, which can say nothing any more; where it ended before, `ended` tells. */
  died(attempt: () => Promise<Ended>, expected?: Pick<Expected, 'sourceChanges'>): Promise<Ended>;
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
}

/** What a good backup may warn of after damage: retention holds back until what was found is known to be mended. */
const HELD_BACK = /nothing of \S+ was removed, though/;
const STRANGER = /1 dump is in the repository under the names .* that this agent did not store/;

const SECRETS = /keeper-secret|bosspw|correct horse/;

/** A backup that was good before anything happened. */
export interface GoodBackup {
  snapshot: Snapshot;
  hash: string;
}

/** An agent with a good backup behind it is judged; `contents` reads the source. */
export function createOracle(
  agent: TestAgent,
  { repository, source, good }: { repository: Repository; source: string; good: GoodBackup },
  contents: () => Promise<unknown>,
): Oracle {
  let injected = 0;

  const alsoAlarms: Oracle['alsoAlarms'] = async (attempt, told, expected = {}) => {
    const before = await standingOf(agent, contents, expected);
    const ended = await attempt();
    expect(ended.stderr).toMatch(told);
    expect(ended.code, ended.stderr).toBe(expected.exitCode ?? 1);
    expect(ended.stderr + ended.stdout.slice(0, 10_000)).not.toMatch(SECRETS);
    const after = await standingOf(agent, contents, expected);
    expect(after.lastVerified, 'last_verified').toBe(before.lastVerified);
    if (expected.counts !== true) expect(after.lastOk, 'the heartbeat').toBe(before.lastOk);
    if (expected.counts === true || expected.stores === true)
      expect(after.snapshots).toEqual(expect.arrayContaining(before.snapshots));
    else expect(after.snapshots).toEqual(before.snapshots);
    expect(after.source, 'the source').toEqual(before.source);
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
      const before = lastVerified(agent);
      const { code, stderr } = await agent.run(['verify']);
      expect(stderr).toMatch(/not proven|did not come back as it was/);
      expect(stderr).not.toMatch(/; proved/);
      expect([1, 3]).toContain(code);
      expect(lastVerified(agent), 'last_verified').toBe(before);
    },
    ridesOut: async (attempt) => {
      injected += 1;
      const { code, stderr } = await attempt();
      expect(stderr).toMatch(/backup of .+: stored/);
      expect(code, stderr).toBe(0);
      await expectProved(agent);
    },
    died: async (attempt, expected = {}) => {
      injected += 1;
      const before = await standingOf(agent, contents, expected);
      const ended = await attempt();
      const after = await standingOf(agent, contents, expected);
      // Whoever was killed when all was done left a heartbeat that moved, rightly: what it speaks of is there.
      if (after.lastOk !== before.lastOk) {
        const newest = await newestDump(repository, source);
        expect(before.snapshots).not.toContain(newest.id);
        // By the agent: its retention may have died behind the backup, with a lock that nobody else may remove.
        const read = await agent.run(['restore', source, '--snapshot', newest.id, '--output', '-']);
        expect(read.code, read.stderr).toBe(0);
      }
      if (after.lastVerified !== before.lastVerified)
        expect(await agent.lastRun()).toMatchObject({ job: 'verify', result: 'succeeded' });
      expect(after.source, 'the source').toEqual(before.source);
      expect(ended.stderr).not.toMatch(SECRETS);
      return ended;
    },
    close: async (next, { planted }) => {
      expect(await hashOf(repository, good.snapshot), 'the good backup of before').toBe(good.hash);
      if (next === 'backup') return expectNextGood(agent);
      if (next === 'verification') return expectProved(agent);
      const before = agent.lastOk();
      const { code, stderr } = await agent.run(['backup']);
      expect(stderr).toMatch(/backup of .+: stored/);
      expect(stderr).not.toMatch(/error/);
      const warnings = stderr.split('\n').filter((line) => line.startsWith('warning: '));
      const told = planted ? [HELD_BACK, STRANGER] : [HELD_BACK];
      expect(warnings.filter((line) => !told.some((pattern) => pattern.test(line)))).toEqual([]);
      if (planted) expect(stderr).toMatch(STRANGER);
      expect(code, stderr).toBe(warnings.length === 0 ? 0 : 3);
      expect(agent.lastOk(), 'the heartbeat').not.toBe(before);
      await expectProved(agent);
    },
  };
}

/** The newest dump is shown equal to the source, and `last_verified` says so. */
async function expectProved(agent: TestAgent): Promise<void> {
  const before = lastVerified(agent);
  const { code, stderr } = await agent.run(['verify']);
  expect(stderr).toMatch(/; proved/);
  expect(code, stderr).toBe(0);
  expect(lastVerified(agent)).not.toBe(before);
}

async function standingOf(agent: TestAgent, contents: () => Promise<unknown>, expected: Expected) {
  return {
    lastOk: agent.lastOk(),
    lastVerified: lastVerified(agent),
    snapshots: agent.snapshots(),
    source: expected.sourceChanges === true ? null : await contents(),
  };
}

function lastVerified({ environment }: TestAgent): string | null {
  const path = join(environment['HOLDFAST_STATUS_DIR']!, 'last_verified');
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
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
