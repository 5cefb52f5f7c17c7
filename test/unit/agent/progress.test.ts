import { beforeEach, expect, test, vi } from 'vitest';
import { createProgressLine } from '../../../agent/cli/progress.ts';
import { ALL_SENT, tableWords } from '../../../agent/jobs/table-words.ts';

/** A terminal and a clock; what is written over stays visible as the last thing written. */
function terminal(columns = 200, isTTY = true) {
  const state = { now: 0, written: [] as string[] };
  const line = createProgressLine(
    { isTTY, columns, write: (text) => state.written.push(text) },
    () => state.now,
  );
  const shown = () => state.written.at(-1)?.replace('\r\x1b[K', '');
  return { state, line, shown };
}

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

const loading = { step: 'loading 1f3a into shop', dumpBytes: 50e6, storedBytes: 0 };

test('half of the bytes after ten seconds → bytes, rate, share, what is left, the table, the time', () => {
  const { state, line, shown } = terminal();
  line.show({ ...loading, dumpBytes: 0 });
  state.now = 10_000;
  line.show({
    ...loading,
    totalBytes: 100e6,
    detail: tableWords({ name: 'orders', number: 12, of: null }, 40),
  });
  expect(shown()).toBe(
    'loading 1f3a into shop… 50.0 MB, 5.00 MB/s, 50 %, about 10 s left, table 12 of 40: orders, 10 s',
  );
});

test('the last time took longer than the rate of the bytes says → that is what is left: indexes follow the bytes', () => {
  const { state, line, shown } = terminal();
  line.show({ ...loading, dumpBytes: 0 });
  state.now = 10_000;
  line.show({ ...loading, totalBytes: 100e6, expectedMs: 60_000 });
  expect(shown()).toMatch(/ 50 %, about 50 s left, 10 s$/);
  state.now = 20_000;
  line.show({ ...loading, dumpBytes: 100e6, totalBytes: 100e6, expectedMs: 60_000, detail: ALL_SENT });
  expect(shown()).toMatch(/ 100 %, about 40 s left, all sent, the server finishes, 20 s$/);
});

test('nothing is heard for minutes → the time goes on, and nothing is said to be left once the estimate is over', () => {
  const { state, line, shown } = terminal();
  line.show({ step: 'comparing shop with the proof', dumpBytes: 0, storedBytes: 0, expectedMs: 90_000 });
  expect(shown()).toBe('comparing shop with the proof… about 90 s left, 0 s');
  state.now = 100_000;
  vi.advanceTimersByTime(1000);
  expect(shown()).toBe('comparing shop with the proof… 100 s');
});

test('it is told of every chunk → drawn five times a second', () => {
  const { state, line } = terminal();
  for (state.now = 0; state.now < 1000; state.now += 1) line.show(loading);
  expect(state.written).toHaveLength(5);
});

test('the line is taken away → nothing comes back', () => {
  const { state, line, shown } = terminal();
  line.show(loading);
  line.clear();
  vi.advanceTimersByTime(5000);
  expect(shown()).toBe('');
  expect(state.written).toHaveLength(2);
});

test('a terminal that is narrow, and a table whose name moves the cursor → one line, and plain', () => {
  const { line, shown } = terminal(50);
  line.show({ ...loading, detail: tableWords({ name: 'x\x1b[2J\n', number: 1, of: 1 }, null) });
  expect(shown()).toHaveLength(49);
  const wide = terminal();
  wide.line.show({ ...loading, detail: tableWords({ name: 'x\x1b[2J\n', number: 1, of: 1 }, null) });
  expect(wide.shown()).toContain('table 1 of 1: x?[2J?');
});

test('no terminal → nothing is written', () => {
  const { state, line } = terminal(80, false);
  line.show(loading);
  line.clear();
  expect(state.written).toEqual([]);
});

test('how many tables there are is not known, or there seem to be more → only the number is told', () => {
  expect(tableWords({ name: 'orders', number: 2, of: null }, null)).toBe('table 2: orders');
  expect(tableWords({ name: 'orders', number: 3, of: null }, 2)).toBe('table 3: orders');
});
