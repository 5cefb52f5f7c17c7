import { describe, expect, test } from 'vitest';
import { sizeUp } from '../../../agent/jobs/size-up.ts';
import type { Run, RunFacts } from '../../../agent/ledger/ledger.ts';
import type { Snapshot } from '../../../agent/repository/repository.ts';

let id = 0;
const run = (job: Run['job'], facts: RunFacts): Run => ({
  id: (id += 1),
  job,
  source: 'shop',
  trigger: 'command',
  startedAt: '2026-11-01T05:00:00Z',
  finishedAt: '2026-11-01T05:01:00Z',
  result: 'succeeded',
  reason: 'done',
  hint: null,
  warnings: [],
  facts,
});
const sized = (...runs: Run[]) => {
  const recent = ({ job }: { job?: Run['job'] }) => runs.filter((one) => one.job === job).reverse();
  return sizeUp({ recent }, 'shop', { id: 'new' } as Snapshot);
};

const small = run('backup', { snapshotId: 'old', dumpBytes: 1e9, databaseBytes: 9e9, tables: 4 });
const large = run('backup', { snapshotId: 'new', dumpBytes: 2e9, databaseBytes: 18e9, tables: 5 });
const verified = run('verify', { snapshotId: 'old', databaseBytes: 3e9, tables: 4 });

describe('what a restore takes', () => {
  test('the last verification restored a dump of half the size → twice the room and twice the time', () => {
    const { needs, milliseconds, tables } = sized(small, large, verified);
    expect(needs).toEqual({ bytes: 6e9, by: 'the verification of 2026-11-01T05:00:00Z', restored: true });
    expect(milliseconds).toBe(120_000);
    expect(tables).toBe(5);
  });

  test('nothing was restored yet → what the source took, and no time', () => {
    const { needs, milliseconds } = sized(small, large);
    expect(needs).toEqual({ bytes: 18e9, by: 'the backup of 2026-11-01T05:00:00Z', restored: false });
    expect(milliseconds).toBeNull();
  });

  test('the ledger is lost with its server → nothing is known', () => {
    expect(sized()).toMatchObject({ needs: null, milliseconds: null, dumpBytes: null, tables: null });
  });
});
