import { expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { sessionFailure } from '../../../agent/sources/postgres/proof/session-failure.ts';

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

test.each([
  ['the system', coded('ECONNRESET', 'read ECONNRESET')],
  ['the system, while something is written', coded('EPIPE', 'write EPIPE')],
  ['the driver', new Error('Connection terminated unexpectedly')],
  [
    'the driver, of the next statement',
    new Error('Client has encountered a connection error and is not queryable'),
  ],
])('a connection that is cut, as %s tells it → one and the same sentence', (_, error) => {
  expect(sessionFailure(error)).toBe('the session of the proof failed: its connection was terminated');
});

test('the server says why it cuts it → its words', () => {
  const error = coded('57P01', 'terminating connection due to administrator command');
  expect(sessionFailure(error)).toContain('due to administrator command');
});

test('no way in → what was in the way', () => {
  const error = new HoldfastError(
    'source_unreachable',
    'cannot reach the database of source shop at db:5432',
  );
  expect(sessionFailure(error)).toContain('cannot reach the database of source shop');
});

test('an error without words → that there were none', () => {
  expect(sessionFailure(new Error(''))).toBe('the session of the proof failed: it ended without a word');
});
