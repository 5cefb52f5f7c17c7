import { describe, expect, test } from 'vitest';
import type { Notes } from '../../../agent/jobs/init.ts';
import {
  endUnfinished,
  markUnfinished,
  refuseUnfinished,
  withdrawUnfinished,
  type Unfinished,
} from '../../../agent/jobs/restore/unfinished-restore.ts';

const SWAP = { fresh: 'beside', keep: 'shop_before', details: '' };

function mark(snapshot: string, what: Partial<Unfinished> = {}): Unfinished {
  return { snapshot, at: '2026-11-01T00:00:00.000Z', ...what };
}

/** What is not whole when these were begun, one after the other, and no more is known of any. */
function afterAll(...marks: Unfinished[]): Notes {
  const kept = new Map<string, string>();
  const notes = {
    remember: (key: string, value: string) => void kept.set(key, value),
    recall: (key: string) => kept.get(key) ?? null,
  };
  for (const one of marks) markUnfinished(notes, 'shop', one);
  return notes;
}

const refusal = (notes: Notes) => {
  try {
    refuseUnfinished(notes, 'shop');
    return null;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a restore of some tables after another restore that never ended', () => {
  test.each([
    ['of everything', mark('aaaaaaaa', { inPlace: true })],
    ['of a table that is not among them', mark('aaaaaaaa', { tables: ['orders', 'parts'] })],
  ])('%s → that one is still not ended', (_, older) => {
    for (const how of [{}, { swap: SWAP }]) {
      const notes = afterAll(older, mark('bbbbbbbb', { tables: ['orders'], ...how }));
      expect(refusal(notes)).toContain('restore of bbbbbbbb');
      endUnfinished(notes, 'shop');
      expect(refusal(notes)).toContain('restore of aaaaaaaa');
    }
  });

  test('of the same tables → both are ended', () => {
    const older = mark('aaaaaaaa', { tables: ['orders'] });
    for (const how of [{}, { swap: SWAP }]) {
      const notes = afterAll(older, mark('bbbbbbbb', { tables: ['orders', 'parts'], ...how }));
      endUnfinished(notes, 'shop');
      expect(refusal(notes)).toBeNull();
    }
  });

  test('begun twice, and everything before was not whole → that is still not ended', () => {
    const again = mark('bbbbbbbb', { tables: ['orders'] });
    const notes = afterAll(mark('aaaaaaaa'), again, again);
    endUnfinished(notes, 'shop');
    expect(refusal(notes)).toContain('restore of aaaaaaaa');
  });

  test('and its swap is undone → what was not whole before is not whole', () => {
    const notes = afterAll(
      mark('aaaaaaaa', { tables: ['orders'] }),
      mark('bbbbbbbb', { tables: ['orders'], swap: SWAP }),
    );
    withdrawUnfinished(notes, 'shop');
    expect(refusal(notes)).toContain('restore of aaaaaaaa');
  });
});

test('everything is restored after some tables were not → ended', () => {
  const notes = afterAll(mark('aaaaaaaa', { tables: ['orders'] }), mark('bbbbbbbb', { swap: SWAP }));
  endUnfinished(notes, 'shop');
  expect(refusal(notes)).toBeNull();
});
