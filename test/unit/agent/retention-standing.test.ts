import { expect, test } from 'vitest';
import { openDamage } from '../../../agent/jobs/upkeep/open-damage.ts';
import { standingOf } from '../../../agent/jobs/upkeep/retention-choice.ts';
import type { Run, RunFacts, RunEnd } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { freedIn } from '../../../agent/repository/retention.ts';

function shop() {
  let now = new Date('2026-03-01T03:00:00Z');
  const ledger = openLedger(':memory:', { now: () => now });
  const end = (job: Run['job'], result: RunEnd['result'], facts: RunFacts = {}) =>
    ledger.finish(ledger.begin({ job, source: 'shop', trigger: 'schedule' }), {
      result,
      reason: 'so',
      facts,
    });
  const later = (days: number) => (now = new Date(now.getTime() + days * 86_400_000));
  return {
    ledger,
    end,
    later,
    standing: (wantsProof = true) => standingOf(ledger, 'shop', { wantsProof, repositoryId: null }),
  };
}

test('a source that was never backed up, or never verified → not in doubt', () => {
  const { end, standing } = shop();
  expect(standing()).toEqual({ doubt: null, verified: [], proven: [], good: [], displaced: [] });
  end('backup', 'succeeded', { snapshotId: 'a' });
  expect(standing()).toEqual({ doubt: null, verified: [], proven: [], good: [], displaced: [] });
});

test.each(['failed', 'interrupted'] as const)(
  'the newest backup %s → in doubt until one succeeds',
  (result) => {
    const { ledger, end, standing } = shop();
    end('backup', 'succeeded');
    end('backup', result);
    ledger.skip({ job: 'backup', source: 'shop', trigger: 'schedule' }, { reason: 'busy' });
    expect(standing().doubt).toMatch(/its newest backup, of 2026-03-01T03:00:00Z, (failed|was interrupted)/);
    end('backup', 'succeeded');
    expect(standing().doubt).toBeNull();
  },
);

test('the newest backup is suspect → in doubt until it is accepted', () => {
  const { ledger, end, standing } = shop();
  end('backup', 'succeeded');
  end('backup', 'succeeded', { suspect: 'it shrank' });
  expect(standing().doubt).toMatch(/is suspect/);
  end('accept', 'succeeded', { acceptedRun: ledger.last('backup', 'shop')!.id });
  expect(standing().doubt).toBeNull();
});

test('the newest verification failed → in doubt until one succeeds; one that did not run says nothing', () => {
  const { ledger, end, standing } = shop();
  end('backup', 'succeeded', { snapshotId: 'a' });
  end('verify', 'failed');
  ledger.skip({ job: 'verify', source: 'shop', trigger: 'schedule' }, { reason: 'no space for scratch' });
  expect(standing().doubt).toMatch(/its newest verification, .*, failed/);
  end('verify', 'succeeded', { snapshotId: 'a' });
  expect(standing().doubt).toBeNull();
});

test('proofs cease → in doubt for a week; where none is wanted or ever was, not', () => {
  const { end, later, standing } = shop();
  const unproven = { equality: { proven: false, why: 'the lock was not to be had' } };
  end('backup', 'succeeded', unproven);
  expect(standing().doubt).toBeNull();
  end('backup', 'succeeded', { equality: { proven: true, why: null } });
  later(6);
  end('backup', 'succeeded', unproven);
  expect(standing().doubt).toMatch(
    /is not proven, and others of the last week are: the lock was not to be had/,
  );
  expect(standing(false).doubt).toBeNull();
  later(2);
  end('backup', 'succeeded', unproven);
  expect(standing().doubt).toBeNull();
});

test('proofs ceased more than a week ago → the newest proven backup stays, with its proof; where none is wanted, not', () => {
  const { end, later, standing } = shop();
  const stored = (id: string, proven: boolean, more: RunFacts = {}) =>
    end('backup', 'succeeded', {
      ...{ snapshotId: id, snapshotIds: [id, `proof of ${id}`] },
      equality: { proven, why: proven ? null : 'the lock was not to be had' },
      ...more,
    });
  stored('a', true);
  stored('b', true);
  stored('s', true, { suspect: 'half is gone' });
  for (let day = 0; day < 30; day += 1) {
    later(1);
    stored(`day ${day}`, false);
  }
  expect(standing()).toMatchObject({ doubt: null, verified: [], proven: ['b', 'proof of b'] });
  expect(standing(false).proven).toEqual([]);
  stored('c', true);
  expect(standing().proven).toEqual(['c', 'proof of c']);
});

test('a verification that succeeded → every snapshot of that backup stays, also when later ones failed', () => {
  const { end, standing } = shop();
  end('backup', 'succeeded', { snapshotId: 'a', snapshotIds: ['globals of a', 'a'] });
  end('backup', 'succeeded', { snapshotId: 'b', snapshotIds: ['globals of b', 'b'] });
  end('verify', 'succeeded', { snapshotId: 'a' });
  end('verify', 'failed');
  expect(standing().verified).toEqual(['globals of a', 'a']);
});

test('one was proved, and a later one only restored → both stay', () => {
  const { end, standing } = shop();
  const verification = (verdict: 'proved' | 'restored') => ({
    verification: { verdict, why: null, restoreSeconds: 1, steps: [] },
  });
  end('backup', 'succeeded', { snapshotId: 'a', snapshotIds: ['a', 'proof of a'] });
  end('verify', 'succeeded', { snapshotId: 'a', ...verification('proved') });
  end('backup', 'succeeded', { snapshotId: 'b', snapshotIds: ['b'] });
  end('verify', 'succeeded', { snapshotId: 'b', ...verification('restored') });
  expect(standing().verified).toEqual(['b', 'a', 'proof of a']);
});

test('one was proved, and then a suspect one was → both stay; once a person accepted that, the newer alone', () => {
  const { ledger, end, standing } = shop();
  const proved = { verification: { verdict: 'proved' as const, why: null, restoreSeconds: 1, steps: [] } };
  end('backup', 'succeeded', { snapshotId: 'a', snapshotIds: ['a', 'proof of a'] });
  end('verify', 'succeeded', { snapshotId: 'a', ...proved });
  end('backup', 'succeeded', { snapshotId: 's', snapshotIds: ['s', 'proof of s'], suspect: 'half is gone' });
  const suspect = ledger.last('backup', 'shop')!.id;
  end('verify', 'succeeded', { snapshotId: 's', ...proved });
  end('backup', 'succeeded', { snapshotId: 'b', snapshotIds: ['b', 'proof of b'] });
  expect(standing()).toMatchObject({ doubt: null, verified: ['s', 'proof of s', 'a', 'proof of a'] });
  end('accept', 'succeeded', { acceptedRun: suspect });
  expect(standing().verified).toEqual(['s', 'proof of s']);
});

test('verified before more than a thousand backups → its proof is still known with it', () => {
  const { end, standing } = shop();
  end('backup', 'succeeded', { snapshotId: 'a', snapshotIds: ['a', 'proof of a'] });
  end('verify', 'succeeded', {
    snapshotId: 'a',
    verification: { verdict: 'proved', why: null, restoreSeconds: 1, steps: [] },
  });
  for (let i = 0; i < 1100; i += 1) end('backup', 'succeeded', { snapshotId: `b${i}` });
  expect(standing().verified).toEqual(['a', 'proof of a']);
});

test('a check failed, and the next one was killed → damaged still, until one is clean', () => {
  const { ledger, end } = shop();
  expect(openDamage(ledger)).toBeNull();
  end('check', 'failed');
  end('check', 'interrupted');
  expect(openDamage(ledger)).not.toBeNull();
  end('check', 'succeeded');
  expect(openDamage(ledger)).toBeNull();
});

test('a part of the data was damaged → sound when the same part or everything was read, not by a look at the structure or at another part', () => {
  for (const answer of [
    { checkedPart: 3, checkedOf: 10 },
    { checkedPart: 1, checkedOf: 1 },
  ]) {
    const { ledger, end } = shop();
    end('check', 'failed', { checkedPart: 3, checkedOf: 10 });
    end('check', 'succeeded');
    end('check', 'succeeded', { checkedPart: 4, checkedOf: 10 });
    end('check', 'failed');
    for (let i = 0; i < 150; i += 1) end('check', 'succeeded');
    expect(openDamage(ledger)?.facts).toMatchObject({ checkedPart: 3 });
    end('check', 'succeeded', answer);
    expect(openDamage(ledger)).toBeNull();
  }
});

test.each([
  ['total prune:           3 blobs / 1.500 MiB', 1_572_864],
  ['to delete: 1 blobs / 5 B\ntotal prune:           0 blobs / 0 B\nremaining: 15 blobs / 8 MiB', 0],
  ['something else', null],
])('restic says %j → %s bytes', (text, bytes) => {
  expect(freedIn(text)).toBe(bytes);
});

test('the newest backup that counts → its snapshots stay, and those of a suspect one take no place from it', () => {
  const { end, standing } = shop();
  end('backup', 'succeeded', { snapshotIds: ['a', 'proof of a'] });
  end('backup', 'succeeded', { snapshotIds: ['b'], suspect: 'it shrank' });
  expect(standing().good).toEqual(['a', 'proof of a']);
});

test('a suspect one between good ones → the good one before it is known, until a person accepts the suspect', () => {
  const { ledger, end, standing } = shop();
  end('backup', 'succeeded', { snapshotId: 'a', snapshotIds: ['a', 'proof of a'] });
  for (const id of ['s', 't']) end('backup', 'succeeded', { snapshotId: id, suspect: 'it shrank' });
  const accepted = ledger.last('backup', 'shop')!.id;
  end('backup', 'succeeded', { snapshotId: 'b', snapshotIds: ['b'] });
  const good = ['a', 'proof of a'];
  expect(standing()).toMatchObject({
    doubt: null,
    displaced: [
      { bySnapshot: 't', good },
      { bySnapshot: 's', good },
    ],
  });
  end('accept', 'succeeded', { acceptedRun: accepted });
  expect(standing().displaced).toEqual([{ bySnapshot: 's', good }]);
});
