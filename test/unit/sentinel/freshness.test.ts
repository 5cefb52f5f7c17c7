import { describe, expect, it } from 'vitest';
import {
  type Grace,
  judge,
  type Reading,
  type Remembered,
  type Verification,
} from '../../../sentinel/freshness.ts';

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

describe('where verifications gate', () => {
  const week = 7 * 86_400;
  const weekly = { ...limits, verifyThresholdSeconds: week };
  const beat: Reading = { ok: true, time: ago(60), readAt: now };
  const judged = (verification: Partial<Verification>, given = weekly) =>
    judge(
      beat,
      {
        lastGood: null,
        grace: noGrace,
        verification: { reading: missing, lastGood: null, since: null, ...verification },
      },
      given,
      now,
    );
  const made = (seconds: number): Reading => ({ ok: true, time: ago(seconds), readAt: now });

  it.each([
    [week, true, 'fresh'],
    [week + 1, false, 'verification_stale'],
    [-300, true, 'fresh'],
    [-301, false, 'verification_missing'],
  ])('verified %d seconds ago → open: %s, %s', (age, open, reason) => {
    expect(judged({ reading: made(age) })).toMatchObject({
      open,
      reason,
      verifiedAt: ago(age),
      heartbeat: ago(60),
    });
  });

  it('the verification runs out before the heartbeat does → the gate says when', () => {
    expect(judged({ reading: made(week - 100) }).closesAt).toEqual(ago(-100));
    expect(judged({ reading: made(0) }).closesAt).toEqual(ago(60 - limits.thresholdSeconds));
  });

  it('never verified, first heartbeat a week ago → open until then, closed from there', () => {
    expect(judged({ since: ago(week) })).toMatchObject({ open: true, closesAt: now });
    expect(judged({ since: ago(week + 1) })).toMatchObject({
      open: false,
      reason: 'verification_missing',
      detail: 'nothing was ever verified',
    });
  });

  it('never verified, and nobody knows since when → closed', () => {
    expect(judged({ since: null })).toMatchObject({ open: false, reason: 'verification_missing' });
  });

  it('it was there and was taken away → closed, and the time of the first heartbeat does not help', () => {
    const lastGood = { time: ago(60), readAt: ago(1) };
    expect(judged({ lastGood, since: ago(10) })).toMatchObject({
      open: false,
      reason: 'verification_missing',
    });
  });

  it.each(['malformed', 'not_regular_file', 'unreadable'] as const)('%s → closed', (reason) => {
    const reading: Reading = { ok: false, reason, detail: 'x' };
    expect(judged({ reading, since: ago(10) })).toMatchObject({
      open: false,
      reason: 'verification_missing',
      detail: 'x',
    });
  });

  it('a read error after a good reading → believed for 30 seconds', () => {
    const remembered = (readAgo: number) => ({ lastGood: { time: ago(3600), readAt: ago(readAgo) } });
    expect(judged({ reading: unreadable, ...remembered(30) })).toMatchObject({
      open: true,
      verifiedAt: ago(3600),
    });
    expect(judged({ reading: unreadable, ...remembered(31) })).toMatchObject({ open: false });
  });

  it('the heartbeat is stale → that is the reason, whatever the verification', () => {
    const verification: Verification = { reading: made(60), lastGood: null, since: null };
    const stale: Reading = { ok: true, time: ago(93_601), readAt: now };
    expect(judge(stale, { lastGood: null, grace: noGrace, verification }, weekly, now).reason).toBe('stale');
  });

  it('first boot, nothing to verify yet → the grace stands', () => {
    const verification: Verification = { reading: missing, lastGood: null, since: null };
    const verdict = judge(missing, { lastGood: null, grace: { since: ago(10) }, verification }, weekly, now);
    expect(verdict).toMatchObject({ open: true, reason: 'first_boot_grace' });
  });

  it('off → a missing verification closes nothing', () => {
    expect(judged({}, { ...weekly, verifyThresholdSeconds: 0 })).toMatchObject({
      open: true,
      reason: 'fresh',
    });
  });
});
