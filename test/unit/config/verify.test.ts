import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configText, secretsOf } from '../../../agent/config/describe.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** A shop on PostgreSQL, with these lines under it. */
function load(more: string) {
  const file = join(temporaryFolder(), 'holdfast.yml');
  const source = 'sources:\n  - url: postgresql://keeper:first@db:5432/shop\n';
  writeFileSync(file, `repository: {location: /repository, password: p}\n${source}${more}`);
  return loadConfig({ HOLDFAST_CONFIG: file });
}

describe('the verification of a source', () => {
  test('a server for scratch databases → the source as it would be there, its password masked and known as a secret', () => {
    const config = load(
      '    verify: {server: "postgresql://tester:s%40cret@scratch/postgres?sslmode=disable"}\n',
    );
    expect(config.sources[0]?.verify.server).toMatchObject({
      ...{ type: 'postgres', name: 'shop', host: 'scratch', port: 5432, database: 'postgres' },
      ...{ user: 'tester', password: 's@cret', sslMode: 'disable' },
    });
    expect(configText(config)).toContain('server: postgresql://tester:***@scratch:5432/postgres');
    expect(configText(config)).not.toMatch(/s(@|%40)cret/);
    expect(secretsOf(config)).toContain('s@cret');
  });

  test('the same from a file → the same', () => {
    const file = join(temporaryFolder(), 'url');
    writeFileSync(file, 'postgresql://tester:secret@scratch/postgres\n');
    const config = load(`    verify: {server_file: ${file}}\n`);
    expect(config.sources[0]?.verify.server).toMatchObject({ host: 'scratch', password: 'secret' });
  });

  test('the word throw-away, in the file or in the environment → a server that is started for it', () => {
    const config = load('    verify: {server: throw-away}\nverify: {folder: /scratch}\n');
    expect(config.sources[0]?.verify.server).toBe('throw-away');
    expect(config.throwawayDir).toBe('/scratch');
    expect(configText(config)).toContain('server: throw-away');
    expect(configText(config)).toContain('folder: /scratch');
    expect(secretsOf(config)).toEqual(['p', 'first']);

    const given = {
      RESTIC_REPOSITORY: '/repository',
      DATABASE_URL: 'postgresql://keeper:first@db/shop',
      VERIFY_SERVER: 'throw-away',
      VERIFY_FOLDER: '/scratch',
    };
    const other = loadConfig(given);
    expect(other.sources[0]?.verify.server).toBe('throw-away');
    expect(other.throwawayDir).toBe('/scratch');
    const url = loadConfig({ ...given, VERIFY_SERVER: 'postgresql://tester:secret@scratch/postgres' });
    expect(url.sources[0]?.verify.server).toMatchObject({ host: 'scratch', password: 'secret' });
  });

  test('a word that is none, in the environment → refused by the name of the variable', () => {
    const given = { RESTIC_REPOSITORY: '/repository', DATABASE_URL: 'postgresql://keeper:first@db/shop' };
    expect(() => loadConfig({ ...given, VERIFY_SERVER: 'throwaway' })).toThrow(
      /VERIFY_SERVER has no scheme; .*, or be throw-away/,
    );
  });

  test('queries and objectives → values as text, times in seconds', () => {
    const config = load(
      '    verify:\n      queries:\n        - {sql: SELECT 1, value: 1}\n        - {sql: SELECT 2, value: null}\n        - {sql: SELECT 3, rows: {min: 2}}\n    objectives: {rpo: 26h, rto: 15m}\n',
    );
    expect(config.sources[0]?.verify.queries).toEqual([
      { sql: 'SELECT 1', value: '1' },
      { sql: 'SELECT 2', value: null },
      { sql: 'SELECT 3', rows: { min: 2, max: null } },
    ]);
    expect(config.sources[0]?.objectives).toEqual({ rpoSeconds: 93_600, rtoSeconds: 900 });
  });

  test.each([
    [
      'a server of another kind',
      'server: "mysql://tester:secret@scratch/mysql"',
      /verify\.server is a server of MySQL or MariaDB; it must be of PostgreSQL/,
    ],
    [
      'the database of a source',
      'server: "postgresql://tester:secret@db/shop"',
      /verify\.server names the database of source shop/,
    ],
    ['no URL', 'server: scratch', /verify\.server has no scheme/],
    ['something else', 'server: {host: scratch}', /verify\.server must be text like postgresql/],
    ['both forms of it', 'server: "postgresql://t:s@a/b", server_file: /x', /is set, and so is/],
    ['a query that expects nothing', 'queries: [{sql: SELECT 1}]', /a query with what is expected/],
    ['an unknown key', 'budget: 3', /verify\.budget is no setting/],
  ])('%s → refused, and no password told', (_, more, message) => {
    const refused = () => load(`    verify: {${more}}\n`);
    expect(refused).toThrow(message);
    expect(refused).not.toThrow(/secret/);
  });
});
