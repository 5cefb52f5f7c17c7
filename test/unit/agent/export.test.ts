import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { exportJob } from '../../../agent/jobs/export.ts';
import type { Repository, Snapshot } from '../../../agent/repository/repository.ts';

test('the reader of a restored dump has not taken its end yet → the restore is not done', async () => {
  const snapshot = { id: 'abc', shortId: 'abc', time: '2026-03-01T12:00:00.000Z' } as Snapshot;
  const repository = {
    identify: async () => 'id',
    list: async () => [snapshot],
    read: () => ({
      stream: (async function* () {
        yield Buffer.from('the end of the dump');
      })(),
      done: Promise.resolve(),
    }),
  } as unknown as Repository;
  let take: () => void = () => undefined;
  const reader = new Writable({ write: (_chunk, _encoding, taken) => void (take = taken) });
  let ended = false;
  const run = exportJob('shop', {
    repository,
    wanted: { id: 'latest', at: null },
    target: { kind: 'stream', stream: reader },
    timeoutMs: 60_000,
  })
    .run({ signal: new AbortController().signal, onProgress: () => undefined })
    .finally(() => (ended = true));
  for (let i = 0; i < 20; i += 1) await turn();
  expect(ended).toBe(false);
  const taking = setInterval(() => take(), 1);
  await run;
  clearInterval(taking);
});
