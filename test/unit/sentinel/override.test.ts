import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatOverride, type Override, overrideName, readOverride } from '../../../sentinel/override.ts';
import { TestClock } from '../../helpers/clock.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const clock = new TestClock('2026-11-20T12:00:00Z');
const hours = 3600;

const order = (from: number, to: number): Override => ({
  version: 1,
  gate: 'open',
  setAt: clock.in(from),
  until: clock.in(to),
  reason: 'moving to the new server',
});

function read(text: string) {
  const path = join(temporaryFolder(), overrideName);
  writeFileSync(path, text);
  return readOverride(path, clock.now());
}

describe('readOverride', () => {
  it('set an hour ago, an hour left → in force, with its end and reason', () => {
    const given = order(-hours, hours);
    expect(read(formatOverride(given))).toEqual({ override: given, problem: null });
  });

  it.each([
    ['its last second', -hours, 1, true],
    ['its end', -hours, 0, false],
    ['long over', -5 * hours, -4 * hours, false],
    ['exactly a day', 0, 24 * hours, true],
  ])('%s → in force: %s', (_, from, to, inForce) => {
    expect(read(formatOverride(order(from, to)))).toMatchObject(
      inForce ? { override: {} } : { override: null, problem: null },
    );
  });

  it.each([
    ['longer than a day', formatOverride(order(0, 24 * hours + 1)), 'longer than a day'],
    ['set in the future, as by a clock that was set back', formatOverride(order(61, 600)), 'in the future'],
    [
      'without an end',
      formatOverride({ ...order(0, 60), until: undefined } as unknown as Override),
      'not understood',
    ],
    [
      'with an end that is no UTC time',
      formatOverride(order(0, 60)).replace(/Z"/g, '+02:00"'),
      'not understood',
    ],
    ['without a reason', formatOverride({ ...order(0, 60), reason: ' ' }), 'not understood'],
    ['that holds it ajar', formatOverride(order(0, 60)).replace('"open"', '"ajar"'), 'not understood'],
    ['of another version', formatOverride(order(0, 60)).replace('1', '2'), 'not understood'],
    ['cut short', formatOverride(order(0, 60)).slice(0, 40), 'not understood'],
    ['null', 'null', 'not understood'],
    ['empty', '', 'not understood'],
    ['too long', ' '.repeat(5000), 'longer than'],
  ])('%s → opens nothing, and the problem is told', (_, text, problem) => {
    expect(read(text)).toEqual({ override: null, problem: expect.stringContaining(problem) as string });
  });

  it('no file → none, and no problem', () => {
    expect(readOverride(join(temporaryFolder(), overrideName), clock.now())).toEqual({
      override: null,
      problem: null,
    });
  });

  it('a folder, or a symlink to a good one → opens nothing', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a'));
    writeFileSync(join(folder, 'good'), formatOverride(order(0, 60)));
    symlinkSync('good', join(folder, 'b'));
    for (const name of ['a', 'b']) expect(readOverride(join(folder, name), clock.now()).override).toBe(null);
  });
});
