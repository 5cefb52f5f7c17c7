import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeConfig } from '../../../agent/config/describe.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { problemsOf } from '../../helpers/configuration.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

function file(tenants: string, type = 'postgres') {
  const path = join(temporaryFolder(), 'holdfast.yml');
  writeFileSync(
    path,
    `repository: {location: /r}
sources:
  - {type: ${type}, host: db, database: clinic, user: u, password: p, tenants: ${tenants}}
`,
  );
  return { HOLDFAST_CONFIG: path };
}
const problemsIn = (tenants: string, type?: string) =>
  problemsOf(file(tenants, type)).map((line) => line.replace(/^.*?: /, ''));

describe('tenants of a source', () => {
  test('pattern, groups and hook → as they were written, with the defaults of the rest', () => {
    const [source] = loadConfig(
      file(
        `{schemas: 'tenant_*', priority: [vip-*], global: {schedule: 0 2 * * *}, after_restore: "update t set s = 1 where id = $1", groups: [
          {name: high, match: [enterprise-*], schedule: 0 */6 * * *, keep: {daily: 30}}, {name: others, match: ['*']}]}`,
      ),
    ).sources;
    expect(source).toMatchObject({
      tenants: {
        found: { kind: 'schemas', pattern: 'tenant_*' },
        jobs: 2,
        priority: ['vip-*'],
        globalSchedule: '0 2 * * *',
        groups: [
          { name: 'high', match: ['enterprise-*'], schedule: '0 */6 * * *', keep: { daily: 30, weekly: 4 } },
          { name: 'others', match: ['*'], schedule: null, keep: null },
        ],
        afterRestore: 'update t set s = 1 where id = $1',
      },
    });
  });

  test.each([
    ['nothing', '', '', { daily: 7, weekly: 4, monthly: 12, yearly: 5 }, { daily: 7, monthly: 6, yearly: 0 }],
    ['what of the source', '', ', keep: {daily: 3}', { daily: 3, monthly: 6, yearly: 0 }, null],
    [
      'what of everything',
      'keep: {daily: 3}\n',
      '',
      { daily: 3, monthly: 12, yearly: 5 },
      { daily: 3, monthly: 6, yearly: 0 },
    ],
  ])(
    '%s is said to be kept → what is said, and of what is not whole backups for long beside tenants',
    (_, all, own, keep, ofTenants) => {
      const path = join(temporaryFolder(), 'holdfast.yml');
      const address = 'host: db, database: clinic, user: u, password: p';
      writeFileSync(
        path,
        `repository: {location: /r}\n${all}sources: [{type: postgres, ${address}, tenants: {schemas: 'tenant_*'}${own}}]\n`,
      );
      const matching = (one: object | null) =>
        one === null ? null : (expect.objectContaining(one) as object);
      expect(loadConfig({ HOLDFAST_CONFIG: path }).sources).toEqual([
        expect.objectContaining({
          keep: matching(keep),
          tenants: expect.objectContaining({ keep: matching(ofTenants) }) as object,
        }),
      ]);
    },
  );

  test('none → null; what is shown of the configuration can be loaded again', () => {
    expect(loadConfig({ RESTIC_REPOSITORY: '/r', DATABASE_URL: 'postgresql://u:p@h/d' }).sources).toEqual([
      expect.objectContaining({ tenants: null }),
    ]);
    const config = loadConfig(
      file(
        `{query: 'select id, schema_name from t', global: {schedule: 0 2 * * *}, groups: [{name: a, match: [x]}]}`,
      ),
    );
    const [shown] = describeConfig(config)['sources'] as { tenants: unknown }[];
    const again = loadConfig(file(JSON.stringify(shown?.tenants))).sources;
    expect(again.map((source) => 'tenants' in source && source.tenants)).toEqual(
      config.sources.map((source) => 'tenants' in source && source.tenants),
    );
  });

  test('TENANT_SCHEMAS and TENANT_QUERY → the same of the one source of the environment', () => {
    const base = { RESTIC_REPOSITORY: '/r', DATABASE_URL: 'postgresql://u:p@h/d' };
    const tenantsOf = (more: Record<string, string>) => loadConfig({ ...base, ...more }).sources[0];
    expect(tenantsOf({ TENANT_SCHEMAS: 'tenant_*' })).toMatchObject({
      tenants: { found: { kind: 'schemas', pattern: 'tenant_*' }, jobs: 2 },
    });
    expect(tenantsOf({ TENANT_QUERY: 'select 1' })).toMatchObject({
      tenants: { found: { kind: 'query', sql: 'select 1' } },
    });
    expect(problemsOf({ ...base, TENANT_SCHEMAS: 'tenant_42' })).toEqual([
      'TENANT_SCHEMAS is "tenant_42"; it must be a pattern with * or ?, such as tenant_*',
    ]);
    expect(problemsOf({ ...base, TENANT_SCHEMAS: 't*', TENANT_QUERY: 'select 1' })).toEqual([
      'TENANT_QUERY is set, and so is a pattern (schemas, TENANT_SCHEMAS): remove one of the two',
    ]);
    expect(problemsOf({ ...base, DATABASE_URL: 'mysql://u:p@h/d', TENANT_SCHEMAS: 't*' })).toEqual([
      'TENANT_SCHEMAS is for PostgreSQL alone',
    ]);
  });

  test.each([
    [
      '{}',
      /tenants\.schemas is missing; it must be a pattern such as tenant_\*, unless query finds the tenants/,
    ],
    ["{schemas: 'a*', query: select 1}", /tenants\.query is set, and so is a pattern/],
    ['{schemas: tenant_42}', /tenants\.schemas is "tenant_42"; it must be a pattern with \* or \?/],
    ["{schemas: 'a*', jobs: 0}", /tenants\.jobs is 0; it must be a whole number from 1 to 64/],
    [
      "{schemas: 'a*', groups: [{name: x, match: []}]}",
      /groups\[0\]\.match .* it must be a list of at least one pattern/,
    ],
    ["{schemas: 'a*', groups: [{match: [x]}]}", /groups\[0\]\.name is missing/],
    [
      "{schemas: 'a*', groups: [{name: x, match: [x], schedule: hourly}]}",
      /groups\[0\]\.schedule .* a cron expression/,
    ],
    [
      "{schemas: 'a*', groups: [{name: x, match: [x], keep: {dayly: 1}}]}",
      /keep\.dayly is no setting; did you mean daily\?/,
    ],
    [
      "{schemas: 'a*', groups: [{name: x, match: [x]}, {name: x, match: [y]}]}",
      /groups\[1\]\.name is "x"; it must be a name that no other group has, and groups\[0\] has it/,
    ],
    ["{schema: 'a*'}", /tenants\.schema is no setting; did you mean schemas\?/],
    ["{schemas: 'a*', after_restore: ''}", /after_restore is ""; it must be a statement of SQL/],
  ])('%s → told with the place and what would be right', (tenants, message) => {
    expect(problemsIn(tenants).join('\n')).toMatch(message);
  });

  test('of MySQL → no setting', () => {
    expect(problemsIn("{schemas: 'a*'}", 'mysql').join()).toMatch(
      /sources\[0\]\.tenants is for PostgreSQL alone/,
    );
  });
});

describe('verification of tenants by turns', () => {
  const verifyOf = (verify: string) => {
    const [source] = loadConfig(file(`{schemas: 'tenant_*'${verify}}`)).sources;
    return source?.type === 'postgres' ? source.tenants?.verify : undefined;
  };

  test.each([
    ['nothing', '', null],
    [
      'the group alone',
      ', verify: {}',
      { everySeconds: 30 * 86_400, budgetSeconds: 1800, schedule: '0 4 * * *' },
    ],
    [
      'all of it',
      ", verify: {every: 2w, budget: 45m, schedule: '30 1 * * 6'}",
      { everySeconds: 14 * 86_400, budgetSeconds: 2700, schedule: '30 1 * * 6' },
    ],
    [
      'that none is ever overdue',
      ', verify: {every: 0, budget: 90}',
      { everySeconds: null, budgetSeconds: 90, schedule: '0 4 * * *' },
    ],
  ])('%s is said → what is said, and the defaults of the rest', (_, verify, expected) => {
    expect(verifyOf(verify)).toEqual(expected);
  });

  test('what is shown of it can be loaded again', () => {
    for (const verify of [', verify: {every: 0, budget: 45m}', ', verify: {}', '']) {
      const config = loadConfig(file(`{schemas: 'tenant_*'${verify}}`));
      const [shown] = describeConfig(config)['sources'] as { tenants: unknown }[];
      const [again] = loadConfig(file(JSON.stringify(shown?.tenants))).sources;
      expect(again).toMatchObject({ tenants: { verify: verifyOf(verify) } });
    }
  });

  test.each([
    ['{every: soon}', /tenants\.verify\.every is "soon"; it must be/],
    ['{budget: 0}', /tenants\.verify\.budget is 0; it must be/],
    ['{schedule: nightly}', /tenants\.verify\.schedule is "nightly"; it must be a cron expression/],
    ['{evry: 30d}', /tenants\.verify\.evry is no setting; did you mean every\?/],
  ])('%s → told with the place and what would be right', (verify, message) => {
    expect(problemsIn(`{schemas: 'a*', verify: ${verify}}`).join('\n')).toMatch(message);
  });
});

test('nothing would be kept of a source, of its tenants or of a group → each is told by its place', () => {
  const none = '{daily: 0, weekly: 0, monthly: 0, within: 0}';
  expect(
    problemsIn(
      `{schemas: 'tenant_*', keep: ${none}, groups: [{name: a, match: [x], keep: ${none}}]}, keep: ${none}`,
    ),
  ).toEqual(
    ['sources[0].tenants.keep', 'sources[0].tenants.groups[0].keep', 'sources[0].keep'].map(
      (place) => expect.stringContaining(`${place} keeps nothing`) as string,
    ),
  );
});
