import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { EndedRun, type Outcome } from '../../../agent/jobs/job.ts';
import { findGlobals } from '../../../agent/jobs/restore/find-globals.ts';
import { sweepRoles, withRoles } from '../../../agent/jobs/restore/with-roles.ts';
import type { Restoration } from '../../../agent/jobs/restore/restoration.ts';
import type { Run } from '../../../agent/ledger/ledger.ts';
import type { Repository, Snapshot } from '../../../agent/repository/repository.ts';
import type { MadeRole, Roles, RolesPlan } from '../../../agent/sources/roles.ts';
import type { Source } from '../../../agent/sources/source.ts';

const PLAN: RolesPlan = {
  roles: [
    { name: 'app', powers: ['LOGIN'] },
    { name: 'clerk', powers: [] },
  ],
  warnings: ['role "old" was there'],
  statements: [],
};
const MADE: MadeRole[] = [
  { name: 'app', oid: '11' },
  { name: 'clerk', oid: '12' },
];
const NAMES = ['app', 'clerk'];
const OUTCOME: Outcome = { reason: 'restored', warnings: [], facts: { tables: 1 } };

/** A source whose roles are made and dropped as told. */
function world(more: Partial<Roles> = {}) {
  const kept = new Map<string, string>();
  const notes = {
    remember: (key: string, value: string) => void kept.set(key, value),
    recall: (key: string) => kept.get(key) ?? null,
  };
  const dropped: string[][] = [];
  const roles = {
    make: async (_: RolesPlan, onMade: (made: MadeRole[]) => void) => {
      onMade(MADE);
      return ['role "app" has no comment yet'];
    },
    drop: async (made: MadeRole[]) => {
      dropped.push(made.map(({ name }) => name));
      return { dropped: NAMES, left: [] };
    },
    ...more,
  } as unknown as Roles;
  const source = { name: 'shop', roles } as Source;
  const abort = new AbortController();
  const restoration = {
    source,
    settings: { notes },
    context: { signal: abort.signal, onProgress: () => undefined },
  } as unknown as Restoration;
  const noted = () => JSON.parse([...kept.values()][0] ?? '[]') as unknown;
  return { restoration, source, notes, dropped, noted, abort };
}

const failing = (error: unknown) => async () => {
  throw error;
};
const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);
const refused = new HoldfastError('restore_failed', 'no order is taken', { hint: 'Mend it.' });

describe('roles that are made for a restore', () => {
  test('it goes well → told, warned of, among the facts, and not noted any more', async () => {
    const { restoration, noted } = world();
    const during: unknown[] = [];
    const outcome = await withRoles(restoration, PLAN, async () => {
      during.push(noted());
      return OUTCOME;
    });
    expect(during).toEqual([MADE]);
    expect(noted()).toEqual([]);
    expect(outcome).toEqual({
      reason: 'restored; created 2 roles that were missing: app (LOGIN), clerk',
      warnings: ['role "old" was there', 'role "app" has no comment yet'],
      facts: { tables: 1, createdRoles: NAMES },
    });
  });

  test('no role is missing → nothing is made', async () => {
    const { restoration } = world({ make: failing(new Error('made')) });
    expect(await withRoles(restoration, null, async () => OUTCOME)).toBe(OUTCOME);
  });

  test('it fails → they are dropped, and the cause is told as it is', async () => {
    const { restoration, dropped, noted } = world();
    expect(await caught(withRoles(restoration, PLAN, failing(refused)))).toBe(refused);
    expect(dropped).toEqual([NAMES]);
    expect(noted()).toEqual([]);
  });

  test('it fails and they are in use → they stay, and are named behind the cause', async () => {
    const { restoration, noted } = world({ drop: async () => ({ dropped: [], left: NAMES }) });
    const error = await caught(withRoles(restoration, PLAN, failing(refused)));
    expect(error).toMatchObject({
      kind: 'restore_failed',
      message: 'no order is taken; roles "app", "clerk", created for it, stay',
      hint: 'Mend it.',
      facts: { createdRoles: NAMES },
    });
    expect(noted()).toEqual([]);
  });

  test('it fails and the server is gone → told, and noted for the next run', async () => {
    const { restoration, noted } = world({ drop: failing(new Error('the server is gone')) });
    const error = await caught(withRoles(restoration, PLAN, failing(refused)));
    expect(error).toMatchObject({
      message:
        'no order is taken; roles "app", "clerk", created for it, could not be dropped yet: the server is gone',
    });
    expect(noted()).toEqual(MADE);
  });

  test('it is told to stop and they are in use → it ends as interrupted, and still names them', async () => {
    const { restoration, abort } = world({ drop: async () => ({ dropped: [], left: NAMES }) });
    abort.abort(new HoldfastError('interrupted', 'told to stop'));
    const error = await caught(withRoles(restoration, PLAN, failing(new Error('aborted'))));
    expect(error).toMatchObject({
      result: 'interrupted',
      stands: true,
      message: 'told to stop; roles "app", "clerk", created for it, stay',
    });
  });

  test('it failed and what is there stays in use, as tenant by tenant → so do they, with its facts', async () => {
    const { restoration, dropped } = world();
    const ended = new EndedRun('failed', refused, { sharedSeconds: 3 }, { stands: true });
    const error = await caught(withRoles(restoration, PLAN, failing(ended)));
    expect(error).toMatchObject({
      message: 'no order is taken; roles "app", "clerk", created for it, stay',
      facts: { sharedSeconds: 3, createdRoles: NAMES },
      stands: true,
    });
    expect(dropped).toEqual([]);
  });

  test('the connection breaks as they are made → whether they are there is not known, and noted', async () => {
    const { restoration, noted } = world({
      make: async (_, onMade) => {
        onMade(MADE);
        throw new HoldfastError('source_unreachable', 'the connection was lost');
      },
    });
    const error = await caught(withRoles(restoration, PLAN, async () => OUTCOME));
    expect(error).toMatchObject({
      message: 'the connection was lost; whether roles "app", "clerk" were created is not known',
    });
    expect(noted()).toEqual(MADE);
  });

  test('those of a killed restore are not dropped yet as the next makes others → both are noted, and only its own are taken off', async () => {
    const { restoration, notes, noted } = world();
    const before = [{ name: 'old', oid: '9' }];
    notes.remember('roles made for a restore of shop', JSON.stringify(before));
    const during: unknown[] = [];
    await withRoles(restoration, PLAN, async () => {
      during.push(noted());
      return OUTCOME;
    });
    expect(during).toEqual([[...before, ...MADE]]);
    expect(noted()).toEqual(before);
    await caught(withRoles(restoration, PLAN, failing(refused)));
    expect(noted()).toEqual(before);
  });

  test.each([
    [{ dropped: NAMES, left: [] }, /^dropped roles "app", "clerk", which a restore of shop had made/],
    [{ dropped: [], left: NAMES }, /^roles "app", "clerk", made by a restore of shop .*, stay: something/],
    [{ dropped: [], left: [] }, null],
  ])('the next run after a kill finds %j → told, and not noted any more', async (found, expected) => {
    const { source, notes, noted } = world({ drop: async () => found });
    notes.remember('roles made for a restore of shop', JSON.stringify(MADE));
    const told = await sweepRoles(source, notes, AbortSignal.timeout(1000));
    if (expected === null) expect(told).toBeNull();
    else expect(told).toMatch(expected);
    expect(noted()).toEqual([]);
  });
});

const snapshot = (kind: 'dump' | 'globals' | 'restore-point', id: string, time: string): Snapshot =>
  ({
    id,
    originalId: id,
    shortId: id,
    time: `2026-11-01T${time}Z`,
    tags: { source: 'shop', engine: 'postgres', kind },
  }) as Snapshot;

describe('the globals of a dump', () => {
  const found = async (stored: Snapshot[], id: string, runs: string[][] = []) => {
    const repository = {
      list: async ({ kind }: { kind: string }) => stored.filter(({ tags }) => tags?.kind === kind),
    } as unknown as Repository;
    const recent = () =>
      runs.map((snapshotIds) => ({ facts: { snapshotId: snapshotIds.at(-1), snapshotIds } }) as Run);
    const dump = stored.find((one) => one.id === id)!;
    const globals = await findGlobals({ repository, ledger: { recent } }, dump, AbortSignal.timeout(1000));
    return globals?.id ?? null;
  };
  const TWO = [
    snapshot('globals', 'g1', '03:00:00'),
    snapshot('dump', 'd1', '03:00:01.5'),
    snapshot('globals', 'g2', '03:30:00'),
    snapshot('dump', 'd2', '03:30:01.5'),
  ];

  test('a bare server, which knows no run → those that were begun right before it', async () => {
    expect([await found(TWO, 'd1'), await found(TWO, 'd2')]).toEqual(['g1', 'g2']);
  });

  test('its own are gone → none, and not those of the dump before', async () => {
    const without = TWO.filter(({ id }) => id !== 'g2');
    expect(await found(without, 'd2')).toBeNull();
  });

  test('of another day → none', async () => {
    const old = [snapshot('globals', 'g1', '03:00:00'), snapshot('dump', 'd1', '09:00:00')];
    expect(await found(old, 'd1')).toBeNull();
  });

  test('two servers that share the names → those of its own run, where the ledger knows it', async () => {
    const both = [
      snapshot('globals', 'g1', '03:00:00'),
      snapshot('globals', 'g2', '03:00:01'),
      snapshot('dump', 'd1', '03:00:03'),
    ];
    expect(await found(both, 'd1')).toBe('g2');
    expect(await found(both, 'd1', [['g1', 'd1']])).toBe('g1');
  });

  test('a restore point → none', async () => {
    const point = [snapshot('globals', 'g1', '03:00:00'), snapshot('restore-point', 'p', '03:00:01')];
    expect(await found(point, 'p')).toBeNull();
  });
});
