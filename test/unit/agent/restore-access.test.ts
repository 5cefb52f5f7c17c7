import { expect, test } from 'vitest';
import type { App } from '../../../agent/app.ts';
import type { Context } from '../../../agent/cli/context.ts';
import { runCommandLine } from '../../../agent/cli/program.ts';
import type { TenantRole } from '../../../agent/core/tenant-access.ts';

const SUPPORT: TenantRole = { name: 'support', sources: ['*'], tenants: ['4*'] };

/** What a person may add to `holdfast restore clinic`. */
const OPTIONS: string[][] = [
  ['--tenant', '42'],
  ['--tables', 'notes'],
  ['--to', 'mine'],
  ['--to-tenant', '43'],
  ['--output', 'folder'],
  ['--drop-old'],
  ['--by-tenant'],
  ['--json'],
  ['--in-place'],
  ['--unverified'],
  ['--no-roles'],
  ['--dry-run'],
];

/** Runs one restore as somebody; which of the app's verbs it came to, and with what. */
async function restore(args: string[], role: TenantRole | null) {
  const done: [verb: string, choice: Record<string, unknown>][] = [];
  const verb = (name: string) => async (choice: Record<string, unknown>) => {
    done.push([name, choice]);
    return [];
  };
  const source = { name: 'clinic', database: 'clinic', nameLimit: { most: 63, unit: 'bytes' } };
  const app = {
    role,
    sources: [source],
    pick: () => [source],
    tenantsOf: () => ({
      lookUp: async (id: string) => ({ id, schema: `tenant_${id}`, bytes: null }),
      part: () => ({ path: '/postgres/clinic/tenant_42.dump' }),
    }),
    restore: verb('restore'),
    restoreTenant: verb('restoreTenant'),
    export: verb('export'),
    dropReplaced: async () => {
      done.push(['dropReplaced', {}]);
      return [];
    },
  } as unknown as App;
  const silent = () => undefined;
  const said: string[] = [];
  const context = {
    print: {
      line: silent,
      note: silent,
      json: silent,
      table: silent,
      error: (error: Error) => void said.push(error.message),
    },
    signal: new AbortController().signal,
    app: async () => app,
    exitCode: 0,
  } as unknown as Context;
  const code = await runCommandLine(['node', 'holdfast', 'restore', 'clinic', '--yes', ...args], context);
  return { code, done, said: said.join('\n') };
}

test('a limited role, whatever it adds → its tenant over itself or as another, its tables where they are, and nothing else', async () => {
  let reached = 0;
  for (let chosen = 0; chosen < 2 ** OPTIONS.length; chosen += 1) {
    const args = OPTIONS.filter((_, place) => (chosen & (1 << place)) !== 0).flat();
    const { code, done, said } = await restore(args, SUPPORT);
    const words = args.join(' ');
    if (done.length === 0) {
      expect([words, code, said], words).toEqual([words, 2, expect.stringMatching(/./)]);
      continue;
    }
    reached += 1;
    const [[verb, choice] = ['', {}]] = done;
    expect(args, words).toContain('--tenant');
    expect(args, words).not.toEqual(expect.arrayContaining(['--to']));
    if (verb === 'restoreTenant') expect(choice, words).toMatchObject({ id: '42', toDatabase: null });
    else
      expect([verb, choice], words).toEqual([
        'restore',
        expect.objectContaining({
          target: { kind: 'overwrite' },
          tables: ['tenant_42.notes'],
          ofTenant: expect.objectContaining({ id: '42', schema: 'tenant_42' }) as unknown,
          ...{ createRoles: false, byTenant: null, inPlace: false, unverified: false },
        }),
      ]);
  }
  // The tenant, as another, its tables; each with --dry-run or without.
  expect(reached).toBe(6);
});

test.each([
  [['--tables', 'notes'], 'the role support may not restore more than a tenant'],
  [['--to', 'mine'], 'the role support may not restore more than a tenant'],
  [['--tenant', '42', '--to', 'mine'], 'the role support may not restore into another database'],
  [['--tenant', '42', '--tables', 'notes', '--to', 'mine'], '--tables of a tenant and --to exclude'],
  [['--tenant', '42', '--tables', 'notes', '--unverified'], 'may not replace what was not compared'],
  [['--output', '-'], 'the role support may not read a whole dump'],
  [['--drop-old'], 'the role support may not drop what restores have replaced'],
])('a limited role, %j → refused by what it would be', async (args, says) => {
  expect(await restore(args, SUPPORT)).toMatchObject({
    code: 2,
    done: [],
    said: expect.stringContaining(says) as string,
  });
});

test('no role → the same go through, and roles that are missing are made', async () => {
  expect((await restore(['--tenant', '42', '--to', 'mine'], null)).done).toMatchObject([
    ['restoreTenant', { toDatabase: 'mine' }],
  ]);
  expect((await restore(['--tables', 'notes', '--to', 'mine'], null)).done).toMatchObject([
    ['restore', { target: { kind: 'new-database', name: 'mine' }, createRoles: true, ofTenant: null }],
  ]);
});
