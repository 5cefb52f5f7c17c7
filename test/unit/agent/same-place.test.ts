import { expect, onTestFinished, test } from 'vitest';
import { rememberPlaces, requireSamePlace } from '../../../agent/jobs/same-place.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';

const shop = { name: 'shop', type: 'mysql', host: 'db', port: 3306, database: 'shop' };

function notes() {
  const ledger = openLedger(':memory:', { now: () => new Date('2026-11-01T03:00:00Z') });
  onTestFinished(() => ledger.close());
  return ledger;
}

test('no daemon ever ran → every command may back up what it likes', () => {
  expect(() => requireSamePlace([shop], notes())).not.toThrow();
});

test("a source has the name of one of the daemon's and is another database → refused, naming both", () => {
  const ledger = notes();
  rememberPlaces([shop], ledger);
  for (const other of [{ host: 'staging' }, { port: 3307 }, { database: 'other' }, { type: 'postgres' }]) {
    expect(() => requireSamePlace([{ ...shop, ...other }], ledger)).toThrow(
      /^shop is .* here, and the daemon's shop is mysql:\/\/db:3306\/shop: what is stored under its name would count/,
    );
  }
  expect(() => requireSamePlace([shop, { ...shop, name: 'wiki', host: 'staging' }], ledger)).not.toThrow();
});

test('the daemon is started anew with another one → that is the one', () => {
  const ledger = notes();
  rememberPlaces([shop], ledger);
  rememberPlaces([{ ...shop, host: '127.0.0.1' }], ledger);
  expect(() => requireSamePlace([{ ...shop, host: 'localhost' }], ledger)).not.toThrow();
  expect(() => requireSamePlace([shop], ledger)).toThrow(/is mysql:\/\/localhost:3306\/shop:/);
});
