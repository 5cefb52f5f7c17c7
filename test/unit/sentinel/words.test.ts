import { describe, expect, it } from 'vitest';
import { judge, type Reading } from '../../../sentinel/freshness.ts';
import { duration, explain, size } from '../../../sentinel/words.ts';

describe('duration', () => {
  it.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [310, '5 min 10 s'],
    [93_600, '26 h'],
    [86_399, '23 h 59 min'],
    [172_800 + 3 * 3600 + 59, '2 d 3 h'],
    [-310, '5 min 10 s'],
  ])('%d seconds → %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('size', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [1_234_567_890, '1.2 GB'],
    [5e15, '5000.0 TB'],
  ])('%d bytes → %s', (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });
});

describe('explain', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const limits = { thresholdSeconds: 93_600, graceSeconds: 86_400 };
  const say = (reading: Reading, grace = { refused: 'a heartbeat was seen before' }) =>
    explain(judge(reading, { lastGood: null, grace }, limits, now), limits);
  const at = (iso: string): Reading => ({ ok: true, time: new Date(iso), readAt: now });

  it('fresh → the age, and when the gate closes', () => {
    expect(say(at('2026-11-20T09:00:00Z'))).toBe(
      'The oldest last good backup is 3 h old. The gate closes in 23 h unless a newer one succeeds.',
    );
  });

  it('stale → the age, and the limit', () => {
    expect(say(at('2026-11-18T09:00:00Z'))).toBe(
      'The oldest last good backup is 2 d 3 h old. The limit is 26 h.',
    );
  });

  it('from the future → points at the clocks', () => {
    expect(say(at('2026-11-20T14:00:00Z'))).toBe(
      'The heartbeat lies 2 h in the future. A clock is wrong, here or at the agent.',
    );
  });

  it('missing → why there is no grace, and what brings it', () => {
    expect(say({ ok: false, reason: 'missing', detail: '' })).toBe(
      'There is no heartbeat: a heartbeat was seen before. It comes as soon as every source has a good backup.',
    );
  });

  it.each([
    ['unreadable', 'EACCES', 'The heartbeat cannot be read: EACCES.'],
    ['malformed', 'empty', 'The heartbeat is not understood: empty.'],
    ['not_regular_file', 'it is a FIFO', 'The heartbeat is not a regular file: it is a FIFO.'],
  ] as const)('%s → the cause', (reason, detail, sentence) => {
    expect(say({ ok: false, reason, detail })).toBe(sentence);
  });
});
