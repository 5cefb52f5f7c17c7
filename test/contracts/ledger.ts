import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../agent/core/clock.ts';
import type { Ledger, RunFacts } from '../../agent/ledger/ledger.ts';
import { openLedger } from '../../agent/ledger/sqlite.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** What every ledger promises. `open` gives a new, empty one that reads the given clock. */
export function ledgerContract(name: string, open: (clock: Clock) => Ledger): void {
  describe(`ledger contract: ${name}`, () => {
    let now: Date;
    let ledger: Ledger;

    beforeEach(() => {
      now = new Date('2026-03-01T03:00:00.250Z');
      ledger = open({ now: () => now });
    });
    afterEach(() => ledger.close());

    const begin = (source: string | null = 'shop') =>
      ledger.begin({ job: 'backup', source, trigger: 'schedule' });
    const succeed = (id: number) => ledger.finish(id, { result: 'succeeded', reason: 'stored' });

    test('a run that begins → is there as running, with its start in UTC without milliseconds', () => {
      const id = begin();
      expect(ledger.last('backup', 'shop')).toEqual({
        id,
        job: 'backup',
        source: 'shop',
        trigger: 'schedule',
        startedAt: '2026-03-01T03:00:00Z',
        finishedAt: null,
        result: 'running',
        reason: '',
        hint: null,
        warnings: [],
        facts: {},
      });
    });

    test('a run that ends → tells how, why, when, and everything that it had to tell', () => {
      const id = begin();
      now = new Date('2026-03-01T03:01:00Z');
      const facts = { engine: 'mariadb', dumpBytes: 9_007_199_254_740_991, snapshotId: 'ab12' };
      ledger.finish(id, {
        result: 'failed',
        reason: 'no space: “ü' + "'",
        hint: 'Free some.',
        warnings: ['a', 'b'],
        facts,
      });
      expect(ledger.last('backup', 'shop')).toMatchObject({
        finishedAt: '2026-03-01T03:01:00Z',
        result: 'failed',
        reason: 'no space: “ü' + "'",
        hint: 'Free some.',
        warnings: ['a', 'b'],
        facts,
      });
    });

    test('a second end of the same run → throws, and the first end stands', () => {
      const id = begin();
      succeed(id);
      expect(() => ledger.finish(id, { result: 'failed', reason: 'late' })).toThrow(/ended already/);
      expect(ledger.last('backup', 'shop')?.result).toBe('succeeded');
    });

    test('the end of a run that never began → throws', () => {
      expect(() => succeed(77)).toThrow(/never began/);
    });

    test('a run that was due and never began → is there as skipped, with why; nothing of it is left to end', () => {
      const due = { job: 'backup', source: 'shop', trigger: 'schedule' } as const;
      const id = ledger.skip(due, { reason: 'waited 30 min', hint: 'Try later.' });
      expect(ledger.get(id)).toMatchObject({
        ...due,
        result: 'skipped',
        startedAt: '2026-03-01T03:00:00Z',
        finishedAt: '2026-03-01T03:00:00Z',
        reason: 'waited 30 min',
        hint: 'Try later.',
      });
      expect(ledger.interruptLeftovers('again')).toEqual([]);
    });

    test('what is known of a run as it begins → is there at once, after a kill, and of one that was skipped; an end brings all facts of its own', () => {
      const due = { job: 'tenant-backup', source: 'clinic', trigger: 'schedule' } as const;
      const facts = { group: 'standard' };
      const [killed, ended] = [ledger.begin({ ...due, facts }), ledger.begin({ ...due, facts })];
      expect(ledger.get(killed)).toMatchObject({ result: 'running', facts });
      ledger.finish(ended, { result: 'failed', reason: 'x', facts: { tables: 1 } });
      expect(ledger.get(ended)?.facts).toEqual({ tables: 1 });
      ledger.interruptLeftovers('the process died');
      expect(ledger.get(killed)).toMatchObject({ result: 'interrupted', facts });
      expect(ledger.get(ledger.skip({ ...due, facts }, { reason: 'busy' }))).toMatchObject({
        result: 'skipped',
        facts,
      });
    });

    test('asked for a run by its id → that one, or null', () => {
      const [one] = [begin('shop'), begin('blog')];
      expect(ledger.get(one)).toEqual(ledger.last('backup', 'shop'));
      expect(ledger.get(77)).toBeNull();
    });

    test('a clock that was set back → the newest run is still the one that began last', () => {
      succeed(begin());
      now = new Date('2020-01-01T00:00:00Z');
      const id = begin();
      expect(ledger.last('backup', 'shop')?.id).toBe(id);
      expect(ledger.recent({ limit: 9 }).map((run) => run.id)).toEqual([id, id - 1]);
    });

    test('several sources and jobs → each has a last run of its own, and so has the repository', () => {
      const shop = begin('shop');
      const blog = begin('blog');
      const check = ledger.begin({ job: 'check', source: null, trigger: 'command' });
      expect(ledger.last('backup', 'shop')?.id).toBe(shop);
      expect(ledger.last('backup', 'blog')?.id).toBe(blog);
      expect(ledger.last('backup', null)).toBeNull();
      expect(ledger.last('check', null)).toMatchObject({ id: check, source: null, trigger: 'command' });
      expect(ledger.last('verify', 'shop')).toBeNull();
    });

    test('asked for the last success → runs that ended otherwise do not count', () => {
      const good = begin();
      succeed(good);
      ledger.finish(begin(), { result: 'failed', reason: 'x' });
      begin();
      expect(ledger.last('backup', 'shop', 'succeeded')?.id).toBe(good);
      expect(ledger.last('backup', 'shop', 'skipped')).toBeNull();
    });

    const backUp = (facts: Pick<RunFacts, 'suspect' | 'equality' | 'repositoryId'>) => {
      const id = begin();
      ledger.finish(id, { result: 'succeeded', reason: 'stored', facts });
      return id;
    };
    const accept = (acceptedRun: number, source = 'shop') =>
      ledger.finish(ledger.begin({ job: 'accept', source, trigger: 'command' }), {
        result: 'succeeded',
        reason: 'ada accepted it',
        facts: { acceptedRun },
      });

    test('the newest backup is suspect → the one before it is the last good one, until a person accepts it', () => {
      const good = backUp({});
      const suspect = backUp({ suspect: 'half of it is gone' });
      expect(ledger.lastGood('shop', null)?.id).toBe(good);
      expect(ledger.lastGood('blog', null)).toBeNull();
      accept(suspect, 'blog');
      expect(ledger.lastGood('shop', null)?.id).toBe(good);
      accept(suspect);
      expect(ledger.lastGood('shop', null)?.id).toBe(suspect);
      ledger.finish(begin(), { result: 'failed', reason: 'x' });
      expect(ledger.lastGood('shop', null)?.id).toBe(suspect);
    });

    test('asked for the first backup → the oldest one that succeeded', () => {
      ledger.finish(begin(), { result: 'failed', reason: 'x' });
      begin('blog');
      const good = backUp({});
      backUp({});
      expect(ledger.firstBackup('shop', null)?.id).toBe(good);
      expect(ledger.firstBackup('blog', null)).toBeNull();
    });

    test('backups went into two repositories → each knows its own, and those of an older agent, which named none', () => {
      const old = backUp({});
      const [one, other] = [backUp({ repositoryId: 'one' }), backUp({ repositoryId: 'other' })];
      expect(ledger.lastGood('shop', 'one')?.id).toBe(one);
      expect(ledger.lastGood('shop', 'other')?.id).toBe(other);
      expect(ledger.lastGood('shop', null)?.id).toBe(other);
      expect(ledger.lastGood('shop', 'new')?.id).toBe(old);
      expect(ledger.firstBackup('shop', 'new')?.id).toBe(old);
      expect(ledger.lastGood('blog', 'one')).toBeNull();
    });

    test('asked for the last proven one → the newest that counts and is proven, however many came since', () => {
      expect(ledger.lastProven('shop')).toBeNull();
      const proven = { equality: { proven: true, why: null } };
      const one = backUp(proven);
      for (let i = 0; i < 20; i += 1) backUp({ equality: { proven: false, why: 'no lock' } });
      backUp({});
      const suspect = backUp({ ...proven, suspect: 'half of it is gone' });
      expect(ledger.lastProven('shop')?.id).toBe(one);
      expect(ledger.lastProven('blog')).toBeNull();
      accept(suspect);
      expect(ledger.lastProven('shop')?.id).toBe(suspect);
    });

    test('asked for those that do not count → the suspect ones that nobody accepted, newest first', () => {
      const [one, two, three] = [backUp({ suspect: 'a' }), backUp({}), backUp({ suspect: 'b' })];
      const ids = () => ledger.suspects('shop').map((run) => run.id);
      expect(ids()).toEqual([three, one]);
      expect(ledger.suspects('blog')).toEqual([]);
      accept(one, 'blog');
      accept(two);
      accept(three);
      expect(ids()).toEqual([one]);
    });

    test('what a backup may be compared with → the good ones, newest first, from the newest accepted one on', () => {
      const [one, two] = [backUp({}), backUp({})];
      const suspect = backUp({ suspect: 'half of it is gone' });
      const ids = (limit: number) => ledger.comparable('shop', limit).map((run) => run.id);
      expect(ids(7)).toEqual([two, one]);
      expect(ids(1)).toEqual([two]);
      accept(suspect);
      expect(ids(7)).toEqual([suspect]);
      const next = backUp({});
      expect(ids(7)).toEqual([next, suspect]);
    });

    test('a copy → a ledger with everything that has ended, and nothing that is going on', () => {
      const good = backUp({});
      ledger.remember('key', 'value');
      begin();
      const path = join(temporaryFolder(), 'copy.db');
      ledger.copyTo(path);
      const copy = openLedger(path, { now: () => now });
      onTestFinished(() => copy.close());
      expect(copy.recent({ limit: 9 }).map((run) => run.id)).toEqual([good]);
      expect(copy.recall('key')).toBe('value');
      expect(() => ledger.copyTo(path)).toThrow();
    });

    test('recent with a filter → newest first, only what fits, never more than the limit', () => {
      const ids = ['shop', 'blog', 'shop', 'shop'].map((source) => begin(source));
      succeed(ids[2]!);
      expect(ledger.recent({ source: 'shop', limit: 2 }).map((run) => run.id)).toEqual([ids[3], ids[2]]);
      expect(ledger.recent({ result: 'succeeded', limit: 9 }).map((run) => run.id)).toEqual([ids[2]]);
      expect(ledger.recent({ job: 'check', limit: 9 })).toEqual([]);
    });

    test('runs of a group → newest first, of that job and source alone, however many others there were since; null means those without', () => {
      const run = (group?: string, source = 'clinic') =>
        ledger.begin({
          job: 'tenant-backup',
          source,
          trigger: 'schedule',
          facts: group === undefined ? {} : { group },
        });
      const ids = (group: string | null, limit = 9) =>
        ledger.ofGroup('tenant-backup', 'clinic', group, limit).map(({ id }) => id);
      const [one, two, alone] = [run("o'clock"), run("o'clock"), run()];
      run("o'clock", 'shop');
      ledger.begin({ job: 'export', source: 'clinic', trigger: 'command', facts: { group: "o'clock" } });
      for (let n = 0; n < 200; n++) run('high');
      expect(ids("o'clock")).toEqual([two, one]);
      expect(ids("o'clock", 1)).toEqual([two]);
      expect(ids(null)).toEqual([alone]);
      expect(ids('unknown')).toEqual([]);
    });

    test('runs since a time → newest first, of that job and source alone, that time included', () => {
      begin();
      now = new Date('2026-03-02T03:00:00Z');
      const [shop, blog] = [begin('shop'), begin('blog')];
      const check = ledger.begin({ job: 'check', source: null, trigger: 'command' });
      now = new Date('2026-03-03T03:00:00Z');
      const later = begin('shop');
      const from = '2026-03-02T03:00:00Z';
      const ids = (job: 'backup' | 'check', source: string | null) =>
        ledger.since(job, source, from).map((run) => run.id);
      expect(ids('backup', 'shop')).toEqual([later, shop]);
      expect(ids('backup', 'blog')).toEqual([blog]);
      expect(ids('check', null)).toEqual([check]);
    });

    test('counting successes since a run → counts only those that began after it', () => {
      const first = begin();
      succeed(first);
      succeed(begin());
      succeed(begin('blog'));
      ledger.finish(begin(), { result: 'failed', reason: 'x' });
      succeed(begin());
      expect(ledger.countSucceededSince('backup', 'shop', first)).toBe(2);
      expect(ledger.countSucceededSince('backup', 'shop', 0)).toBe(3);
      expect(ledger.countSucceededSince('backup', null, 0)).toBe(0);
    });

    test('runs left without an end → become interrupted, are told once, in their order', () => {
      const [one, two] = [begin('shop'), begin('blog')];
      succeed(begin('done'));
      now = new Date('2026-03-02T00:00:00Z');
      const told = ledger.interruptLeftovers('the process died');
      expect(told.map((run) => run.id)).toEqual([one, two]);
      expect(told[0]).toMatchObject({
        result: 'interrupted',
        reason: 'the process died',
        startedAt: '2026-03-01T03:00:00Z',
        finishedAt: '2026-03-02T00:00:00Z',
      });
      expect(ledger.interruptLeftovers('again')).toEqual([]);
    });

    test('a note → is recalled as it was last written', () => {
      expect(ledger.recall('repository')).toBeNull();
      ledger.remember('repository', 'one');
      ledger.remember('repository', 'two');
      expect(ledger.recall('repository')).toBe('two');
      expect(ledger.recall('other')).toBeNull();
    });

    test('closing twice → is no error', () => {
      ledger.close();
      expect(() => ledger.close()).not.toThrow();
    });
  });
}
