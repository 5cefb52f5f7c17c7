import { expect, test } from 'vitest';
import { heedRepository, isHeeded } from '../../../agent/jobs/heeded-repository.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import type { Repository } from '../../../agent/repository/repository.ts';
import { TestClock } from '../../helpers/clock.ts';

const at = (location: string) => ({ location }) as Repository;

function ledgerWithBackup(repositoryId: string) {
  const ledger = openLedger(':memory:', new TestClock('2026-11-20T12:00:00Z'));
  for (const [location, id] of [
    ['/ours', 'ours'],
    ['/copy', 'copy'],
  ])
    ledger.remember(`repository-id ${location}`, id!);
  const run = ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  ledger.finish(run, { result: 'succeeded', reason: 'stored', facts: { repositoryId } });
  return ledger;
}

test('no daemon ever ran → the heartbeat goes by the repository of each command', () => {
  const ledger = ledgerWithBackup('ours');
  expect([at('/ours'), at('/copy')].map((one) => isHeeded(one, ledger))).toEqual([true, true]);
});

test('a command looks into another repository than the daemon → the heartbeat stays, unless the newest backup went there', () => {
  for (const [newest, heeded] of [
    ['ours', [true, false, false]],
    ['copy', [true, true, false]],
  ] as const) {
    const ledger = ledgerWithBackup(newest);
    heedRepository(at('/ours'), ledger);
    const all = ['/ours', '/copy', '/never seen'];
    expect(all.map((location) => isHeeded(at(location), ledger))).toEqual(heeded);
  }
});

test('the daemon was moved → it goes by the new place', () => {
  const ledger = ledgerWithBackup('ours');
  heedRepository(at('/ours'), ledger);
  heedRepository(at('/new'), ledger);
  expect(isHeeded(at('/new'), ledger)).toBe(true);
});
