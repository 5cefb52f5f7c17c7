import { describe, expect, it } from 'vitest';
import { formatLastOk, parseLastOk, statusSchema } from '../../../sentinel/heartbeat.ts';

describe('last_ok', () => {
  it('written → one line of UTC that a person can read', () => {
    expect(formatLastOk(new Date('2026-11-20T03:00:12.987Z'))).toBe('2026-11-20T03:00:12Z\n');
  });

  it('written and read → the same second', () => {
    const time = new Date('2028-02-29T23:59:59Z');
    expect(parseLastOk(formatLastOk(time))).toEqual({ ok: true, time });
  });

  it.each([
    ['a fraction of a second', '2026-11-20T03:00:12.345Z\n', '2026-11-20T03:00:12.345Z'],
    ['no newline', '2026-11-20T03:00:12Z', '2026-11-20T03:00:12.000Z'],
  ])('%s → read', (_, text, iso) => {
    expect(parseLastOk(text)).toEqual({ ok: true, time: new Date(iso) });
  });

  it.each([
    ['nothing', ''],
    ['only a newline', '\n'],
    ['cut short', '2026-11-20T03:0'],
    ['a day that no calendar has', '2026-02-30T03:00:12Z\n'],
    ['hour 24', '2026-11-20T24:00:00Z\n'],
    ['second 60', '2026-11-20T03:00:60Z\n'],
    ['no zone', '2026-11-20T03:00:12\n'],
    ['an offset', '2026-11-20T03:00:12+02:00\n'],
    ['a date alone', '2026-11-20\n'],
    ['epoch seconds', '1795143612\n'],
    ['a space in front', ' 2026-11-20T03:00:12Z\n'],
    ['a second line', '2026-11-20T03:00:12Z\n2026-11-21T03:00:12Z\n'],
    ['a Windows line end', '2026-11-20T03:00:12Z\r\n'],
    ['JSON', '{"ts":"2026-11-20T03:00:12Z"}'],
    ['a NUL behind it', '2026-11-20T03:00:12Z\0'],
    ['megabytes', '2026-11-20T03:00:12Z\n'.repeat(100_000)],
  ])('%s → malformed', (_, text) => {
    const read = parseLastOk(text);
    expect(read.ok).toBe(false);
    expect(!read.ok && read.problem.length).toBeLessThan(200);
  });

  it('malformed → the problem says what was expected and what came', () => {
    expect(parseLastOk('yesterday\n')).toEqual({
      ok: false,
      problem: 'expected one UTC time such as 2026-11-20T03:00:12Z, got "yesterday\\n"',
    });
  });
});

describe('status.json', () => {
  const status = {
    version: 1,
    writtenAt: '2026-11-20T03:00:13.000Z',
    host: 'shop',
    agentVersion: '0.1.0',
    sources: [
      { name: 'shop', engine: 'mariadb', gates: true, lastSuccess: null, lastRun: null, nextRun: null },
    ],
    maintenance: [{ job: 'retention', lastSuccess: null, lastRun: null }],
    repository: { location: '/repository', id: null },
  };

  it('a key from a newer agent → read, and the key ignored', () => {
    const read = statusSchema.parse({ ...status, mood: 'good' });
    expect(read).toMatchObject(status);
    expect(read).not.toHaveProperty('mood');
  });

  it('a file from before histories were told → read, without them', () => {
    const read = statusSchema.parse(status);
    expect(read).toMatchObject({ timeZone: 'UTC', runs: [], repository: { sizes: [], addedBytes: null } });
    expect(read.sources).toMatchObject([{ rhythm: null, verification: null, sizes: [], days: [] }]);
  });

  it('a word for a day that only a newer agent knows → a day of which nothing is told', () => {
    const [source] = status.sources;
    const read = statusSchema.parse({ ...status, sources: [{ ...source, days: ['good', 'splendid'] }] });
    expect(read.sources[0]?.days).toEqual(['good', 'idle']);
  });

  it('another version → refused', () => {
    expect(statusSchema.safeParse({ ...status, version: 2 }).success).toBe(false);
  });
});
