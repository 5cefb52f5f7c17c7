import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alsoWarning } from '../../../agent/jobs/also-warning.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { daysUntilFull } from '../../../agent/reports/forecast.ts';
import { measureSpace } from '../../../agent/reports/space.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const sizes = (...measured: [day: number, bytes: number][]) =>
  measured.map(([day, bytes]) => ({ at: new Date(Date.UTC(2026, 0, day)).toISOString(), bytes }));

describe('in how many days a disk is full', () => {
  test.each<[string, ReturnType<typeof sizes>, number, number | null]>([
    ['ten bytes a day, a hundred left → ten days', sizes([1, 100], [5, 140], [9, 180]), 100, 10],
    ['it shrinks, or stays → nothing to say', sizes([1, 100], [5, 90], [9, 100]), 100, null],
    ['two sizes → too little to say', sizes([1, 100], [20, 200]), 100, null],
    ['six days → too little to say', sizes([1, 100], [3, 110], [7, 120]), 100, null],
    ['no sizes → nothing to say', [], 100, null],
    [
      'a prune in between → the line through all',
      sizes([1, 0], [2, 100], [3, 20], [9, 160], [10, 120]),
      60,
      4,
    ],
    ['all is used up → none', sizes([1, 100], [5, 140], [9, 180]), 0, 0],
    ['hardly any growth → ten years, and not thousands', sizes([1, 100], [5, 101], [9, 101]), 1e9, 3650],
  ])('%s', (_, measured, free, days) => {
    expect(daysUntilFull(measured, free)).toBe(days);
  });
});

describe('room for the repository and the state', () => {
  function ledgerWithChecks(bytes: number[]) {
    let now = new Date('2026-01-01T00:00:00Z');
    const ledger = openLedger(':memory:', { now: () => now });
    bytes.forEach((repositoryBytes, i) => {
      now = new Date(Date.UTC(2026, 0, 1 + 4 * i));
      const id = ledger.begin({ job: 'check', source: null, trigger: 'schedule' });
      ledger.finish(id, {
        result: 'succeeded',
        reason: 'sound',
        facts: { repositoryId: 'a', repositoryBytes },
      });
    });
    return ledger;
  }
  const folder = temporaryFolder;
  const huge = Number.MAX_SAFE_INTEGER;

  test('enough → measured, and no warning', async () => {
    const path = folder();
    const facts = { repository: path, repositoryId: 'a', state: path, leastBytes: 1 };
    const space = await measureSpace(ledgerWithChecks([]), facts);
    expect(space).toMatchObject({ fullInDays: null, warnings: [] });
    expect(space.freeBytes).toBeGreaterThan(0);
    expect(space.stateFreeBytes).toBeGreaterThan(0);
  });

  test('less than the bound → a warning for each, with the days where there is growth', async () => {
    const path = folder();
    const facts = { repository: path, repositoryId: 'a', state: path, leastBytes: huge };
    const { warnings } = await measureSpace(ledgerWithChecks([1, 2e9, 4e9]), facts);
    expect(warnings).toEqual([
      expect.stringMatching(/^the disk of the repository .* left, less than .* PB .* used up in \d+ days$/),
      expect.stringMatching(/^the disk of the ledger and the spool .* left, less than/),
    ]);
  });

  test('more than the bound, and full within the week → a warning all the same', async () => {
    const path = folder();
    const facts = { repository: path, repositoryId: 'a', state: path, leastBytes: 1 };
    const { warnings, fullInDays } = await measureSpace(ledgerWithChecks([1, 1e15, 2e15]), facts);
    expect(fullInDays).toBeLessThan(7);
    expect(warnings).toEqual([expect.stringMatching(/left; at its growth of late that is used up in/)]);
  });

  test('a repository elsewhere, or a folder that is not there → not known, and never a warning', async () => {
    const facts = { repositoryId: 'a', state: folder(), leastBytes: huge };
    const ledger = ledgerWithChecks([]);
    for (const repository of [null, join(facts.state, 'nowhere')]) {
      const { freeBytes, warnings } = await measureSpace(ledger, { ...facts, repository });
      expect(freeBytes).toBeNull();
      expect(warnings).toHaveLength(1);
    }
  });

  test('a backup while little is left → good, with the warning beside its own', async () => {
    const outcome = { reason: 'stored', warnings: ['an allowed gap'], facts: {} };
    const job = {
      name: 'backup',
      source: 'shop',
      timeoutMs: 1,
      run: () => Promise.resolve(outcome),
    } as const;
    const context = { signal: new AbortController().signal, onProgress: () => undefined };
    expect(await alsoWarning(job, () => Promise.resolve(['little is left'])).run(context)).toEqual({
      ...outcome,
      warnings: ['an allowed gap', 'little is left'],
    });
  });
});
