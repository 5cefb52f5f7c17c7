import { describe, expect, test } from 'vitest';
import { aheadOf, newestOf, newestThen } from '../../../agent/jobs/newest.ts';
import { strangersIn, strangerWords } from '../../../agent/jobs/strangers.ts';
import type { Run } from '../../../agent/ledger/ledger.ts';
import type { Snapshot } from '../../../agent/repository/repository.ts';

const now = () => new Date('2026-11-21T12:00:00Z');
const dump = (id: string, time: string, originalId = id): Snapshot => ({
  id,
  originalId,
  shortId: id,
  time: `2026-11-${time}:00.000Z`,
  host: 'holdfast',
  path: '/mysql/shop.sql.gz',
  tags: { source: 'shop', engine: 'mysql', kind: 'dump' },
  bytes: 1,
});
/** Backups in the order in which they ran. */
const ledgerOf = (...runs: Partial<Run>[]) => ({
  recent: ({ result }: { result?: Run['result'] }) =>
    (runs as Run[]).filter((run) => result === undefined || run.result === result).reverse(),
});
const stored = (snapshotId: string, startedAt = '2026-11-01T03:00:00Z'): Partial<Run> => ({
  result: 'succeeded',
  startedAt,
  finishedAt: startedAt,
  facts: { snapshotId, snapshotIds: [snapshotId, `${snapshotId}-proof`] },
});

describe('the newest dump', () => {
  const monday = dump('mon', '16T03:00');
  const tuesday = dump('tue', '17T03:00');
  const future = dump('ahead', '30T03:00');
  const newest = (dumps: Snapshot[], ...runs: Partial<Run>[]) =>
    newestOf('shop', dumps, { ledger: ledgerOf(...runs), now });

  test('all clocks were right → the last one, and nothing to tell', () => {
    expect(newest([monday, tuesday], stored('mon'), stored('tue'))).toEqual({
      snapshot: tuesday,
      note: null,
      known: null,
    });
  });

  test('the clock was ahead for the backup before → the one that the ledger knows as the last, and why', () => {
    const { snapshot, note } = newest([tuesday, future], stored('ahead'), stored('tue'))!;
    expect(snapshot).toBe(tuesday);
    expect(note).toBe(
      'ahead bears the later time 2026-11-30T03:00:00Z, by a clock that was wrong: the ledger knows tue as the newest',
    );
  });

  test('the clock was ahead for the last backup → that one: its data is the newest', () => {
    expect(newest([tuesday, future], stored('tue'), stored('ahead'))).toEqual({
      snapshot: future,
      note: null,
      known: null,
    });
  });

  test('a clock that was ahead by days, which have passed since → still the one that ran last', () => {
    const { snapshot } = newest([monday, tuesday], stored('tue'), stored('mon'))!;
    expect(snapshot).toBe(monday);
  });

  test('the ledger is lost → the last one whose time has come', () => {
    const { snapshot, note } = newest([monday, tuesday, future])!;
    expect(snapshot).toBe(tuesday);
    expect(note).toMatch(/ahead bears the later time .* that time has not come yet$/);
  });

  test('the ledger is an older copy, or another server stores under the same names → what bears a later time is taken, and told with the way to the other', () => {
    expect(newest([monday, tuesday], stored('mon'))).toEqual({
      snapshot: tuesday,
      note: 'tue of 2026-11-17T03:00:00Z is none that this agent stored: another server may be called so too, or its ledger is an older copy; the newest that it did store is mon of 2026-11-16T03:00:00Z, which `--snapshot mon` takes',
      known: monday,
    });
    expect(newest([monday, tuesday, future], stored('mon'))).toMatchObject({
      snapshot: tuesday,
      note: expect.stringMatching(
        /^ahead bears the later time .* not come yet; tue of .* none that this agent/,
      ) as string,
      known: monday,
    });
  });

  test('a stranger is older than the last one of ours, or its dump is all that is left → nothing to tell', () => {
    expect(newest([monday, tuesday], stored('tue'))).toEqual({ snapshot: tuesday, note: null, known: null });
    expect(newest([tuesday], stored('mon'))).toEqual({ snapshot: tuesday, note: null, known: null });
  });

  test('the newest of a time is a stranger → told as well; where there is none of ours before it, not', () => {
    const at = new Date('2026-11-17T12:00:00Z');
    const then = (...runs: Partial<Run>[]) =>
      newestThen('shop', [monday, tuesday, future], at, { ledger: ledgerOf(...runs) });
    expect(then(stored('mon'), stored('ahead'))).toMatchObject({
      snapshot: tuesday,
      note: expect.stringContaining('`--snapshot mon` takes') as string,
    });
    expect(then(stored('mon'), stored('tue'))).toMatchObject({ snapshot: tuesday, note: null });
    expect(then(stored('ahead'))).toMatchObject({ snapshot: tuesday, note: null });
  });

  test('restic copied it and gave it another id → known all the same', () => {
    const copied = dump('copy', '17T03:00', 'tue');
    expect(newest([copied, future], stored('ahead'), stored('tue'))?.snapshot).toBe(copied);
  });

  test('every time lies ahead → the last one; there is none → none', () => {
    expect(newest([future])?.snapshot).toBe(future);
    expect(newest([])).toBeNull();
  });

  test('clocks that differ by a minute → none is ahead', () => {
    expect(aheadOf([dump('a', '21T12:01'), dump('b', '21T12:06')], now()).map(({ id }) => id)).toEqual(['b']);
  });
});

describe('dumps of somebody else under the same names', () => {
  const runs = [
    stored('one', '2026-11-18T03:00:00Z'),
    stored('two', '2026-11-19T03:00:00Z'),
    stored('three', '2026-11-20T03:00:00Z'),
  ];
  const ours = [dump('one', '18T03:00'), dump('two', '19T03:00'), dump('three', '20T03:00')];
  const strangers = (more: Snapshot[], ...others: Partial<Run>[]) =>
    strangersIn(ledgerOf(...runs, ...others), 'shop', [...more, ...ours]).map(({ id }) => id);

  test('since the last backup but one → found, and told with what to do', () => {
    expect(strangers([dump('theirs', '19T15:00')])).toEqual(['theirs']);
    expect(strangerWords('shop', [dump('theirs', '19T15:00')], 'holdfast')).toEqual([
      '1 dump is in the repository under the names holdfast and shop that this agent did not store (the newest: theirs of 2026-11-19T15:00:00Z): if another server is called so too, give each a HOLDFAST_HOST of its own',
    ]);
    expect(strangerWords('shop', [], 'holdfast')).toEqual([]);
  });

  test.each([
    ['of before the last backup but one: of an agent whose ledger is gone', dump('old', '18T15:00')],
    ['ours, copied by restic', dump('copy', '20T03:00', 'three')],
    [
      'of another source',
      { ...dump('other', '19T15:00'), tags: { source: 'blog', engine: 'mysql', kind: 'dump' } },
    ],
    ['no dump', { ...dump('proof', '19T15:00'), tags: { source: 'shop', engine: 'mysql', kind: 'proof' } }],
  ] as [string, Snapshot][])('%s → none', (_, snapshot) => {
    expect(strangers([snapshot])).toEqual([]);
  });

  test('left by a run of ours that was interrupted → none; at another time → found', () => {
    const killed: Partial<Run> = {
      result: 'interrupted',
      startedAt: '2026-11-20T15:00:00Z',
      finishedAt: '2026-11-20T16:00:00Z',
      facts: {},
    };
    expect(strangers([dump('left', '20T15:00')], killed)).toEqual([]);
    expect(strangers([dump('theirs', '20T17:00')], killed)).toEqual(['theirs']);
  });

  test('a new ledger beside old snapshots → none', () => {
    expect(strangersIn(ledgerOf(), 'shop', ours)).toEqual([]);
  });
});
