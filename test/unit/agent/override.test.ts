import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { currentOverride, holdGate, releaseGate } from '../../../agent/reports/override.ts';
import { overrideName } from '../../../sentinel/override.ts';
import { TestClock } from '../../helpers/clock.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function place() {
  const clock = new TestClock('2026-11-20T12:00:00Z');
  const folder = temporaryFolder();
  const ledger = openLedger(join(temporaryFolder(), 'ledger.db'), clock);
  const history = () =>
    ledger.recent({ limit: 9 }).map(({ job, result, reason }) => ({ job, result, reason }));
  return { clock, folder, ledger, history, by: 'ada' };
}
const moving = { gate: 'open' as const, seconds: 7200, reason: ' moving ' };

describe('holdGate', () => {
  it('an end and a reason → in force until then, by itself over, and in the audit', async () => {
    const here = place();
    await holdGate(here, moving);
    expect(currentOverride(here).override).toMatchObject({ reason: 'moving', until: here.clock.in(7200) });
    expect(here.history()).toEqual([
      { job: 'gate', result: 'succeeded', reason: 'opened until 2026-11-20T14:00:00Z by ada: moving' },
    ]);
    here.clock.advance(7200);
    expect(currentOverride(here)).toEqual({ override: null, problem: null });
  });

  it('held closed → so in the folder and in the audit', async () => {
    const here = place();
    await holdGate(here, { gate: 'closed', seconds: 60, reason: 'the migration' });
    expect(currentOverride(here).override).toMatchObject({ gate: 'closed' });
    expect(here.history()[0]).toMatchObject({
      reason: 'closed until 2026-11-20T12:01:00Z by ada: the migration',
    });
  });

  it('another one → takes the place of the first, and both are in the audit', async () => {
    const here = place();
    await holdGate(here, moving);
    await holdGate(here, { ...moving, seconds: 60, reason: 'nearly done' });
    expect(currentOverride(here).override?.until).toEqual(here.clock.in(60));
    expect(here.history()).toHaveLength(2);
    expect(readdirSync(here.folder)).toEqual([overrideName]);
  });

  it.each([
    ['longer than a day', { seconds: 86_401, reason: 'x' }],
    ['no reason', { seconds: 60, reason: '  ' }],
    ['a reason of two lines', { seconds: 60, reason: 'a\nb' }],
    ['a reason with a control character', { seconds: 60, reason: 'a\u001b[2Jb' }],
    ['a reason as long as a letter', { seconds: 60, reason: 'x'.repeat(201) }],
  ])('%s → refused, nothing written', async (_, given) => {
    const here = place();
    await expect(holdGate(here, { ...moving, ...given })).rejects.toMatchObject({ kind: 'usage' });
    expect([readdirSync(here.folder), here.history()]).toEqual([[], []]);
  });

  it('a status folder that cannot be written → an error with a hint, and the audit says that it failed', async () => {
    const here = { ...place(), folder: '/dev/null/status' };
    await expect(holdGate(here, moving)).rejects.toMatchObject({
      kind: 'failed',
      hint: /HOLDFAST_STATUS_DIR/,
    });
    expect(here.history()[0]).toMatchObject({ job: 'gate', result: 'failed' });
  });

  it('a ledger that cannot be written → nothing is held', async () => {
    const here = place();
    const ledger = {
      begin: () => {
        throw new Error('the disk is full');
      },
      finish: () => undefined,
    };
    await expect(holdGate({ ...here, ledger }, moving)).rejects.toThrow('the disk is full');
    expect(readdirSync(here.folder)).toEqual([]);
  });

  it('while a run of another process ends what a dead one left → the audit is not touched', async () => {
    const here = place();
    await holdGate(here, moving);
    expect(here.ledger.interruptLeftovers('dead')).toEqual([]);
  });
});

describe('releaseGate', () => {
  it('one in force → over at once, and in the audit', async () => {
    const here = place();
    await holdGate(here, moving);
    expect(await releaseGate(here)).toMatchObject({ reason: 'moving' });
    expect(readdirSync(here.folder)).toEqual([]);
    expect(here.history()[0]).toMatchObject({
      reason: 'ended the override until 2026-11-20T14:00:00Z, by ada',
    });
  });

  it('none → nothing happens', async () => {
    const here = place();
    expect(await releaseGate(here)).toBe(null);
    expect(here.history()).toEqual([]);
  });

  it.each([
    ['a file that does nothing', (path: string) => writeFileSync(path, '{')],
    ['a folder in its place', (path: string) => mkdirSync(path)],
  ])('%s → removed', async (_, put) => {
    const here = place();
    put(join(here.folder, overrideName));
    expect(currentOverride(here).problem).not.toBe(null);
    expect(await releaseGate(here)).toBe(null);
    expect(readdirSync(here.folder)).toEqual([]);
  });
});

it('what is written → is what people can read', async () => {
  const here = place();
  await holdGate(here, moving);
  expect(JSON.parse(readFileSync(join(here.folder, overrideName), 'utf8'))).toEqual({
    version: 1,
    gate: 'open',
    setAt: '2026-11-20T12:00:00.000Z',
    until: '2026-11-20T14:00:00.000Z',
    reason: 'moving',
  });
});
