import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPrint } from '../../../agent/cli/print.ts';
import { HoldfastError } from '../../../agent/core/errors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function printTo(isTTY: boolean) {
  const told = { stdout: '', stderr: '' };
  const streamOf = (name: keyof typeof told) =>
    ({ isTTY, write: (chunk: string) => (told[name] += chunk) }) as unknown as NodeJS.WriteStream;
  return { print: createPrint(streamOf('stdout'), streamOf('stderr')), told };
}

const storing = (dumpBytes: number, storedBytes: number) => ({
  step: 'storing shop',
  dumpBytes,
  storedBytes,
});

test('somebody watches → one line with bytes in and out, rate and elapsed, which goes when it is over', () => {
  const { print, told } = printTo(true);
  print.progress(storing(0, 0));
  vi.advanceTimersByTime(3200);
  print.progress(storing(32_000_000, 15_000_000));
  expect(told.stderr.split('\r\x1b[K').at(-1)).toBe('storing shop… 32.0 MB → 15.0 MB, 10.0 MB/s, 3.2 s');
  vi.advanceTimersByTime(100);
  print.progress(storing(41_000_000, 15_000_000));
  expect(told.stderr, 'not more often than the eye can follow').not.toContain('41.0 MB');
  print.note('done');
  expect(told.stderr.endsWith('\r\x1b[Kdone\n')).toBe(true);
  expect(told.stdout).toBe('');
});

test('how much there is in all is known → the share, and how long the rest takes', () => {
  const { print, told } = printTo(true);
  print.progress({ ...storing(0, 0), totalBytes: 100_000_000 });
  vi.advanceTimersByTime(4400);
  print.progress({ ...storing(44_000_000, 0), totalBytes: 100_000_000 });
  expect(told.stderr).toMatch(/44\.0 MB, 10\.0 MB\/s, 44 %, about 5\.6 s left, 4\.4 s$/);
});

test('nobody watches → not a word of progress, and the error on stderr with its hint', () => {
  const { print, told } = printTo(false);
  print.progress(storing(1, 1));
  print.progressDone();
  print.error(new HoldfastError('failed', 'it broke', { hint: 'Mend it.' }));
  expect(told).toEqual({ stdout: '', stderr: 'error: it broke\nhint: Mend it.\n' });
});
