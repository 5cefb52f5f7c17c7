import { describe, expect, test } from 'vitest';
import type { App } from '../../../agent/app.ts';
import { createProgram } from '../../../agent/cli/program.ts';
import { configReference } from '../../../agent/config/reference.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import type { Ledger, Run } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import type { Snapshot } from '../../../agent/repository/repository.ts';
import { join } from 'node:path';
import { SHOP } from '../../helpers/configuration.ts';
import { readDocument, sectionOf, tableOf } from '../../helpers/docs.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const cli = readDocument('docs/cli.md');
const JSON_PART = sectionOf(cli, '## The JSON of the reading commands');

/** Field to type, as the document has them below a heading. */
function documented(heading: string): Map<string, string> {
  const rows = tableOf(sectionOf(JSON_PART, `### ${heading}`));
  return new Map(rows.map((row) => [row.field ?? '', row.type ?? '']));
}

const RUN = documented('A run');

/** Every field of a value with its type, in the document's words. */
function fieldsOf(value: unknown, path = ''): [string, string][] {
  if (Array.isArray(value)) {
    if (value.every((entry) => typeof entry === 'string')) return [[path, 'list of string']];
    return value.flatMap((entry) => fieldsOf(entry, `${path}[]`));
  }
  if (value === null) return [[path, 'null']];
  if (typeof value !== 'object') return [[path, isTime(value) ? 'time' : typeof value]];
  if (isRun(value)) return [[path, 'run'], ...runFields(value)];
  const inside = Object.entries(value).flatMap(([key, entry]) =>
    fieldsOf(entry, path === '' ? key : `${path}.${key}`),
  );
  return path === '' || path.endsWith('[]') ? inside : [[path, 'object'], ...inside];
}

const isRun = (value: object) => 'trigger' in value && 'facts' in value;
const runFields = (run: object): [string, string][] =>
  Object.entries(run)
    .flatMap(([key, value]) => fieldsOf(value, key))
    .map(([field, type]) => [`run ${field}`, type]);
const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);

/** What the code gave that the document does not say, and what the document says that the code never gave. */
function differences(given: unknown, told: Map<string, string>): string[] {
  const seen = fieldsOf(given);
  const all = new Map([...told, ...[...RUN].map(([field, type]) => [`run ${field}`, type] as const)]);
  const untold = seen.filter(([field, type]) => !fits(all.get(field), type, all, field));
  const never = [...told.keys()].filter(
    (field) => !seen.some(([other]) => other === field || other.startsWith(`${field}.`)),
  );
  return [
    ...new Set([
      ...untold.map(([field, type]) => `${field}: ${type}`),
      ...never.map((field) => `never: ${field}`),
    ]),
  ];
}

function fits(told: string | undefined, type: string, all: Map<string, string>, field: string): boolean {
  // A group whose fields are told one by one needs no row of its own.
  if (told === undefined)
    return type === 'object' && [...all.keys()].some((other) => other.startsWith(`${field}.`));
  return told.split(' or ').includes(type) || (type === 'time' && told.includes('string'));
}

const sources = ['shop', 'blog'].map((name) => ({ name, gates: true }));

/** A ledger that has seen a good and a bad day. */
function ledgerWithRuns(): Ledger {
  const clock = { now: () => new Date('2026-11-01T03:00:04Z') };
  const ledger = openLedger(join(temporaryFolder(), 'ledger.db'), clock);
  const good = ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  ledger.finish(good, {
    result: 'succeeded',
    reason: 'stored 1 MB',
    warnings: ['incomplete, as allowed'],
    facts: {
      engine: 'mariadb',
      serverVersion: '11.8',
      snapshotId: 'a1',
      snapshotIds: ['a1'],
      dumpBytes: 3,
      storedBytes: 2,
      addedBytes: 1,
      tables: 4,
      rows: 5,
      snapshotsKept: 6,
      snapshotsRemoved: 7,
    },
  });
  const bad = ledger.begin({ job: 'check', source: null, trigger: 'command' });
  ledger.finish(bad, { result: 'failed', reason: 'the check found errors', hint: 'See …' });
  ledger.begin({ job: 'backup', source: 'blog', trigger: 'catch-up' });
  return ledger;
}

const snapshots: Snapshot[] = [
  {
    id: 'a1',
    shortId: 'a',
    time: '2026-11-01T03:00:04.123Z',
    host: 'holdfast',
    path: '/mysql/shop.sql.gz',
    tags: { source: 'shop', engine: 'mysql', kind: 'dump' },
    bytes: 1,
  },
  { id: 'b2', shortId: 'b', time: '2026-11-01T03:00:04.123Z', host: 'x', path: '/', tags: null, bytes: null },
];

/** What a command prints with `--json`. */
async function answerOf(args: string[], app: Partial<App> = {}): Promise<unknown> {
  const answers: unknown[] = [];
  const silent = () => undefined;
  const context = {
    print: {
      line: silent,
      json: (value: unknown) => void answers.push(value),
      table: silent,
      progress: silent,
      progressDone: silent,
      note: silent,
      error: silent,
    },
    signal: new AbortController().signal,
    app: () => app as App,
    config: () => loadConfig(SHOP),
    exitCode: 0,
  };
  await createProgram(context).parseAsync([...args, '--json'], { from: 'user' });
  // As it arrives at the other end.
  return JSON.parse(JSON.stringify(answers[0])) as unknown;
}

describe('the fields of --json in docs/cli.md → are those that the code gives, with their types', () => {
  test('snapshots', async () => {
    const repository = { list: () => Promise.resolve(snapshots) } as unknown as App['repository'];
    const given = await answerOf(['snapshots'], { repository });
    expect(differences(given, documented('`holdfast snapshots --json`'))).toEqual([]);
  });

  test('history', async () => {
    const given = (await answerOf(['history'], { ledger: ledgerWithRuns() })) as Run[];
    expect(given).toHaveLength(3);
    const told = new Map([...RUN].map(([field, type]) => [`run ${field}`, type]));
    const plain = given.map((run) => [['[]', 'run'], ...runFields(run)]).flat();
    expect(
      plain.filter(([field = '', type = '']) => field !== '[]' && !fits(told.get(field), type, told, field)),
    ).toEqual([]);
    expect([...told.keys()].filter((field) => !plain.some(([other]) => other === field))).toEqual([]);
  });

  test('status', async () => {
    const app = {
      ledger: ledgerWithRuns(),
      clock: { now: () => new Date('2026-11-01T09:00:00Z') },
      config: { sources, staleAfterSeconds: 60 },
    } as unknown as App;
    const given = await answerOf(['status'], app);
    expect(differences(given, documented('`holdfast status --json`'))).toEqual([]);
  });

  test('stats', async () => {
    const stats = { storedBytes: 1, restoreBytes: 2, snapshots: 3 };
    const repository = { stats: () => Promise.resolve(stats) } as unknown as App['repository'];
    const given = await answerOf(['stats'], { repository });
    expect(differences(given, documented('`holdfast stats --json`'))).toEqual([]);
  });

  test('doctor', async () => {
    // Nothing can be there below a file: each thing that is looked at is a finding with a hint, or one without.
    const nowhere = join(import.meta.filename, 'nowhere');
    const app = {
      clock: { now: () => new Date('2026-11-01T09:00:00Z') },
      config: {
        timeZone: 'UTC',
        stateDir: nowhere,
        statusDir: nowhere,
        spoolBytes: 1,
        sources: [],
      },
      sources: [],
    } as unknown as App;
    const given = await answerOf(['doctor'], app);
    expect(differences(given, documented('`holdfast doctor --json`'))).toEqual([]);
  });

  test('config', async () => {
    const told = documented('`holdfast config --json`');
    const mysql = (await answerOf(['config'])) as { sources: object[]; repository: object };
    const both = { ...mysql, sources: [...mysql.sources, { sslmode: 'prefer' }] };
    both.repository = { ...mysql.repository, environment: {} };
    expect(differences(both, told)).toEqual([]);
    const keys = configReference().map((row) => row.key);
    expect(keys.filter((key) => !told.has(key) && key !== 'sources[].url')).toEqual([]);
  });
});
