import { describe, expect, test } from 'vitest';
import { maintenanceAfter, type Ended } from '../../../agent/jobs/backup/after-backup.ts';
import { notingSnapshots } from '../../../agent/jobs/upkeep/known-snapshots.ts';
import { retentionJob, type RetentionSettings } from '../../../agent/jobs/upkeep/retention.ts';
import type {
  DumpToSave,
  FolderToSave,
  PreparedSave,
  Repository,
  SavedFolder,
  SaveRequest,
  SaveTarget,
  Snapshot,
} from '../../../agent/repository/repository.ts';

const USUAL = { daily: 1, weekly: 0, monthly: 0, yearly: 0 };
const context = { signal: new AbortController().signal, onProgress: () => undefined };

/** Only what retention needs of a repository, which keeps the last of its snapshots; what happens to it is kept. */
function fakeRepository(ids: string[], more: Partial<Repository> = {}) {
  const done: string[] = [];
  const present = ids.map(
    (id) =>
      ({
        id,
        shortId: id,
        time: '2026-03-01T03:00:00.000Z',
        path: '/mysql/shop.sql.gz',
        tags: { source: 'shop', engine: 'mysql', kind: 'dump' },
      }) as Snapshot,
  );
  const repository = {
    location: '/repository',
    identify: async () => 'repository-id',
    preview: async () => ({ kept: present.slice(-1), removed: present.slice(0, -1) }),
    forget: async () => {
      done.push('forget');
      const removed = present.splice(0, present.length - 1).map(({ id }) => id);
      return { kept: present.map(({ id }) => id), removed };
    },
    remove: async (gone: string[]) => {
      done.push(`remove ${gone.join(' ')}`);
    },
    prune: async () => {
      done.push('prune');
      return { freedBytes: 1_230_000 };
    },
    ...more,
  } as unknown as Repository;
  return { repository, done, present };
}

/** One of which nothing is old enough to go. */
function keepingAll(ids: string[]) {
  const fake = fakeRepository(ids);
  return {
    ...fake,
    repository: { ...fake.repository, preview: async () => ({ kept: fake.present, removed: [] }) },
  };
}

function settings(
  repository: Repository,
  notes: Map<string, string>,
  more: Partial<RetentionSettings> = {},
): RetentionSettings {
  return {
    repository,
    notes: { remember: (key, value) => void notes.set(key, value), recall: (key) => notes.get(key) ?? null },
    keep: USUAL,
    keepOf: () => USUAL,
    keepOfTenant: () => USUAL,
    keepOfGroup: () => USUAL,
    sources: ['shop'],
    mustExist: () => [],
    dryRun: false,
    acceptMissing: false,
    afterBackup: false,
    now: () => new Date('2026-03-09T00:00:00Z'),
    dropReplaced: async () => ({ dropped: [], failures: [] }),
    watches: true,
    damaged: () => false,
    strangers: () => [],
    tenantDoubt: () => null,
    standing: () => ({ doubt: null, verified: [], proven: [], good: [], displaced: [] }),
    timeoutMs: 1000,
    ...more,
  };
}

describe('retention', () => {
  test('some snapshots are too old → forgotten first, then pruned', async () => {
    const { repository, done } = fakeRepository(['a', 'b', 'c']);
    const outcome = await retentionJob(settings(repository, new Map())).run(context);
    expect(done).toEqual(['forget', 'prune']);
    expect(outcome.facts).toEqual({
      snapshotsKept: 1,
      snapshotsRemoved: 2,
      freedBytes: 1_230_000,
      removed: ['a', 'b'].map((shortId) => ({
        shortId,
        time: '2026-03-01T03:00:00.000Z',
        source: 'shop',
        path: '/mysql/shop.sql.gz',
      })),
    });
  });

  test('the newest good one would go → it stays', async () => {
    const { repository, done } = fakeRepository(['a', 'b', 'c']);
    const standing = () => ({ doubt: null, verified: [], proven: [], good: ['b'], displaced: [] });
    const outcome = await retentionJob(settings(repository, new Map(), { standing })).run(context);
    expect(done).toEqual(['remove a', 'prune']);
    expect(outcome.reason).toContain(
      'b of /mysql/shop.sql.gz stays whatever the policy: it is the newest good one',
    );
  });

  test('the policy keeps a suspect one in the place of a good one → that stays as well, as long as the suspect does', async () => {
    const { repository, done } = fakeRepository(['a', 'b', 'c']);
    const standing = (bySnapshot: string) => () => ({
      ...{ doubt: null, verified: [], proven: [], good: [] },
      displaced: [{ bySnapshot, good: ['b'] }],
    });
    await retentionJob(settings(repository, new Map(), { standing: standing('c') })).run(context);
    expect(done).toEqual(['remove a', 'prune']);
    const gone = fakeRepository(['a', 'b', 'c']);
    await retentionJob(settings(gone.repository, new Map(), { standing: standing('a') })).run(context);
    expect(gone.done).toEqual(['forget', 'prune']);
  });

  test('a snapshot bears a time to come → nothing of its source goes, of its tenants either, and it is named', async () => {
    const { repository, done, present } = fakeRepository(['a', 'b', 'c']);
    present[2]!.time = '2026-03-09T00:10:00.000Z';
    const old = { ...present[0]!, id: 't', time: '2026-01-01T00:00:00.000Z', path: '/postgres/shop/t.dump' };
    old.tags = { source: 'shop', engine: 'postgres', kind: 'on-demand', tenant: 't' };
    present.unshift(old);
    const outcome = await retentionJob(settings(repository, new Map())).run(context);
    expect(done).toEqual([]);
    expect(outcome.warnings).toHaveLength(2);
    expect(outcome.warnings[0]).toMatch(
      /^nothing of shop was removed, .*the clock is wrong, or was: 1 snapshot, up to c of 2026-03-09T00:10:00Z, .*holdfast restic -- forget c/,
    );
    expect(outcome.warnings[1]).toMatch(/^no dumps of tenants of shop were removed, .*the clock is wrong/);
  });

  test('a source has a policy of its own → it is asked for that source alone, and forgotten by', async () => {
    const own = { daily: 7, weekly: 4, monthly: 12, yearly: 5 };
    const asked: unknown[] = [];
    const fake = fakeRepository(['a', 'b', 'c']);
    const preview: Repository['preview'] = async (policy, _signal, filter) => {
      asked.push([policy, filter]);
      const going = policy.yearly === 5 ? 1 : 2;
      return { kept: fake.present.slice(going), removed: fake.present.slice(0, going) };
    };
    const forget: Repository['forget'] = async (policy, filter) => {
      asked.push(['forget', policy, filter]);
      return { kept: ['b', 'c'], removed: ['a'] };
    };
    const keepOf = (source: string) => (source === 'shop' ? own : USUAL);
    const repository = { ...fake.repository, preview, forget };
    const outcome = await retentionJob(settings(repository, new Map(), { keepOf })).run(context);
    expect(asked).toEqual([
      [USUAL, undefined],
      [own, { source: 'shop' }],
      ['forget', own, { source: 'shop' }],
    ]);
    expect(outcome.facts).toMatchObject({ snapshotsKept: 2, removed: [{ shortId: 'a' }] });
  });

  test('a prune that restic does not measure → says so', async () => {
    const { repository } = fakeRepository(['a', 'b'], { prune: async () => ({ freedBytes: null }) });
    const { reason, facts } = await retentionJob(settings(repository, new Map())).run(context);
    expect(reason).toMatch(/restic did not say how much it freed/);
    expect(facts).not.toHaveProperty('freedBytes');
  });

  test('the newest verified snapshot is too old → it stays, and what else is too old goes', async () => {
    const { repository, done } = fakeRepository(['a', 'b', 'c']);
    const standing = () => ({ doubt: null, verified: ['a'], proven: [], good: [], displaced: [] });
    const outcome = await retentionJob(settings(repository, new Map(), { standing })).run(context);
    expect(done).toEqual(['remove b', 'prune']);
    expect(outcome).toMatchObject({
      reason:
        'removed 1 of 3 snapshots, kept 2; freed 1.23 MB; a of /mysql/shop.sql.gz stays whatever the policy: it is the newest good one, was verified or proven last, or has a suspect one behind it',
      warnings: [],
      facts: { snapshotsKept: 2, snapshotsRemoved: 1 },
    });
  });

  test('the newest proven snapshot is too old → it stays, what else is too old goes, and a finding says that none is proven since', async () => {
    const { repository, done } = fakeRepository(['a', 'b', 'c']);
    const standing = () => ({ doubt: null, verified: [], proven: ['a'], good: [], displaced: [] });
    const outcome = await retentionJob(settings(repository, new Map(), { standing })).run(context);
    expect(done).toEqual(['remove b', 'prune']);
    expect(outcome).toMatchObject({
      reason: expect.stringMatching(/^removed 1 of 3 snapshots.*a of .* stays whatever/) as string,
      warnings: [
        'no backup of shop is proven since a of 2026-03-01T03:00:00Z, which stays whatever the policy',
      ],
    });
  });

  test('a source in doubt → nothing of it is removed or pruned, which is a finding and no failure', async () => {
    const { repository, done } = fakeRepository(['a', 'b', 'c']);
    const standing = () => ({
      doubt: 'its newest backup failed',
      verified: [],
      proven: [],
      good: [],
      displaced: [],
    });
    const outcome = await retentionJob(settings(repository, new Map(), { standing })).run(context);
    expect(done).toEqual([]);
    expect(outcome).toMatchObject({
      reason: 'removed 0 of 3 snapshots, kept 3',
      warnings: ['nothing of shop was removed, though 2 snapshots could go: its newest backup failed'],
    });
  });

  test('a policy that would keep no dump → nothing is removed, which is a finding', async () => {
    const fake = fakeRepository(['a', 'b']);
    const preview = async () => ({ kept: [], removed: fake.present });
    const outcome = await retentionJob(settings({ ...fake.repository, preview }, new Map())).run(context);
    expect(fake.done).toEqual([]);
    expect(outcome.warnings).toEqual([
      'nothing of shop was removed, though 2 snapshots could go: the policy would keep no dump',
    ]);
  });

  test('the week of a restore point has passed → removed by its id and pruned; a younger one and that of another source stay', async () => {
    const point = (id: string, day: string, source = 'shop') =>
      ({
        id,
        shortId: id,
        time: '2026-03-01T03:00:00.000Z',
        path: `/restore-points/202603${day}T030000Z/mysql/shop.sql.gz`,
        tags: { source, engine: 'mysql', kind: 'restore-point' },
      }) as Snapshot;
    const removed: string[] = [];
    // The policy has its own mind of them, which does not count.
    const policy = {
      kept: [point('old', '01')],
      removed: [point('young', '03'), point('other', '01', 'blog')],
    };
    const { repository, done } = fakeRepository([], {
      preview: async () => policy,
      remove: async (ids) => void removed.push(...ids),
    });
    const outcome = await retentionJob(settings(repository, new Map())).run(context);
    expect(removed).toEqual(['old']);
    expect(done).toEqual(['prune']);
    expect(outcome.reason).toContain('removed 1 of 1 snapshot');
  });

  test('a database that a restore replaced a week ago is dropped → told; what could not be is a warning', async () => {
    const { repository } = fakeRepository(['a']);
    const dropReplaced = async () => ({ dropped: ['shop_before_1'], failures: ['blog is not dropped'] });
    const outcome = await retentionJob(settings(repository, new Map(), { dropReplaced })).run(context);
    expect(outcome.reason).toContain('dropped shop_before_1, which a restore replaced a week ago');
    expect(outcome.warnings).toEqual(['blog is not dropped']);
  });

  test('nothing to remove → one look, and nothing is touched', async () => {
    const { repository, done } = fakeRepository(['a']);
    await retentionJob(settings(repository, new Map())).run(context);
    expect(done).toEqual([]);
  });

  test('snapshots of other sources are too old → left alone', async () => {
    const { repository, done } = fakeRepository(['a', 'b']);
    await retentionJob(settings(repository, new Map(), { sources: ['other'] })).run(context);
    expect(done).toEqual([]);
  });

  test('behind a backup → the repository is not asked for its id again', async () => {
    const identify = () => Promise.reject(new Error('asked'));
    const { repository } = fakeRepository(['a'], { identify });
    const notes = new Map([['repository-id /repository', 'repository-id']]);
    await retentionJob(settings(repository, notes, { afterBackup: true })).run(context);
    await expect(retentionJob(settings(repository, notes)).run(context)).rejects.toThrow('asked');
  });

  test('the newest good snapshot is missing from the list → nothing is removed', async () => {
    const { repository, done } = fakeRepository(['a', 'b']);
    const mustExist = () => [{ source: 'shop', snapshotId: 'newest00' }];
    await expect(retentionJob(settings(repository, new Map(), { mustExist })).run(context)).rejects.toThrow(
      /newest00.*missing/,
    );
    expect(done).toEqual([]);
  });

  test('the list is suddenly short, or empty → nothing is removed until a person accepts it', async () => {
    const notes = new Map<string, string>();
    const four = fakeRepository(['a', 'b', 'c', 'd']);
    const keepAll = { preview: async () => ({ kept: four.present, removed: [] }) };
    await retentionJob(settings({ ...four.repository, ...keepAll }, notes)).run(context);
    const short = fakeRepository(['d']);
    await expect(retentionJob(settings(short.repository, notes)).run(context)).rejects.toThrow(
      /3 of 4 snapshots vanished/,
    );
    expect(short.done).toEqual([]);
    await expect(retentionJob(settings(fakeRepository([]).repository, notes)).run(context)).rejects.toThrow(
      /4 of 4/,
    );
    const { reason } = await retentionJob(settings(short.repository, notes, { acceptMissing: true })).run(
      context,
    );
    expect(short.done).toEqual(['prune']);
    expect(reason).toMatch(/accepted the loss of 3 snapshots \(a of shop, 2026-03-01T03:00:00Z; b of/);
  });

  test('one snapshot is missing from the list → old ones are forgotten, nothing is pruned, and it is named until it is back', async () => {
    const notes = new Map<string, string>();
    const told =
      /^nothing was pruned: the list lacks 1 snapshot \(b of shop, 2026-03-01T03:00:00Z\) .*`holdfast prune --accept-missing`$/;
    await retentionJob(settings(keepingAll(['a', 'b', 'c', 'd']).repository, notes)).run(context);
    const short = fakeRepository(['a', 'c', 'd']);
    const first = await retentionJob(settings(short.repository, notes)).run(context);
    expect(short.done).toEqual(['forget']);
    expect(first.warnings).toEqual([expect.stringMatching(told)]);
    expect(first.facts).toMatchObject({ snapshotsRemoved: 2 });

    const still = keepingAll(['d', 'e']);
    const again = await retentionJob(settings(still.repository, notes)).run(context);
    expect(again.warnings).toEqual([expect.stringMatching(told)]);
    const dry = await retentionJob(settings(still.repository, notes, { dryRun: true })).run(context);
    expect(dry.warnings).toEqual([expect.stringMatching(told)]);
    expect(still.done).toEqual([]);

    const back = keepingAll(['b', 'd', 'e']);
    const { warnings } = await retentionJob(settings(back.repository, notes)).run(context);
    expect(back.done).toEqual(['prune']);
    expect(warnings).toEqual([]);
  });

  test('a person accepts that one is gone → pruned, and it is not missed any more', async () => {
    const notes = new Map<string, string>();
    await retentionJob(settings(keepingAll(['a', 'b', 'c']).repository, notes)).run(context);
    const short = keepingAll(['a', 'c']);
    const dry = { acceptMissing: true, dryRun: true };
    expect((await retentionJob(settings(short.repository, notes, dry)).run(context)).reason).toMatch(
      /would accept the loss of 1 snapshot \(b/,
    );
    expect(short.done).toEqual([]);
    await retentionJob(settings(short.repository, notes, { acceptMissing: true })).run(context);
    expect(short.done).toEqual(['prune']);
    const after = await retentionJob(settings(short.repository, notes)).run(context);
    expect(after.warnings).toEqual([]);
  });

  test('what other runs removed, by id or as a file that cannot be read → is not missed', async () => {
    const notes = new Map<string, string>();
    const all = keepingAll(['a', 'b', 'c', 'd', 'e']);
    const given = settings(all.repository, notes);
    await retentionJob(given).run(context);
    const dropUnreadable = async () => ['c'];
    const noting = notingSnapshots(
      { ...all.repository, repairs: { dropUnreadable } as unknown as Repository['repairs'] },
      given.notes,
      { clock: { now: given.now }, retention: true },
    );
    await noting.remove(['a'], context.signal);
    await noting.repairs.dropUnreadable(['c'], '/copies', context.signal);
    const { warnings } = await retentionJob(settings(keepingAll(['b', 'd', 'e']).repository, notes)).run(
      context,
    );
    expect(warnings).toEqual([]);
  });

  test('the list hides what a run has stored since the last retention → missed as well; what that run removed again, and a copy of the ledger, are not', async () => {
    const notes = new Map<string, string>();
    const all = keepingAll(['a', 'b', 'c', 'd']);
    const given = settings(all.repository, notes);
    await retentionJob(given).run(context);
    const saved = ['set', 'prepared', 'saved', 'undone', 'ledger'].map((id) => ({ id }) as SavedFolder);
    const next = async () => saved.shift()!;
    const saving = {
      ...all.repository,
      saveFolder: next,
      save: next,
      prepare: () => ({ save: next }) as unknown as PreparedSave,
    };
    const noting = notingSnapshots(saving, given.notes, { clock: { now: given.now }, retention: true });
    const tags = { source: 'shop', engine: 'postgres', kind: 'tenant-set' as const };
    await noting.saveFolder({ tags } as FolderToSave, context.signal);
    await noting.prepare({ tags } as SaveTarget).save({} as DumpToSave, context.signal);
    await noting.save({ tags } as SaveRequest, context.signal);
    await noting.save({ tags } as SaveRequest, context.signal);
    await noting.save({ tags: { ...tags, kind: 'ledger' } } as SaveRequest, context.signal);
    await noting.remove(['undone'], context.signal);
    const short = keepingAll(['a', 'b', 'c', 'd', 'saved']);
    const { warnings } = await retentionJob(settings(short.repository, notes)).run(context);
    const at = '2026-03-09T00:00:00Z';
    expect(warnings).toEqual([
      expect.stringContaining(
        `lacks 2 snapshots (set of shop, ${at}; prepared of shop, ${at}) that should be there`,
      ),
    ]);
    const again = await retentionJob(settings(short.repository, notes)).run(context);
    expect(again.warnings).toEqual(warnings);
  });

  test('retention is off, and another machine removes → a dry run misses nothing, nor does the first once it is on again', async () => {
    const notes = new Map<string, string>();
    const all = keepingAll(['a', 'b', 'c', 'd']);
    await retentionJob(settings(all.repository, notes)).run(context);
    const short = keepingAll(['a', 'c', 'd']).repository;
    const off = settings(short, notes, { watches: false, dryRun: true });
    expect((await retentionJob(off).run(context)).warnings).toEqual([]);
    const saving = { ...all.repository, save: async () => ({ id: 'e' }) as SavedFolder };
    const noting = notingSnapshots(saving, off.notes, { clock: { now: off.now }, retention: false });
    const tags = { source: 'shop', engine: 'postgres', kind: 'dump' as const };
    await noting.save({ tags } as SaveRequest, context.signal);
    expect((await retentionJob(settings(short, notes)).run(context)).warnings).toEqual([]);
  });

  test('retention is killed behind its forget → what it removed is not missed', async () => {
    const notes = new Map<string, string>();
    const first = keepingAll(['a', 'b', 'c', 'd']);
    await retentionJob(settings(first.repository, notes)).run(context);
    const dying = fakeRepository(['a', 'b', 'c', 'd'], { forget: () => Promise.reject(new Error('killed')) });
    await expect(retentionJob(settings(dying.repository, notes)).run(context)).rejects.toThrow('killed');
    const { repository, done } = keepingAll(['d']);
    expect((await retentionJob(settings(repository, notes)).run(context)).warnings).toEqual([]);
    expect(done).toEqual(['prune']);
  });

  test('a source left the configuration, and its snapshots go → not missed; while one was missing before, that stays told', async () => {
    const notes = new Map<string, string>();
    await retentionJob(settings(keepingAll(['a', 'b', 'c']).repository, notes)).run(context);
    const elsewhere = { sources: ['blog'] };
    const short = keepingAll(['a', 'c']);
    const left = await retentionJob(settings(short.repository, notes, elsewhere)).run(context);
    expect(left.warnings).toEqual([expect.stringMatching(/1 snapshot \(b of shop/)]);
    const gone = keepingAll([]);
    await retentionJob(settings(short.repository, notes, { ...elsewhere, acceptMissing: true })).run(context);
    expect((await retentionJob(settings(gone.repository, notes, elsewhere)).run(context)).warnings).toEqual(
      [],
    );
  });

  test('the list hides a suspect one → the good one behind it stays all the same', async () => {
    const notes = new Map<string, string>();
    await retentionJob(settings(keepingAll(['a', 'b', 'c', 'd']).repository, notes)).run(context);
    const standing = () => ({
      ...{ doubt: null, verified: [], proven: [], good: [] },
      displaced: [{ bySnapshot: 'c', good: ['b'] }],
    });
    const short = fakeRepository(['a', 'b', 'd']);
    await retentionJob(settings(short.repository, notes, { standing })).run(context);
    expect(short.done).toEqual(['remove a']);
  });

  test('a prune that failed last time → made up for, although nothing new is to be removed', async () => {
    const notes = new Map<string, string>();
    const failing = fakeRepository(['a', 'b'], { prune: () => Promise.reject(new Error('no space')) });
    await expect(retentionJob(settings(failing.repository, notes)).run(context)).rejects.toThrow('no space');
    const { repository, done } = fakeRepository(['b']);
    await retentionJob(settings(repository, notes)).run(context);
    expect(done).toEqual(['prune']);
  });

  test('a dry run → nothing is pruned or remembered', async () => {
    const notes = new Map<string, string>();
    const { repository, done } = fakeRepository(['a', 'b']);
    await retentionJob(settings(repository, notes, { dryRun: true })).run(context);
    expect(done).toEqual([]);
    expect([...notes.keys()].filter((key) => !key.startsWith('repository-'))).toEqual([]);
  });
});

describe('what follows a backup', () => {
  const backup = (succeeded: boolean) => ({ name: 'backup' as const, succeeded });
  const retention = { name: 'retention' as const, succeeded: true };

  test.each([
    ['every backup failed → nothing', [backup(false)], 6, []],
    ['one of two succeeded → retention', [backup(false), backup(true)], 1, ['retention']],
    ['retention is done, fewer backups than the interval → nothing', [backup(true), retention], 5, []],
    ['retention is done, the sixth backup → a check', [backup(true), retention], 6, ['check']],
    [
      'retention failed → the check is not put off by that',
      [backup(true), { ...retention, succeeded: false }],
      7,
      ['check'],
    ],
    [
      'the check is done → nothing',
      [backup(true), retention, { name: 'check' as const, succeeded: true }],
      9,
      [],
    ],
    [
      'the check is done, and the ledger is due → the ledger, and nothing after it',
      [backup(true), retention, { name: 'check' as const, succeeded: true }],
      0,
      ['ledger'],
      true,
    ],
    [
      'the ledger is stored → nothing',
      [backup(true), retention, { name: 'ledger' as const, succeeded: true }],
      9,
      [],
      true,
    ],
    ['every backup failed, and the ledger is due → nothing', [backup(false)], 6, [], true],
  ] as [string, Ended[], number, string[], boolean?][])(
    '%s',
    (_, ended, backupsSinceCheck, expected, ledger = false) => {
      const due = { checkInterval: 6, backupsSinceCheck, retention: true, ledger };
      expect(maintenanceAfter(ended, due)).toEqual(expected);
    },
  );

  test('an interval of 0 → never a check', () => {
    const due = { checkInterval: 0, backupsSinceCheck: 100, retention: true, ledger: false };
    expect(maintenanceAfter([backup(true), retention], due)).toEqual([]);
  });

  test('retention is switched off → none, and the check comes all the same', () => {
    const off = { checkInterval: 6, retention: false, ledger: false };
    expect(maintenanceAfter([backup(true)], { ...off, backupsSinceCheck: 1 })).toEqual([]);
    expect(maintenanceAfter([backup(true)], { ...off, backupsSinceCheck: 6 })).toEqual(['check']);
  });
});
