import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../agent/config/load.ts';
import { problemsOf, SHOP } from '../../helpers/configuration.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
  path = join(folder, 'holdfast.yml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the file and returns the environment that names it. */
function file(text: string) {
  writeFileSync(path, text);
  return { HOLDFAST_CONFIG: path };
}

const problemsIn = (text: string) => problemsOf(file(text)).map((line) => line.replace(`${path}:`, ''));

const REPOSITORY = 'repository: {location: /r}\n';
const TWO = `${REPOSITORY}sources:
  - {type: mysql, host: db, database: shop, user: u, password: p}
  - {type: postgres, name: blog, url: "postgresql://u:p@pg/wordpress?sslmode=require", gates: false, allow_incomplete: [views]}
`;

describe('the file form', () => {
  test('several sources → each with its own settings, named after its database unless it says otherwise', () => {
    expect(loadConfig(file(TWO)).sources).toEqual([
      expect.objectContaining({ type: 'mysql', name: 'shop', port: 3306, gates: true, tls: 'preferred' }),
      expect.objectContaining({
        type: 'postgres',
        name: 'blog',
        host: 'pg',
        database: 'wordpress',
        port: 5432,
        gates: false,
        sslMode: 'require',
        allowIncomplete: ['views'],
      }),
    ]);
  });

  test('type mariadb → another word for mysql', () => {
    const one = `${REPOSITORY}sources: [{type: mariadb, host: db, database: shop, user: u, password: p}]`;
    expect(loadConfig(file(one)).sources).toEqual([
      expect.objectContaining({ type: 'mysql', port: 3306, tls: 'preferred', listedIn: path }),
    ]);
  });

  test('no source that gates → a warning that the heartbeat never moves; one is enough to be without it', () => {
    const none = TWO.replace('password: p}', 'password: p, gates: false}');
    expect(loadConfig(file(none)).warnings).toEqual([
      expect.stringMatching(/^no source has gates: true: the heartbeat never moves/),
    ]);
    expect(loadConfig(file(TWO)).warnings).toEqual([]);
  });

  test('secrets as files → read, for sources, repository and its backend', () => {
    const secret = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const config = loadConfig(
      file(`
repository:
  location_file: ${secret('location', 'rest:http://u:p@h/\n')}
  password_file: ${secret('password', 'one\n')}
  environment: {AWS_SECRET_ACCESS_KEY_FILE: ${secret('key', 'two\n')}, AWS_DEFAULT_REGION: eu}
sources:
  - {type: mysql, host: db, database: shop, user: u, password_file: ${secret('mysql', 'three\n')}}
  - {url_file: ${secret('url', 'postgres://u:four@h/d')}}
`),
    );
    expect(config.repository).toMatchObject({
      location: 'rest:http://u:p@h/',
      password: 'one',
      environment: { AWS_SECRET_ACCESS_KEY: 'two', AWS_DEFAULT_REGION: 'eu' },
    });
    expect(config.sources.map((source) => source.password)).toEqual(['three', 'four']);
  });

  test('many mistakes → every one at once, in the order of the file, with line and column, value, and what would be right', () => {
    expect(
      problemsIn(`shedule:
  backup: "0 3 * * *"
keep: {daily: 0, weekly: 0, monthly: 0}
check_interval: six
repository:
  location: /r
  pasword_file: /x
  environment: {RESTIC_PASSWORD: s3cret, RESTIC_PACK_SIZE: 64}
sources:
  - type: mysql
    host: db
    database: shop
    user: 7
    sslmode: prefer
    password: 12345
  - name: shop
    type: postgress
  - url: postgres://a:s3cret@c/other
    port: 1
  - 12
  - database: x
  - type: mysql
    database: y
    password: ""
timezone: Mars/Olympus
spool_bytes: 1
`),
    ).toEqual([
      '1:1: shedule is no setting; did you mean schedule?',
      expect.stringMatching(
        /^3:7: keep keeps nothing; at least one of daily, weekly, monthly and yearly must be/,
      ),
      '4:17: check_interval is "six"; it must be a whole number from 0 to 1000',
      '7:3: repository.pasword_file is no setting; did you mean password_file?',
      expect.stringMatching(
        /^8:\d+: repository\.environment\.RESTIC_PASSWORD is not right; it must be the name of a variable, and not one/,
      ),
      '8:60: repository.environment.RESTIC_PACK_SIZE is not right; it must be text (put quotes around it when it looks like a number)',
      '13:11: sources[0].user is 7; it must be text (put quotes around it when it looks like a number)',
      expect.stringMatching(/^14:5: sources\[0\]\.sslmode is no setting; there are type, name, host/),
      '15:15: sources[0].password is not right; it must be text (put quotes around it when it looks like a number)',
      expect.stringMatching(/^16:11: sources\[1\]\.name is "shop", the name of sources\[0\] too/),
      '17:11: sources[1].type is "postgress"; it must be one of mysql, mariadb, postgres',
      '18:10: sources[2].url is set, and so is sources[2].port: the URL says that already, remove one or the other',
      '20:5: sources[3] is 12; it must be a source: type, host, database, user, password',
      '21:5: sources[4].type is missing; it must be one of mysql, mariadb, postgres',
      '22:5: sources[5].host is missing',
      '22:5: sources[5].user is missing',
      '25:11: timezone is "Mars/Olympus"; it must be the name of a time zone, such as Europe/Rome or UTC',
      '26:14: spool_bytes is 1; it must be a number of bytes, or 512M, 2G; at least 1M',
    ]);
  });

  test('two sources on databases of one name, both unnamed → asked to be given names', () => {
    expect(problemsIn(TWO.replace('name: blog, ', '').replace('wordpress', 'shop'))).toEqual([
      expect.stringMatching(
        /^4:\d+: sources\[1\]\.database is "shop", the name of sources\[0\] too; give each source a name/,
      ),
    ]);
  });

  test.each([
    ['an alias to nowhere', 'repository:\n  password: *s3cret\n', '2:13: a value that starts with'],
    ['a tag', 'repository:\n  password: !s3cret x\n', '2:13: a value that starts with'],
    ['a reserved sign', 'repository:\n  password: @s3cret\n', '2:13: a value that starts with'],
    ['a tab', 'repository:\n\tpassword: s3cret\n', '2:1: a tab; indent with spaces'],
    ['a setting twice', 'host: s3cret\nhost: s3cret\n', '2:1: this setting stands here a second time'],
    ['a quote left open', 'host: "s3cret\n', '2:1: not valid YAML (missing char)'],
    ['a colon inside', 'host: s3cret: b\n', '1:7: not valid YAML (block as implicit key)'],
    ['two documents', 'host: s3cret\n---\nhost: b\n', '2:1: a second document begins here'],
    ['a list', '- s3cret\n', '1:1: the file must hold settings'],
  ])('not YAML: %s → line and column, and never the text itself', (_case, text, message) => {
    const problems = problemsIn(text);
    expect(problems[0]).toContain(message);
    expect(problems.join()).not.toContain('s3cret');
  });

  test.each(['repository', 'schedule', 'keep', 'sources', 'host'])(
    '%s with nothing behind it → told as such',
    (key) => {
      const rest = TWO.split('\n').filter(
        (line) => !line.startsWith(key) && !(key === 'sources' && line.startsWith(' ')),
      );
      expect(problemsIn(`${key}:\n${rest.join('\n')}`)[0]).toMatch(
        new RegExp(`^1:\\d+: ${key} is null; it must be `),
      );
    },
  );

  test('an empty file, or an empty list of sources → the environment may say the rest, else it is asked for', () => {
    expect(loadConfig({ ...file('# nothing yet\n'), ...SHOP }).sources).toHaveLength(1);
    expect(problemsIn(`${REPOSITORY}sources: []\n`)).toEqual([
      expect.stringMatching(/^no database is named/),
    ]);
  });

  test('HOLDFAST_CONFIG names a file that is not there → an error, never the environment alone', () => {
    expect(problemsOf({ ...SHOP, HOLDFAST_CONFIG: '/nowhere.yml' })).toEqual([
      '/nowhere.yml cannot be read (ENOENT)',
    ]);
  });
});

describe('file and environment together', () => {
  test('what the file leaves out → comes from the environment', () => {
    const config = loadConfig({
      ...file(TWO),
      RESTIC_PASSWORD: 'x',
      TZ: 'Europe/Rome',
      BACKUP_KEEP_DAILY: '3',
      AWS_ACCESS_KEY_ID: 'k',
    });
    expect(config).toMatchObject({ timeZone: 'Europe/Rome', keep: { daily: 3, weekly: 4 }, warnings: [] });
    expect(config.repository).toMatchObject({
      location: '/r',
      password: 'x',
      environment: { AWS_ACCESS_KEY_ID: 'k' },
    });
  });

  test('both say something → the file wins, and a warning names the variable but no value', () => {
    const yaml = `${TWO}schedule: {backup: "0 1 * * *"}\nkeep: {daily: 3}\n`.replace(
      '/r}',
      '/r, password: one}',
    );
    const config = loadConfig({
      ...SHOP,
      ...file(yaml),
      RESTIC_PASSWORD: 's3cret',
      BACKUP_CRON: '0 2 * * *',
      BACKUP_KEEP_DAILY: '3',
    });
    expect(config).toMatchObject({
      repository: { location: '/r', password: 'one' },
      schedule: { backup: '0 1 * * *' },
    });
    expect(config.sources).toHaveLength(2);
    expect(config.warnings).toEqual([
      `RESTIC_REPOSITORY is not used: ${path} sets repository.location`,
      `RESTIC_PASSWORD is not used: ${path} sets repository.password`,
      `BACKUP_CRON is not used: ${path} sets schedule.backup`,
      `MYSQL_HOST, MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD are not used: ${path} lists the sources`,
    ]);
  });

  test('a password file in the file, a password in the environment → the file wins, no quarrel about both', () => {
    writeFileSync(join(folder, 'pw'), 'one\n');
    const yaml = TWO.replace('/r}', `/r, password_file: ${join(folder, 'pw')}}`);
    const config = loadConfig({ ...file(yaml), RESTIC_PASSWORD: 'two' });
    expect(config.repository.password).toBe('one');
    expect(config.warnings).toHaveLength(1);
  });

  test('a mistake on each side → the file’s by its line, the environment’s by its variable', () => {
    expect(problemsOf({ ...file(`${TWO}host: 5\n`), TZ: 'x' })).toEqual([
      expect.stringMatching(/:5:7: host is 5; it must be text/),
      expect.stringMatching(/^TZ is "x"; it must be/),
    ]);
  });
});
