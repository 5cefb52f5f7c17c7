import { describe, expect, it } from 'vitest';
import { renderPage } from '../../../../sentinel/page/page.ts';
import { factsOf, pageStates, runOf, sourceOf, statusOf, upkeepOf } from '../../../helpers/page-states.ts';

const states = Object.entries(pageStates);

describe('the page', () => {
  it.each(states)('%s → whole, and under 30 kB', (_, facts) => {
    const page = renderPage(facts);
    expect(page).toMatch(/^<!doctype html>[^]*<\/html>$/);
    expect(page).not.toMatch(/undefined|NaN|null|\[object/);
    expect(Buffer.byteLength(page)).toBeLessThan(30_000);
  });

  it.each(states)('%s → nothing that its policy forbids', (_, facts) => {
    const page = renderPage(facts);
    expect(page).not.toMatch(/<script| style=| on\w+=|(src|action)=|href="http/);
  });

  it('markup wherever a text comes from elsewhere → shown, not obeyed', () => {
    const evil = '"><script>alert(1)</script><img src=x>';
    const run = runOf({
      job: evil,
      source: evil,
      result: 'failed',
      warnings: true,
      notes: [evil],
      reason: evil,
      hint: evil,
    });
    const source = sourceOf(evil, { lastRun: run });
    source.verification!.lastRun = run;
    const status = statusOf({
      host: evil,
      agentVersion: evil,
      timeZone: evil,
      sources: [source],
      runs: [run, { ...run, result: 'succeeded' }],
      maintenance: [upkeepOf('check', { lastRun: run })],
      repository: {
        location: evil,
        id: evil,
        sizes: [],
        snapshots: null,
        addedBytes: null,
        freeBytes: null,
        fullInDays: null,
        allDataReadAt: null,
      },
    });
    const override = {
      version: 1,
      gate: 'open',
      setAt: new Date('2026-11-20T12:00:00Z'),
      until: new Date('2026-11-20T14:00:00Z'),
      reason: evil,
    } as const;
    for (const facts of [
      factsOf({ status, override }),
      factsOf({ agent: { known: false, problem: evil } }),
    ]) {
      const page = renderPage(facts);
      expect(page).toContain('&lt;script&gt;');
      expect(page).not.toMatch(/<script|<img/);
    }
  });

  it('texts without end and a thousand sources → a page that ends', () => {
    const long = 'x'.repeat(100_000);
    const run = runOf({ result: 'failed', reason: long, hint: long, notes: [long], source: long });
    const sources = Array.from({ length: 1000 }, () =>
      sourceOf(long, { lastRun: run, sizes: Array.from({ length: 5000 }, (_, i) => i) }),
    );
    const page = renderPage(
      factsOf({ status: statusOf({ sources, runs: Array.from({ length: 500 }, () => run) }) }),
    );
    expect(page).toContain('And 940 more');
    expect(page.length).toBeLessThan(250_000);
  });

  it('a file of an older agent → the card shows what there is', () => {
    const { version, writtenAt, host, agentVersion, maintenance, sources } = statusOf();
    const { name, engine, gates, lastSuccess, lastRun, nextRun } = sources[0]!;
    const old = {
      version,
      writtenAt,
      host,
      agentVersion,
      maintenance,
      repository: { location: '/r', id: null },
    };
    const status = statusOf({
      ...old,
      sources: [{ name, engine, gates, lastSuccess, lastRun, nextRun } as (typeof sources)[0]],
      repository: old.repository as never,
      runs: [],
      timeZone: undefined as never,
    });
    const page = renderPage(factsOf({ status }));
    expect(page).toContain('Everything is backed up.');
    expect(page).toContain('not known');
  });

  it('trouble in the last of three sources → its card comes first', () => {
    const sources = ['one', 'two', 'three'].map((name) =>
      sourceOf(name, name === 'three' ? { lastRun: runOf({ result: 'failed' }) } : {}),
    );
    const page = renderPage(factsOf({ status: statusOf({ sources, runs: [] }) }));
    expect([...page.matchAll(/<bdi>(\w+)<\/bdi>/g)].map(([, name]) => name)).toEqual(['three', 'one', 'two']);
  });
});
