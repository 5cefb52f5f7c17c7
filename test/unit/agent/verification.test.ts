import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunResult } from '../../../agent/core/glossary.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { lastVerified, writeLastVerified } from '../../../agent/reports/verification.ts';
import { TestClock } from '../../helpers/clock.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function verifications(runs: [source: string, result: Exclude<RunResult, 'running'>][]) {
  const clock = new TestClock('2026-11-20T12:00:00Z');
  const ledger = openLedger(join(temporaryFolder(), 'ledger.db'), clock);
  for (const [source, result] of runs) {
    const id = ledger.begin({ job: 'verify', source, trigger: 'schedule' });
    clock.advance(60);
    ledger.finish(id, { result, reason: 'x' });
  }
  return ledger;
}
const shop = { name: 'shop', gates: true, proof: 'checksums' };
const blog = { name: 'blog', gates: true, proof: 'checksums' };

it.each([
  [
    'each verified',
    [
      ['shop', 'succeeded'],
      ['blog', 'succeeded'],
    ],
    [shop, blog],
    '2026-11-20T12:00:00Z',
  ],
  [
    'the older one verified again',
    [
      ['shop', 'succeeded'],
      ['blog', 'succeeded'],
      ['shop', 'succeeded'],
    ],
    [shop, blog],
    '2026-11-20T12:01:00Z',
  ],
  ['one never verified', [['shop', 'succeeded']], [shop, blog], null],
  [
    'one failed since',
    [
      ['shop', 'succeeded'],
      ['shop', 'failed'],
    ],
    [shop],
    '2026-11-20T12:00:00Z',
  ],
  ['only failed ones', [['shop', 'failed']], [shop], null],
  [
    'one that does not gate never verified',
    [['shop', 'succeeded']],
    [shop, { ...blog, gates: false }],
    '2026-11-20T12:00:00Z',
  ],
  ['none that gates', [['shop', 'succeeded']], [{ ...shop, gates: false }], null],
] as [string, [string, 'succeeded' | 'failed'][], (typeof shop)[], string | null][])(
  '%s → the oldest last good one',
  (_, runs, sources, time) => {
    expect(lastVerified(verifications(runs), sources)).toEqual(time === null ? null : new Date(time));
  },
);

it('one became unknown → the file of before stays, and grows stale by itself', async () => {
  const folder = temporaryFolder();
  await writeLastVerified(folder, new Date('2026-11-20T12:00:00Z'));
  await writeLastVerified(folder, null);
  expect(readFileSync(join(folder, 'last_verified'), 'utf8')).toBe('2026-11-20T12:00:00Z\n');
});
