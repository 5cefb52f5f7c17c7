import { expect, test } from 'vitest';
import { heed, isHeeded } from '../../../agent/jobs/heeded.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import type { Repository } from '../../../agent/repository/repository.ts';
import { TestClock } from '../../helpers/clock.ts';

const at = (location: string, sources = ['shop']) => ({ repository: { location } as Repository, sources });

/** A daemon there. */
const daemonAt = (location: string, sources = ['shop']) => ({
  ...at(location),
  sources: sources.map((name) => ({ name, type: 'mysql', host: 'db', port: 3306, database: name })),
});

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
    heed(daemonAt('/ours'), ledger);
    const all = ['/ours', '/copy', '/never seen'];
    expect(all.map((location) => isHeeded(at(location), ledger))).toEqual(heeded);
  }
});

test('the daemon was moved → it goes by the new place', () => {
  const ledger = ledgerWithBackup('ours');
  heed(daemonAt('/ours'), ledger);
  heed(daemonAt('/new'), ledger);
  expect(isHeeded(at('/new'), ledger)).toBe(true);
});

test('a command is configured without a source of the daemon → the heartbeat stays; with more of them it is told', () => {
  const ledger = ledgerWithBackup('ours');
  heed(daemonAt('/ours', ['shop', 'wiki']), ledger);
  const heeded = [['other'], ['shop'], [], ['wiki', 'shop'], ['shop', 'wiki', 'new']];
  expect(heeded.map((sources) => isHeeded(at('/ours', sources), ledger))).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
  heed(daemonAt('/ours', ['other']), ledger);
  expect(isHeeded(at('/ours', ['other']), ledger)).toBe(true);
});
