import { expect, test } from 'vitest';
import { whenFree } from '../../../agent/daemon.ts';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { keptLog } from '../../helpers/log.ts';

const busy = () => new HoldfastError('busy', 'another run holds the lock: restore of shop');

/** A run that fails so often, and then starts; what became of it is kept. */
async function waiting(failures: number, error: () => Error, more: { waitMs: number; signal?: AbortSignal }) {
  const { log, lines } = keptLog();
  const seen = { starts: 0, givenUp: [] as unknown[], lines };
  await whenFree({
    start: async () => {
      seen.starts += 1;
      if (seen.starts <= failures) throw error();
    },
    giveUp: async (why) => void seen.givenUp.push(why),
    command: 'holdfast backup',
    log,
    signal: more.signal ?? new AbortController().signal,
    waitMs: more.waitMs,
    pollMs: 1,
  });
  return seen;
}

test('the lock is held for a while → the run waits, and starts once', async () => {
  const { starts, givenUp, lines } = await waiting(3, busy, { waitMs: 60_000 });
  expect({ starts, givenUp, lines }).toEqual({ starts: 4, givenUp: [], lines: [] });
});

test('the lock is held for too long → given up, with how long it waited and for what', async () => {
  const { givenUp } = await waiting(Infinity, busy, { waitMs: 0 });
  expect(givenUp).toEqual([
    expect.objectContaining({
      kind: 'busy',
      message: 'waited 0 s: another run holds the lock: restore of shop',
      hint: expect.stringMatching(/`holdfast backup` makes up for it/) as string,
    }),
  ]);
});

test('it fails for another reason → told at once, neither tried again nor called skipped', async () => {
  const { starts, givenUp, lines } = await waiting(1, () => new Error('no space'), { waitMs: 60_000 });
  expect({ starts, givenUp }).toEqual({ starts: 1, givenUp: [] });
  expect(lines.map(({ msg }) => msg)).toEqual(['no space']);
});

test('told to stop while it waits → ends without a word', async () => {
  const stop = new AbortController();
  const refuse = () => {
    stop.abort();
    return busy();
  };
  const seen = await waiting(Infinity, refuse, { waitMs: 60_000, signal: stop.signal });
  expect(seen).toEqual({ starts: 1, givenUp: [], lines: [] });
});
