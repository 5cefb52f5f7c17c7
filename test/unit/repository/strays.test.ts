import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../agent/repository/repository.ts';
import { mayHaveStored, strayOf, type FailedSave } from '../../../agent/repository/strays.ts';

const failed: FailedSave = {
  path: '/mysql/shop.sql.gz',
  tags: { source: 'shop', engine: 'mysql', kind: 'dump' },
  times: { since: new Date('2026-11-01T03:00:00.500Z'), withinMs: 60_000 },
  exit: { code: 130, signal: null, stderr: [] },
  named: null,
  inputEnded: true,
  bytes: 100,
};
const stray: Snapshot = {
  id: 'stray',
  shortId: 'stray',
  originalId: 'stray',
  time: '2026-11-01T03:00:01.000Z',
  host: 'holdfast',
  path: failed.path,
  tags: failed.tags,
  bytes: 100,
};

describe('what a failed save may have left', () => {
  test('one under its path, tags and time → that one', () => {
    expect(strayOf(failed, [stray])).toBe('stray');
  });

  test.each<[string, Partial<Snapshot>]>([
    ['of another path', { path: '/mysql/blog.sql.gz' }],
    ['of another kind', { tags: { ...failed.tags, kind: 'restore-point' } }],
    ['that is not ours', { tags: null }],
    ['of before it began', { time: '2026-11-01T03:00:00.400Z' }],
    ['of long after', { time: '2026-11-01T03:02:00.000Z' }],
    ['that holds other bytes than it was given', { bytes: 99 }],
  ])('one %s → none', (_, other) => {
    expect(strayOf(failed, [{ ...stray, ...other }])).toBeNull();
  });

  test('two of them → none: one is another server’s', () => {
    expect(strayOf(failed, [stray, { ...stray, id: 'theirs' }])).toBeNull();
  });

  test.each<[string, Partial<FailedSave>, boolean]>([
    ['it was cleaning up before its input ended', { inputEnded: false }, false],
    ['it took the end of its input for all', {}, true],
    ['it ended well nevertheless', { inputEnded: false, exit: { code: 0, signal: null, stderr: [] } }, true],
    ['it stored an empty input', { inputEnded: false, exit: { code: 3, signal: null, stderr: [] } }, true],
  ])('%s → a snapshot is possible: %s', (_, how, possible) => {
    expect(mayHaveStored({ ...failed, ...how })).toBe(possible);
  });
});
