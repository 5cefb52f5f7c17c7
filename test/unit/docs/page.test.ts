import { expect, test } from 'vitest';
import { statusAnswer } from '../../../sentinel/page/status-answer.ts';
import { readDocument } from '../../helpers/docs.ts';
import { documentedFields, fieldDifferences } from '../../helpers/json-fields.ts';
import { factsOf, pageStates, runOf, sourceOf, statusOf } from '../../helpers/page-states.ts';

const page = readDocument('docs/page.md');
const told = documentedFields(page, '`GET /status.json`');
const run = documentedFields(page, 'A run');

/** As it arrives at the other end. */
const overTheWire = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

test('the fields of /status.json in docs/page.md → are those that the sentinel gives, with their types', () => {
  const running = runOf({ result: 'running', finishedAt: null, bytes: null, hint: 'x' });
  const bare = sourceOf('bare', { rhythm: null, verification: null, nextRun: null, lastRun: null });
  const rich = sourceOf('shop', {
    lastRun: runOf({ source: null, notes: ['a'] }),
    tenants: {
      total: 2,
      everySeconds: 60,
      oldest: { tenant: '1', lastProved: '2026-11-01T03:00:04Z' },
      overdueAt: '2026-11-01T03:00:04Z',
      overdue: { total: 1, tenants: ['1'] },
      failed: { total: 1, tenants: [{ tenant: '2', why: 'rows are missing' }] },
      lastRun: runOf({ job: 'tenant-verify' }),
      next: '2026-11-01T03:00:04Z',
    },
  });
  const states = [
    ...Object.values(pageStates),
    factsOf({ status: statusOf({ sources: [bare, rich], runs: [running], repository: null }) }),
  ];
  const given = states.map((facts) => overTheWire(statusAnswer(facts)));
  const differences = given.flatMap((answer) => fieldDifferences(answer, told, run));
  expect(differences.filter((difference) => !difference.startsWith('never: '))).toEqual([]);
  const never = [...told.keys()].filter((field) =>
    given.every((answer) => fieldDifferences(answer, told, run).includes(`never: ${field}`)),
  );
  expect(never).toEqual([]);
});

test('the states of a source and the tones → are all explained', () => {
  for (const word of [
    'stale',
    'failing',
    'unverified',
    'overdue',
    'waiting',
    'warned',
    'good',
    'wait',
    'warn',
    'bad',
  ]) {
    expect(page).toContain(`\`${word}\``);
  }
});
