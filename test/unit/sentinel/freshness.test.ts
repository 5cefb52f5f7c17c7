import { describe, expect, it } from 'vitest';
import { type Grace, judge, type Reading, type Remembered } from '../../../sentinel/freshness.ts';

const now = new Date('2026-11-20T12:00:00Z');
const limits = { thresholdSeconds: 93_600, graceSeconds: 86_400 };
const noGrace: Grace = { refused: 'a heartbeat was seen before' };
const nothing: Remembered = { lastGood: null, grace: noGrace };

const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const heartbeat = (seconds: number): Reading => ({ ok: true, time: ago(seconds), readAt: now });
const missing: Reading = { ok: false, reason: 'missing', detail: 'there is no such file' };
const unreadable: Reading = { ok: false, reason: 'unreadable', detail: 'EIO' };

describe('a heartbeat that was read', () => {
  it.each([
    [0, true, 'fresh'],
    [93_600, true, 'fresh'],
    [93_601, false, 'stale'],
    [10 * 365 * 86_400, false, 'stale'],
    [-300, true, 'fresh'],
    [-301, false, 'future_timestamp'],
    [-73 * 365 * 86_400, false, 'future_timestamp'],
  ])('%i seconds old → open %s, %s', (age, open, reason) => {
    expect(judge(heartbeat(age), nothing, limits, now)).toMatchObject({ open, reason, ageSeconds: age });
  });

  it('fresh → says when the gate closes if nothing happens', () => {
    expect(judge(heartbeat(3600), nothing, limits, now).closesAt).toEqual(ago(3600 - 93_600));
  });

  it('stale within the grace → closed: the grace is for waiting, not for failing', () => {
    const remembered = { lastGood: null, grace: { since: ago(10) } };
    expect(judge(heartbeat(93_601), remembered, limits, now)).toMatchObject({ open: false, reason: 'stale' });
  });
});

describe('no heartbeat', () => {
  const waitingSince = (since: Date): Remembered => ({ lastGood: null, grace: { since } });

  it.each([
    [0, true, 'first_boot_grace'],
    [86_400, true, 'first_boot_grace'],
    [86_401, false, 'missing'],
    [-300, true, 'first_boot_grace'],
    [-301, false, 'missing'],
  ])('first boot %i seconds ago → open %s, %s', (age, open, reason) => {
    expect(judge(missing, waitingSince(ago(age)), limits, now)).toMatchObject({ open, reason });
  });

  it('grace of no seconds → closed from the first second', () => {
    const none = { ...limits, graceSeconds: 0 };
    expect(judge(missing, waitingSince(ago(1)), none, now).open).toBe(false);
  });

  it('grace refused → closed, and the detail says why', () => {
    const verdict = judge(missing, nothing, limits, now);
    expect(verdict).toMatchObject({ open: false, reason: 'missing', detail: 'a heartbeat was seen before' });
  });

  it('missing right after a good reading → closed at once: it was taken away', () => {
    const remembered = { lastGood: { time: ago(60), readAt: ago(1) }, grace: noGrace };
    expect(judge(missing, remembered, limits, now)).toMatchObject({ open: false, reason: 'missing' });
  });
});

describe('a heartbeat that is there and wrong', () => {
  it.each(['malformed', 'not_regular_file', 'unreadable'] as const)(
    '%s within the grace → closed',
    (reason) => {
      const remembered = { lastGood: null, grace: { since: ago(10) } };
      const verdict = judge({ ok: false, reason, detail: 'x' }, remembered, limits, now);
      expect(verdict).toMatchObject({ open: false, reason, detail: 'x', closesAt: null });
    },
  );
});

describe('a read error after a good reading', () => {
  const remembering = (age: number, readAgo: number): Remembered => ({
    lastGood: { time: ago(age), readAt: ago(readAgo) },
    grace: noGrace,
  });

  it('30 seconds after → judged by the last good heartbeat', () => {
    const verdict = judge(unreadable, remembering(3600, 30), limits, now);
    expect(verdict).toMatchObject({ open: true, reason: 'fresh', ageSeconds: 3600, closesAt: now });
    expect(verdict.detail).toContain('EIO');
  });

  it('31 seconds after → closed', () => {
    const verdict = judge(unreadable, remembering(3600, 31), limits, now);
    expect(verdict).toMatchObject({ open: false, reason: 'unreadable', detail: 'EIO' });
  });

  it('the last good heartbeat goes stale meanwhile → closed as stale', () => {
    expect(judge(unreadable, remembering(93_601, 5), limits, now)).toMatchObject({
      open: false,
      reason: 'stale',
    });
  });

  it('the clock was set back meanwhile → not believed', () => {
    expect(judge(unreadable, remembering(3600, -1), limits, now)).toMatchObject({ open: false });
  });
});
