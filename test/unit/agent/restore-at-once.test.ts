import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { EndedRun } from '../../../agent/jobs/job.ts';
import { replaceAtOnce } from '../../../agent/jobs/restore/restore-at-once.ts';
import type { Restoration } from '../../../agent/jobs/restore/restoration.ts';
import type { AtOnce, Inspector } from '../../../agent/sources/source.ts';

const NOTHING = { tables: [{ name: 'public.t', rows: 1 }], views: 0, routines: 0, triggers: 0, events: 0 };
const INSIDE = { inspect: async () => NOTHING, sizeOf: async () => null } as unknown as Inspector;
const lost = new HoldfastError('source_unreachable', 'whether it was is not known', { hint: 'Look.' });

/** A restore that is replaced so; the run can be told to stop. */
function world(replace: AtOnce['replace']) {
  const stop = new AbortController();
  const sizeOf = async (_: string, signal: AbortSignal) => {
    signal.throwIfAborted();
    return 2_000_000;
  };
  const restoration = {
    source: { name: 'shop', database: 'shop', sizeOf },
    snapshot: { id: 'dddd', shortId: 'dd', path: '/postgres/shop.dump', tags: {} },
    size: { hasProof: false, tables: null, dumpBytes: null },
    tables: null,
    rowsIn: [],
    settings: {
      owners: 'where-allowed',
      repository: { list: async () => [], read: () => ({}) },
      notes: { remember: () => undefined, recall: () => null },
    },
    context: { signal: stop.signal, onProgress: () => undefined },
  } as unknown as Restoration;
  const atOnce = { hurdle: async () => null, replace };
  return { stop, ended: () => replaceAtOnce(restoration, atOnce, null).catch((error: unknown) => error) };
}

describe('a restore that replaces everything in one transaction', () => {
  test('it is told to stop while it commits → it is done, and told as that', async () => {
    const { stop, ended } = world(async (_, { check, onCommit }) => {
      await check(INSIDE);
      onCommit?.();
      stop.abort(new HoldfastError('interrupted', 'told to stop'));
      return { notes: [], warnings: [], ownersKept: true, stilledEvents: [] };
    });
    expect(await ended()).toMatchObject({ tables: 1, rows: 1, databaseBytes: 2_000_000 });
  });

  test('nobody knows whether it was done → that stands, also where it was told to stop', async () => {
    const { ended } = world(async (_, { check, onCommit }) => {
      await check(INSIDE);
      onCommit?.();
      throw lost;
    });
    const end = await ended();
    expect(end).toBeInstanceOf(EndedRun);
    expect(end).toMatchObject({
      ...{ result: 'failed', stands: true, facts: { snapshotId: 'dddd' } },
      ...{ kind: 'source_unreachable', message: lost.message, hint: 'Look.' },
    });
  });

  test.each([
    ['the connection is lost before the commit', false, lost],
    ['the server refuses the commit', true, new HoldfastError('failed', 'a deferred constraint')],
  ])('%s → it was not done, which is told as it is', async (_, commits, error) => {
    const { ended } = world(async (_dump, { check, onCommit }) => {
      await check(INSIDE);
      if (commits) onCommit?.();
      throw error;
    });
    expect(await ended()).toBe(error);
  });
});
