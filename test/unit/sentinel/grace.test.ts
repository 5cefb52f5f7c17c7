import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGrace } from '../../../sentinel/grace.ts';
import { TestClock } from '../../helpers/clock.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { keptLog } from '../../helpers/log.ts';

describe('openGrace', () => {
  it('first boot → counted from now, and written down', () => {
    const [folder, clock, { log }] = [temporaryFolder(), new TestClock('2026-11-20T12:00:00Z'), keptLog()];
    expect(openGrace(folder, log).standing(clock.now())).toEqual({ since: clock.now() });
    expect(readFileSync(join(folder, 'first_boot'), 'utf8')).toBe('2026-11-20T12:00:00Z\n');
    expect(readdirSync(folder)).toEqual(['first_boot']);
  });

  it('a folder that is not there → made', () => {
    const folder = join(temporaryFolder(), 'deep', 'state');
    openGrace(folder, keptLog().log).standing(new Date('2026-11-20T12:00:00Z'));
    expect(existsSync(join(folder, 'first_boot'))).toBe(true);
  });

  it('restarted → still counted from the first boot', () => {
    const [folder, clock, { log }] = [temporaryFolder(), new TestClock('2026-11-20T12:00:00Z'), keptLog()];
    openGrace(folder, log).standing(clock.now());
    const first = clock.now();
    clock.advance(80_000);
    expect(openGrace(folder, log).standing(clock.now())).toEqual({ since: first });
  });

  it('a heartbeat was seen → spent, also after a restart', () => {
    const [folder, clock, { log }] = [temporaryFolder(), new TestClock('2026-11-20T12:00:00Z'), keptLog()];
    const grace = openGrace(folder, log);
    grace.standing(clock.now());
    grace.spend(clock.now());
    expect(grace.standing(clock.now())).toEqual({ refused: 'a heartbeat was seen before' });
    expect(openGrace(folder, log).standing(clock.now())).toEqual({ refused: 'a heartbeat was seen before' });
  });

  it('a state folder that cannot be written → no grace, and a loud line that says what to do', () => {
    const { log, lines } = keptLog();
    const grace = openGrace('/dev/null/state', log);
    grace.spend(new Date());
    expect(grace.standing(new Date())).toEqual({ refused: 'the state folder cannot be written' });
    expect(lines).toMatchObject([
      { level: 50, msg: expect.stringContaining('SENTINEL_STATE_DIR') as string },
    ]);
  });

  it.each([
    ['empty, as after a power cut', ''],
    ['a word', 'yesterday\n'],
    ['far too long', 'x'.repeat(1000)],
    ['from before the clock was set', '1970-01-01T00:00:07Z\n'],
  ])('first_boot is %s → no grace, and one loud line', (_, text) => {
    const [folder, { log, lines }] = [temporaryFolder(), keptLog()];
    writeFileSync(join(folder, 'first_boot'), text);
    const grace = openGrace(folder, log);
    expect(grace.standing(new Date())).toHaveProperty('refused');
    grace.standing(new Date());
    expect(lines).toMatchObject([{ level: 50, msg: expect.stringContaining('first_boot') as string }]);
  });

  it('booted with a clock that is not set yet → the grace begins when it is', () => {
    const [folder, clock, { log }] = [temporaryFolder(), new TestClock('1970-01-01T00:00:09Z'), keptLog()];
    const grace = openGrace(folder, log);
    expect(grace.standing(clock.now())).toEqual({ refused: 'the clock has not been set yet' });
    const set = new Date('2026-11-20T12:00:00Z');
    expect(grace.standing(set)).toEqual({ since: set });
  });
});
