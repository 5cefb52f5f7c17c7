import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGrace } from '../../../sentinel/grace.ts';
import { formatLastOk } from '../../../sentinel/heartbeat.ts';
import { watchHeartbeat } from '../../../sentinel/watch.ts';
import { TestClock } from '../../helpers/clock.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { keptLog } from '../../helpers/log.ts';

function setUp() {
  const folder = temporaryFolder();
  const heartbeatPath = join(folder, 'last_ok');
  const clock = new TestClock('2026-11-20T12:00:00Z');
  const { log, lines } = keptLog();
  const boot = () =>
    watchHeartbeat({
      heartbeatPath,
      limits: { thresholdSeconds: 3600, graceSeconds: 600 },
      grace: openGrace(join(folder, 'state'), log),
      now: clock.now,
      log,
    });
  const beat = (time: Date) => writeFileSync(heartbeatPath, formatLastOk(time));
  return { heartbeatPath, clock, lines, boot, beat };
}

describe('watchHeartbeat', () => {
  it('asked again within 20 ms → the file is not read again, but the age grows', () => {
    const { heartbeatPath, clock, boot, beat } = setUp();
    beat(clock.in(-3600));
    const watch = boot();
    expect(watch.verdict()).toMatchObject({ open: true, ageSeconds: 3600 });

    rmSync(heartbeatPath);
    clock.advance(0.019);
    expect(watch.verdict()).toMatchObject({ open: false, reason: 'stale', ageSeconds: 3600.019 });
  });

  it('20 ms later → the file is read again', () => {
    const { clock, boot, beat } = setUp();
    beat(clock.in(-5000));
    const watch = boot();
    expect(watch.verdict().open).toBe(false);

    beat(clock.now());
    clock.advance(0.02);
    expect(watch.verdict()).toMatchObject({ open: true, reason: 'fresh' });
  });

  it('the clock is set back → the file is read again, and not remembered for hours', () => {
    const { heartbeatPath, clock, boot, beat } = setUp();
    beat(clock.in(-7200));
    const watch = boot();
    watch.verdict();
    rmSync(heartbeatPath);
    clock.advance(-7200);
    expect(watch.verdict().reason).toBe('missing');
  });

  it('replaced by a rename → the new one is seen', () => {
    const { heartbeatPath, clock, boot, beat } = setUp();
    beat(clock.in(-5000));
    const watch = boot();
    watch.verdict();
    writeFileSync(`${heartbeatPath}.tmp`, formatLastOk(clock.now()));
    renameSync(`${heartbeatPath}.tmp`, heartbeatPath);
    clock.advance(1);
    expect(watch.verdict().open).toBe(true);
  });

  it('cut short while it was written → closed as malformed', () => {
    const { heartbeatPath, boot } = setUp();
    writeFileSync(heartbeatPath, '2026-11-2');
    expect(boot().verdict()).toMatchObject({ open: false, reason: 'malformed' });
  });

  it('restarted again and again without a heartbeat → the grace ends when it would have', () => {
    const { clock, boot } = setUp();
    for (let restart = 0; restart < 6; restart++) {
      expect(boot().verdict()).toMatchObject({ open: true, reason: 'first_boot_grace' });
      clock.advance(100);
    }
    clock.advance(1);
    expect(boot().verdict()).toMatchObject({ open: false, reason: 'missing' });
  });

  it('a heartbeat was seen and taken away → closed though the grace would still last, also after a restart', () => {
    const { heartbeatPath, clock, boot, beat } = setUp();
    const watch = boot();
    watch.verdict();
    beat(clock.now());
    clock.advance(1);
    watch.verdict();
    rmSync(heartbeatPath);
    clock.advance(1);
    expect(watch.verdict()).toMatchObject({ open: false, reason: 'missing' });
    expect(boot().verdict()).toMatchObject({ open: false, reason: 'missing' });
  });

  it('a heartbeat from the future → refused, and the grace is spent', () => {
    const { heartbeatPath, clock, boot, beat } = setUp();
    beat(new Date('2099-01-01T00:00:00Z'));
    const watch = boot();
    expect(watch.verdict()).toMatchObject({ open: false, reason: 'future_timestamp' });
    rmSync(heartbeatPath);
    clock.advance(1);
    expect(watch.verdict()).toMatchObject({ open: false, reason: 'missing' });
  });

  it('asked often → one line in the log per flip', () => {
    const { clock, lines, boot, beat } = setUp();
    beat(clock.now());
    const watch = boot();
    for (let second = 0; second < 3700; second += 10) {
      watch.verdict();
      clock.advance(10);
    }
    beat(clock.now());
    clock.advance(1);
    watch.verdict();
    expect(lines.map((line) => [line.level, line.msg])).toEqual([
      [30, 'verdict: open (fresh)'],
      [40, 'verdict: closed (stale)'],
      [30, 'verdict: open (fresh)'],
    ]);
  });
});
