import { describe, expect, test } from 'vitest';
import { findingsOf, stepsOf } from '../../../agent/jobs/upkeep/repair-plan.ts';
import { damageIn } from '../../../agent/repository/damage.ts';
import { brokenIn } from '../../../agent/repository/repairs.ts';
import { localFolder } from '../../../agent/repository/local.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];
const summary = (more: object = {}) =>
  JSON.stringify({ message_type: 'summary', num_errors: 1, broken_packs: null, ...more });
const said = (...messages: string[]) =>
  [
    ...messages,
    '\nThe repository is damaged and must be repaired. Please follow the troubleshooting guide at https://… .\n\n',
  ].map((message) => JSON.stringify({ message_type: 'error', message }));
const nothing = {
  indexes: [],
  missingPacks: [],
  damagedPacks: [],
  snapshots: [],
  missingData: false,
  others: [],
};

describe('what restic 0.19.1 says → what is broken', () => {
  test.each<[string, object, string[], object]>([
    ['a pack that is gone', {}, [`pack ${A}: does not exist\n`], { missingPacks: [A] }],
    [
      'a pack that is gone, and trees in it',
      {},
      [
        `pack ${A}: does not exist\n`,
        `Load(<data/${A.slice(0, 10)}>, 0, 0) failed: no such file or directory`,
        'error for tree 93eb1bcc:\n',
        `  ReadFull(<data/${A.slice(0, 10)}>): no such file or directory\n`,
      ],
      { missingPacks: [A] },
    ],
    [
      'a pack with wrong bytes',
      { broken_packs: [A] },
      [
        `pack ${A} contains 2 errors: [blob ${B}: ciphertext verification failed]\n`,
        `restic repair packs ${A}\nrestic repair snapshots --forget\n\n`,
        'Damaged pack files can be caused by backend problems\n',
      ],
      { damagedPacks: [A] },
    ],
    [
      'a pack that was cut',
      {},
      [`pack ${A}: unexpected file size: got 1, expected 2\n`],
      { damagedPacks: [A] },
    ],
    [
      'an index file',
      {},
      [`error: error loading index ${A}: LoadRaw(<index/aaaa>): invalid data returned\n`],
      { indexes: [A] },
    ],
    [
      'data in no index',
      {},
      ['error for tree 270fd019:\n', `  id ${A} not found in repository\n`],
      { missingData: true },
    ],
    [
      'a file’s data in no index',
      {},
      [`  tree ${A}: file "shop.sql" blob ${B} not found in index\n`],
      { missingData: true },
    ],
    [
      'a snapshot file',
      {},
      ['error: failed to load snapshot 3df9d419: LoadRaw(<snapshot/3df9d4192a>): invalid data returned\n'],
      { snapshots: ['3df9d419'] },
    ],
    ['something new', {}, ['the moon is wrong\n'], { others: ['the moon is wrong'] }],
  ])('%s', (_, more, messages, expected) => {
    expect(damageIn(summary(more), said(...messages))).toMatchObject({ ...nothing, ...expected });
  });

  test('no summary → restic failed, which is no finding', () => {
    expect(damageIn('', said('repository is already locked'))).toBeNull();
  });
});

test('several kinds of damage at once → damaged packs before the index, the index before the snapshots', () => {
  const damage = {
    ...nothing,
    errors: 5,
    first: '',
    damagedPacks: [A],
    missingPacks: [B],
    indexes: [C],
    snapshots: ['3df9d419'],
  };
  expect(findingsOf(damage)).toEqual([
    '1 pack with wrong bytes: aaaaaaaa',
    '1 pack gone: bbbbbbbb',
    '1 index file that cannot be read: cccccccc',
    '1 snapshot file that cannot be read: 3df9d419',
  ]);
  const steps = stepsOf(damage, '/copies');
  expect(steps.map(({ kind }) => kind)).toEqual(['packs', 'index', 'unreadable', 'broken']);
  expect(JSON.stringify(steps)).not.toMatch(/prune/);
});

test('restic’s report on snapshots → those that it would change', () => {
  const head = (id: string) =>
    `\nsnapshot ${id} of [/mysql/shop.sql] at 2026-11-02 03:00:00 +0000 UTC by root@h\n`;
  const report = [
    head('3df9d419'),
    '  file "/mysql/shop.sql": removed missing content\nwould save new snapshot\n',
    head('9b7f1d95'),
    head('9d4681a9'),
    '  dir "/": not readable\nwould delete empty snapshot\n',
    '\nwould modify 2 snapshots\n',
  ].join('');
  expect(brokenIn(report)).toEqual(['3df9d419', '9d4681a9']);
});

test.each([
  ['/repository', '/repository'],
  ['local:/repository', '/repository'],
  ['s3:https://host/bucket', null],
  ['sftp:user@host:/path', null],
  ['rest:http://host/', null],
])('a repository at %s → its folder is %s', (location, folder) => {
  expect(localFolder(location)).toBe(folder);
});
