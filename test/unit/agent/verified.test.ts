import { expect, test } from 'vitest';
import type { Run, RunEnd } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { lastGoodVerification, verifiedSource } from '../../../agent/reports/verified.ts';
import { TestClock } from '../../helpers/clock.ts';

type Verdict = NonNullable<Run['facts']['verification']>['verdict'];

const verified = (result: RunEnd['result'], verdict: Verdict, restoreSeconds: number | null): RunEnd => ({
  result,
  reason: 'so it was',
  facts: {
    verification: { verdict, why: verdict === 'proved' ? null : 'because', restoreSeconds, steps: [] },
  },
});
const PROVED = verified('succeeded', 'proved', 3);
const SAMPLED: RunEnd = {
  ...PROVED,
  facts: { verification: { ...PROVED.facts!.verification!, sampledTables: 2 } },
};
const RESTORED = verified('succeeded', 'restored', 4);
const DIFFERENT = verified('failed', 'failed', 5);
const NOT_RUN = verified('skipped', 'not run', null);
const OLD: RunEnd = { result: 'succeeded', reason: 'restored' };
const KILLED: RunEnd = { result: 'interrupted', reason: 'the agent died while it ran' };

/** A minute apart, beginning at noon. */
function ledgerOf(ends: RunEnd[]) {
  const clock = new TestClock('2026-11-20T12:00:00Z');
  const ledger = openLedger(':memory:', clock);
  for (const end of ends) {
    ledger.finish(ledger.begin({ job: 'verify', source: 'shop', trigger: 'schedule' }), end);
    clock.advance(60);
  }
  return ledger;
}

const at = (minute: number) => `2026-11-20T12:0${minute}:00Z`;

test.each<[string, RunEnd[], object]>([
  ['none', [], { lastProved: null, verdict: null, why: null, restoreSeconds: null }],
  ['proved', [PROVED], { lastProved: at(0), verdict: 'proved', why: null, restoreSeconds: 3 }],
  [
    'only restored since',
    [PROVED, RESTORED],
    { lastProved: at(0), verdict: 'restored', why: 'because', restoreSeconds: 4 },
  ],
  ['different since', [PROVED, DIFFERENT], { lastProved: at(0), verdict: 'failed', restoreSeconds: 5 }],
  ['not run since', [PROVED, NOT_RUN], { lastProved: at(0), verdict: 'not run', restoreSeconds: 3 }],
  ['killed since', [PROVED, KILLED], { lastProved: at(0), verdict: 'failed', why: KILLED.reason }],
  [
    'different, and not run since',
    [PROVED, DIFFERENT, NOT_RUN],
    { lastProved: at(0), verdict: 'failed', why: 'because' },
  ],
  ['different, and killed since', [DIFFERENT, KILLED], { verdict: 'failed', why: 'because' }],
  ['different, and proved since', [DIFFERENT, NOT_RUN, PROVED], { verdict: 'proved', why: null }],
  ['of an older agent', [OLD], { lastProved: null, verdict: null, sampledTables: 0 }],
  ['by samples', [SAMPLED], { verdict: 'proved', sampledTables: 2 }],
  ['by samples, and by all rows since', [SAMPLED, PROVED], { verdict: 'proved', sampledTables: 0 }],
])('the last verification: %s → never more than it showed', (_, ends, told) => {
  expect(verifiedSource(ledgerOf(ends), 'shop', null)).toMatchObject(told);
});

test('different, and another one is under way → still what it showed', () => {
  const ledger = ledgerOf([PROVED, DIFFERENT]);
  ledger.begin({ job: 'verify', source: 'shop', trigger: 'schedule' });
  expect(verifiedSource(ledger, 'shop', null)).toMatchObject({ verdict: 'failed', why: 'because' });
});

test.each<[string, RunEnd[], string, string | null]>([
  ['proved, then only restored', [PROVED, RESTORED], 'checksums', at(0)],
  ['only restored, with backups that are to have proofs', [RESTORED], 'checksums', null],
  ['only restored, and no proof is wanted', [RESTORED], 'none', at(0)],
  ['only restored, and rows are counted alone by configuration', [RESTORED], 'counts', at(0)],
  ['by an agent that compared nothing yet', [OLD], 'checksums', at(0)],
  ['different, and not run', [DIFFERENT, NOT_RUN], 'none', null],
])('what the gate may count as verified: %s', (_, ends, proof, when) => {
  expect(lastGoodVerification(ledgerOf(ends), { name: 'shop', proof }, null)?.startedAt ?? null).toBe(when);
});

test('the proved backup is suspect → the verification counts only when a person has accepted that', () => {
  const ledger = openLedger(':memory:', new TestClock('2026-11-20T12:00:00Z'));
  const end = (job: Run['job'], facts: Run['facts']) => {
    const id = ledger.begin({ job, source: 'shop', trigger: 'schedule' });
    ledger.finish(id, { result: 'succeeded', reason: 'so it was', facts });
    return id;
  };
  const verify = (snapshotId: string) => end('verify', { snapshotId, ...PROVED.facts });
  end('backup', { snapshotId: 'a' });
  const ofGood = verify('a');
  const suspect = end('backup', { snapshotId: 's', suspect: 'half is gone' });
  const ofSuspect = verify('s');
  const good = () => lastGoodVerification(ledger, { name: 'shop', proof: 'checksums' }, null)?.id;
  expect(good()).toBe(ofGood);
  end('accept', { acceptedRun: suspect });
  expect(good()).toBe(ofSuspect);
});
