import { describe, expect, test } from 'vitest';
import type { PostgresSourceConfig } from '../../../agent/config/config.ts';
import { matchesPattern, wildcardPart, withWildcardPart } from '../../../agent/core/pattern.ts';
import { isTenantPath } from '../../../agent/core/tenant-path.ts';
import { proofOfSchema } from '../../../agent/proof/of-schema.ts';
import type { PostgresSession } from '../../../agent/sources/postgres/session.ts';
import { findTenants, lookUpTenant } from '../../../agent/sources/postgres/tenants/find.ts';
import { names, schemasIn } from '../../../agent/sources/postgres/tenants/rename.ts';
import { objectProof, proofOf, tableProof } from '../../helpers/proofs.ts';
import { postgresConfig, tenantsByPattern } from '../../helpers/sources.ts';

const config: PostgresSourceConfig = postgresConfig({ database: 'clinic', name: 'clinic' });

/** A server that has these schemas. */
function sessionWith(...schemas: string[]): PostgresSession {
  const rows = schemas.map((name) => ({ name, bytes: '8192' }));
  return { query: () => Promise.resolve(rows) } as unknown as PostgresSession;
}

describe('a pattern', () => {
  test.each([
    ['tenant_*', 'tenant_42', '42'],
    ['tenant_*', 'tenantX42', null],
    ['tenant_*', 'tenant_', null],
    ['tenant_*', 'my_tenant_42', null],
    ['*_data', 'a.b_data', 'a.b'],
    ['t?_*_x', 't1_42_x', '1_42'],
    ['a[b]*', 'a[b]c', 'c'],
    ['tenant_*', 'tenant_\n', '\n'],
    ['Tenant-*', 'tenant-1', null],
  ])('%s of %j → the id %j, and back', (pattern, schema, id) => {
    expect(wildcardPart(pattern, schema)).toBe(id);
    if (id !== null) expect(withWildcardPart(pattern, id)).toBe(schema);
  });

  test('an id that it does not fit → no schema', () => {
    expect(withWildcardPart('t?_x', '42')).toBeNull();
    expect(withWildcardPart('tenant_*', '')).toBeNull();
    expect(matchesPattern('*', '')).toBe(true);
  });
});

describe('tenants by pattern', () => {
  test('schemas → by priority, then as numbers; the first group that fits; none that a restore left', async () => {
    const tenants = tenantsByPattern({
      priority: ['vip-*', '7'],
      groups: [
        { name: 'high', match: ['vip-*', 'tenant_9'], schedule: null, keep: null },
        { name: 'others', match: ['*'], schedule: null, keep: null },
      ],
    });
    const session = sessionWith(
      'tenant_10',
      'tenant_9',
      'tenant_7',
      'tenant_vip-a',
      'other',
      'tenant_9_old_20261101_150000',
    );
    const { tenants: found, findings } = await findTenants(session, config, tenants);
    expect(found.map(({ id, group }) => [id, group])).toEqual([
      ['vip-a', 'high'],
      ['7', 'others'],
      ['9', 'high'],
      ['10', 'others'],
    ]);
    expect(findings).toEqual([]);
  });

  test('none → a finding', async () => {
    expect(await findTenants(sessionWith('other'), config, tenantsByPattern({}))).toEqual({
      tenants: [],
      findings: ['no schema of clinic is like tenant_*: there are no tenants'],
    });
  });

  test('one that is not there → is what its id says; one that cannot be → usage', async () => {
    const look = (id: string) => lookUpTenant(sessionWith('tenant_1'), config, tenantsByPattern({}), id);
    expect(await look('4"2')).toMatchObject({ id: '4"2', schema: 'tenant_4"2', bytes: null });
    await expect(look('')).rejects.toMatchObject({
      kind: 'usage',
      hint: expect.stringContaining('lists them: 1.') as unknown,
    });
    await expect(look('x'.repeat(60))).rejects.toMatchObject({ kind: 'usage' });
    await expect(look('a\u0000b')).rejects.toMatchObject({ kind: 'usage' });
    await expect(look('1_old_20261101_150000')).rejects.toMatchObject({ kind: 'usage' });
  });
});

test('a search_path as the catalogue has it → its schemas', () => {
  expect(schemasIn('tenant_42, public')).toEqual(['tenant_42', 'public']);
  expect(schemasIn('"Ten ant", "$user", "a""b",public')).toEqual(['Ten ant', '$user', 'a"b', 'public']);
});

test('a text → speaks of a schema only where its name is a word of its own', () => {
  for (const text of ['SELECT * FROM tenant_4.t', '"tenant_4".t', "'tenant_4'", 'TENANT_4.t', '(tenant_4)'])
    expect(names(text, 'tenant_4')).toBe(true);
  for (const text of ['tenant_42.t', 'my_tenant_4.t', 'tenant_4$.t', 'tenant'])
    expect(names(text, 'tenant_4')).toBe(false);
});

test('the proof of a database → that of one schema', () => {
  const kinds = { schema: 'a', comment: 'a.x', column: 'a.b.c', extension: 'a.', cast: 'a.x AS a.y' };
  const proof = proofOf({
    tables: ['a.b', 'ab.c', '"a.b".c', 'public.a.b'].map((name) => tableProof(name)),
    counters: ['a.s', 'b.s'].map((name) => ({ name, value: '1' })),
    objects: [
      objectProof('schema', '"a.b"'),
      ...Object.entries(kinds).map(([kind, name]) => objectProof(kind, name)),
    ],
  });
  const { tables, counters, objects } = proofOfSchema(proof, 'a');
  expect(tables.map(({ name }) => name)).toEqual(['a.b']);
  expect(counters.map(({ name }) => name)).toEqual(['a.s']);
  expect(objects.map(({ name }) => name)).toEqual(['a', 'a.b.c']);
  expect(proofOfSchema(proof, 'a.b').tables.map(({ name }) => name)).toEqual(['"a.b".c']);
});

test('a path → is one of a tenant alone, or of the whole database', () => {
  for (const path of [
    '/postgres/clinic/tenant_42.dump.gz',
    '/restore-points/20261101T150000Z/postgres/clinic/t.dump',
  ])
    expect(isTenantPath(path)).toBe(true);
  for (const path of [
    '/postgres/clinic.dump.gz',
    '/restore-points/20261101T150000Z/postgres/clinic.dump',
    '/mysql/shop.sql',
  ])
    expect(isTenantPath(path)).toBe(false);
});
