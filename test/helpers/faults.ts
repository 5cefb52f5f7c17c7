import { expect } from 'vitest';
import type { Ended, TestAgent } from './agent.ts';

/** What every fault must leave: a run that failed and says why, nothing stored that counts, and the heartbeat where it was. */
export async function expectRefusal(
  agent: TestAgent,
  attempt: () => Promise<Ended>,
  cause: RegExp,
  exitCode = 1,
): Promise<void> {
  const [snapshots, lastOk] = [agent.snapshots(), agent.lastOk()];
  const { code, stderr } = await attempt();
  expect(stderr).toMatch(cause);
  expect(code).toBe(exitCode);
  expect(agent.snapshots()).toEqual(snapshots);
  expect(agent.lastOk()).toBe(lastOk);
  expect(stderr).not.toMatch(/keeper-secret|correct horse/);
}

/** And when the fault is over: a new snapshot, and a heartbeat that has moved. */
export async function expectNextGood(agent: TestAgent, environment?: Record<string, string>): Promise<void> {
  const [snapshots, lastOk] = [agent.snapshots(), agent.lastOk()];
  const { code, stderr } = await agent.run(['backup'], environment);
  expect(stderr).toMatch(/backup of .+: stored/);
  expect(stderr).not.toMatch(/error|warning/);
  expect(code).toBe(0);
  expect(agent.snapshots().filter((id) => !snapshots.includes(id))).not.toEqual([]);
  expect(timeOf(agent.lastOk())).toBeGreaterThan(timeOf(lastOk));
}

/** Before every time, where there is no heartbeat. */
function timeOf(lastOk: string | null): number {
  return lastOk === null ? 0 : Date.parse(lastOk.trim());
}
