import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../agent/config/load.ts';
import { baseEnvironment, type Environment } from '../../../agent/config/environment.ts';
import { BACKEND_SECRETS } from '../../../agent/config/secrets.ts';
import { SETTINGS } from '../../../agent/config/settings.ts';
import { problemsOf, SHOP } from '../../helpers/configuration.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function secretFile(content: string): string {
  const path = join(folder, 'secret');
  writeFileSync(path, content);
  return path;
}

const WITHOUT_PASSWORD = { ...SHOP, MYSQL_PASSWORD: '' };
const REPOSITORY = { RESTIC_REPOSITORY: '/repository' };

describe('the environment form', () => {
  test('only what is needed → every default in place, the source named after its database', () => {
    expect(loadConfig(SHOP)).toEqual({
      host: 'holdfast',
      timeZone: 'UTC',
      statusDir: '/status',
      stateDir: '/var/lib/holdfast',
      repository: {
        location: '/repository',
        password: null,
        cacheDir: null,
        environment: {},
        answerTimeoutSeconds: 45,
        lockWaitSeconds: 300,
        restic: 'restic',
      },
      sources: [
        {
          type: 'mysql',
          name: 'shop',
          listedIn: null,
          host: 'db',
          port: 3306,
          database: 'shop',
          user: 'backup',
          password: 'correct horse',
          compression: 'gzip',
          guard: 'tables',
          proof: 'checksums',
          proofLimitBytes: null,
          keep: null,
          gates: true,
          allowIncomplete: [],
          verify: { server: null, queries: [] },
          objectives: { rpoSeconds: null, rtoSeconds: null },
          tls: 'preferred',
          caFile: null,
        },
      ],
      schedule: { backup: '0 3,15 * * *', verify: '0 5 * * 0' },
      verifyBudgetSeconds: 21_600,
      throwawayDir: null,
      checkInterval: 6,
      checkCycleSeconds: 30 * 86_400,
      checkBytes: 10 * 2 ** 30,
      retention: true,
      storeLedger: true,
      access: [],
      role: null,
      keep: { daily: 7, weekly: 4, monthly: 6, yearly: 0, within: '2d' },
      freeSpaceBytes: 2 ** 30,
      spoolBytes: 2 ** 30,
      backupTimeoutSeconds: 21_600,
      staleAfterSeconds: 26 * 3600,
      log: { level: 'info' },
      warnings: [],
    });
  });

  test('every variable set → every setting follows', () => {
    const config = loadConfig({
      ...SHOP,
      RESTIC_PASSWORD: 'p w',
      RESTIC_CACHE_DIR: '/cache',
      MYSQL_PORT: '3307',
      MYSQL_TLS: 'verify',
      BACKUP_CRON: '*/30 * * * *',
      VERIFY_CRON: '@weekly',
      BACKUP_CHECK_INTERVAL: '0',
      BACKUP_KEEP_DAILY: '1',
      BACKUP_KEEP_WEEKLY: '2',
      BACKUP_KEEP_MONTHLY: '3',
      BACKUP_KEEP_YEARLY: '4',
      BACKUP_KEEP_WITHIN: '1m15d',
      BACKUP_RETENTION: 'off',
      BACKUP_COMPRESSION: 'zstd',
      BACKUP_ALLOW_INCOMPLETE: 'events, views,',
      TZ: 'Australia/Lord_Howe',
      HOLDFAST_STATUS_DIR: '/s',
      HOLDFAST_STATE_DIR: '/t',
      HOLDFAST_HOST: 'box',
      HOLDFAST_RESTIC: '/opt/restic',
      HOLDFAST_SPOOL_BYTES: '512M',
      HOLDFAST_LOG_LEVEL: 'debug',
      HOLDFAST_ANSWER_TIMEOUT: '2m',
      HOLDFAST_LOCK_WAIT: '10',
      HOLDFAST_BACKUP_TIMEOUT: '6h',
    });
    expect(config).toMatchObject({
      host: 'box',
      timeZone: 'Australia/Lord_Howe',
      statusDir: '/s',
      stateDir: '/t',
      repository: {
        password: 'p w',
        cacheDir: '/cache',
        restic: '/opt/restic',
        answerTimeoutSeconds: 120,
        lockWaitSeconds: 10,
      },
      sources: [{ port: 3307, tls: 'verify', compression: 'zstd', allowIncomplete: ['events', 'views'] }],
      schedule: { backup: '*/30 * * * *', verify: '@weekly' },
      checkInterval: 0,
      retention: false,
      keep: { daily: 1, weekly: 2, monthly: 3, yearly: 4, within: '1m15d' },
      spoolBytes: 512 * 2 ** 20,
      backupTimeoutSeconds: 21_600,
      log: { level: 'debug' },
    });
  });

  test('a variable that is empty → counts as not set, as `NAME: ${NAME:-}` leaves it', () => {
    const config = loadConfig({
      ...SHOP,
      RESTIC_PASSWORD: '',
      RESTIC_PASSWORD_FILE: '',
      TZ: '',
      DATABASE_URL: '',
      MYSQL_PORT: '',
    });
    expect(config).toMatchObject({
      timeZone: 'UTC',
      repository: { password: null },
      sources: [{ port: 3306 }],
    });
  });

  test.each(["o'clock", '--result-file=x', 'a b  c', 'ü%20=ß', 'dbname=x host=y', '"`$(id)'])(
    'a database called %s → is taken as it is',
    (MYSQL_DATABASE) => {
      expect(loadConfig({ ...SHOP, MYSQL_DATABASE }).sources[0]).toMatchObject({
        database: MYSQL_DATABASE,
        name: MYSQL_DATABASE,
      });
    },
  );

  test('several mistakes → all of them told at once, each by its variable, with what was given and what would be right', () => {
    const problems = problemsOf({
      MYSQL_HOST: 'db',
      MYSQL_PASSWORD: 'x',
      MYSQL_PORT: 'abc',
      BACKUP_CRON: '61 * * * *',
      VERIFY_CRON: '0 0 31 * 1#1',
      TZ: 'Europe/Rom',
      BACKUP_COMPRESSION: 'gizp',
      BACKUP_ALLOW_INCOMPLETE: 'views,tabels',
      HOLDFAST_SPOOL_BYTES: '12Q',
      HOLDFAST_BACKUP_TIMEOUT: '0',
      BACKUP_KEEP_DAILY: '-1',
      BACKUP_KEEP_WEEKYL: '3',
    });
    expect(problems.sort()).toEqual([
      'BACKUP_ALLOW_INCOMPLETE[1] is "tabels"; it must be one of empty, events, large_objects, role_passwords, routines, row_security, subscriptions, tables, triggers, user_mappings, views',
      'BACKUP_COMPRESSION is "gizp"; it must be one of gzip, zstd, none',
      'BACKUP_CRON is "61 * * * *"; it must be a cron expression like "0 3,15 * * *", but "61" is no minute (0-59)',
      'BACKUP_KEEP_DAILY is -1; it must be a whole number from 0 to 10000',
      'BACKUP_KEEP_WEEKYL is no setting; did you mean BACKUP_KEEP_WEEKLY?',
      'HOLDFAST_BACKUP_TIMEOUT is "0"; it must be a number of seconds, or 90s, 45m, 6h; from 1s to 168h',
      'HOLDFAST_SPOOL_BYTES is "12Q"; it must be a number of bytes, or 512M, 2G; at least 1M',
      'MYSQL_DATABASE is missing',
      'MYSQL_PORT is "abc"; it must be a whole number from 1 to 65535',
      'MYSQL_USER is missing',
      'RESTIC_REPOSITORY is missing',
      'TZ is "Europe/Rom"; it must be the name of a time zone, such as Europe/Rome or UTC',
      'VERIFY_CRON is "0 0 31 * 1#1"; it must be a cron expression like "0 3,15 * * *", but it would never fire: no day fits it',
    ]);
  });

  test('nothing kept → refused', () => {
    const none = { BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0' };
    expect(problemsOf({ ...SHOP, ...none })).toEqual([expect.stringMatching(/^keep keeps nothing/)]);
    const neither = { ...none, BACKUP_KEEP_WITHIN: '0' };
    expect(problemsOf({ ...SHOP, ...neither })).toEqual([expect.stringMatching(/^keep keeps nothing/)]);
  });

  test('nothing kept but the last days, or everything → taken, where it is said so', () => {
    const none = { BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0' };
    expect(loadConfig({ ...SHOP, ...none, BACKUP_KEEP_WITHIN: '30d' }).keep.within).toBe('30d');
    expect(loadConfig({ ...SHOP, ...none, BACKUP_RETENTION: 'off' }).retention).toBe(false);
  });

  test.each([
    ['0', null],
    ['0d', null],
    ['48h', '48h'],
    ['1y2m3d4h', '1y2m3d4h'],
  ])('BACKUP_KEEP_WITHIN=%s → %s', (given, kept) => {
    expect(loadConfig({ ...SHOP, BACKUP_KEEP_WITHIN: given }).keep.within).toBe(kept);
  });

  test.each(['48', '2 days', '-1d', '1w', '2d --prune'])('BACKUP_KEEP_WITHIN=%s → refused', (given) => {
    expect(problemsOf({ ...SHOP, BACKUP_KEEP_WITHIN: given })).toEqual([
      `BACKUP_KEEP_WITHIN is "${given}"; it must be a time such as 48h, 2d or 1m15d (hours, days, months, years), or 0 for none`,
    ]);
  });

  test('no database named → says what to set; unless the command needs none', () => {
    expect(problemsOf(REPOSITORY)).toEqual([expect.stringMatching(/^no database is named: set MYSQL_HOST/)]);
    expect(loadConfig(REPOSITORY, { withoutSources: true }).sources).toEqual([]);
  });

  test('no repository, for what needs none → no problem, and no place is made up', () => {
    const shop = { ...SHOP, RESTIC_REPOSITORY: '' };
    expect(loadConfig(shop, { withoutRepository: true }).repository.location).toBeNull();
    expect(problemsOf(shop)).toEqual(['RESTIC_REPOSITORY is missing']);
  });

  test('variables of others → are left alone, also when they begin like ours', () => {
    expect(
      loadConfig({
        ...SHOP,
        HOLDFAST_ROOT: '/x',
        MYSQL_ROOT_PASSWORD: 'x',
        MYSQL_PWD: 'y',
        BACKUP_SERVICE_HOST: 'z',
      }).warnings,
    ).toEqual([]);
  });

  test.each([
    ['SENTINEL_TRESHOLD_SECONDS', 'is no setting; did you mean SENTINEL_THRESHOLD_SECONDS?'],
    ['SENTINEL_COLOUR', 'is no setting of the sentinel; there are SENTINEL_HEARTBEAT_PATH, '],
    ['RESTIC_PASWORD', 'is no setting; did you mean RESTIC_PASSWORD?'],
    ['RESTIC_PACKSIZE', 'is no setting; did you mean RESTIC_PACK_SIZE?'],
    ['AWS_ACESS_KEY_ID', 'is no setting; did you mean AWS_ACCESS_KEY_ID?'],
    ['PGSSLMOD', 'is no setting; did you mean PGSSLMODE?'],
    ['POSTGRES_CLIENT', 'is no setting; did you mean POSTGRES_CLIENTS?'],
    ['HOLDFAST_NGNIX', 'is no setting; did you mean HOLDFAST_NGINX?'],
    ['BACKUP_RETENTION_DAYS', 'is no setting, and nothing obeys it'],
    ['TENANT_SCHEMA', 'is no setting; did you mean TENANT_SCHEMAS?'],
    ['TENANT_JOBS', 'is no setting, and nothing obeys it'],
    ['PGHOST', 'is not read; a PostgreSQL database is named by DATABASE_URL='],
  ])('%s, which the agent itself does not read → a warning that names what was meant', (name, told) => {
    expect(loadConfig({ ...SHOP, [name]: 'x' }).warnings).toEqual([
      expect.stringContaining(`${name} ${told}`),
    ]);
  });

  test('what the sentinel, the compose files, restic and libpq know → no warning', () => {
    const known = {
      SENTINEL_MODE: 'observe',
      HOLDFAST_NGINX: '0',
      GATE_UPSTREAM: 'app:1',
      RESTIC_PROGRESS_FPS: '1',
      RESTIC_HOST: 'x',
      AWS_ENDPOINT_URL: 'x',
      PGSSLCERT: '/x',
      POSTGRES_PASSWORD: 'x',
    };
    expect(loadConfig({ ...SHOP, ...known }).warnings).toEqual([]);
  });

  test('a slip beside what is missing for it → both are told', () => {
    expect(problemsOf({ ...SHOP, RESTIC_REPOSITORY: '', RESTIC_REPOSITRY: '/r' })).toEqual([
      'RESTIC_REPOSITORY is missing',
      'RESTIC_REPOSITRY is no setting; did you mean RESTIC_REPOSITORY?',
    ]);
  });

  test('RESTIC_PASSWORD_COMMAND → refused rather than passed over', () => {
    expect(problemsOf({ ...SHOP, RESTIC_PASSWORD_COMMAND: 'cat /x' })).toEqual([
      expect.stringMatching(/^RESTIC_PASSWORD_COMMAND is not obeyed/),
    ]);
  });
});

describe('what goes to restic', () => {
  test("its backends' variables and proxies → restic's environment; ours and everybody else's → not", () => {
    const mine = {
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SHARED_CREDENTIALS_FILE: '/creds',
      B2_ACCOUNT_ID: 'b',
      AZURE_ACCOUNT_NAME: 'c',
      GOOGLE_APPLICATION_CREDENTIALS: '/g',
      OS_AUTH_URL: 'o',
      ST_AUTH: 's',
      RCLONE_BWLIMIT: '1M',
      RESTIC_REST_USERNAME: 'r',
      RESTIC_PACK_SIZE: '64',
      https_proxy: 'http://proxy',
    };
    const config = loadConfig({
      ...SHOP,
      ...mine,
      RESTIC_PASSWORD: 'x',
      RESTIC_HOST: 'y',
      HOME: '/root',
      SECRET: 'z',
    });
    expect(config.repository.environment).toEqual(mine);
  });

  test('a secret of a backend as a file → its content under its own name', () => {
    const file = secretFile('s3cret\n');
    const config = loadConfig({ ...SHOP, AWS_SECRET_ACCESS_KEY_FILE: file, AWS_ACCESS_KEY_ID: 'a' });
    expect(config.repository.environment).toEqual({
      AWS_SECRET_ACCESS_KEY: 's3cret',
      AWS_ACCESS_KEY_ID: 'a',
    });
  });

  test('the base of every child → what programs need, no setting and no secret', () => {
    expect(
      baseEnvironment({
        ...SHOP,
        PATH: '/bin',
        HOME: '/root',
        TZ: 'UTC',
        LC_ALL: 'C.UTF-8',
        AWS_ACCESS_KEY_ID: 'x',
      }),
    ).toEqual({
      PATH: '/bin',
      HOME: '/root',
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
    });
  });
});

describe('secrets as files', () => {
  test.each([
    ['without a line end', 'pass word ', 'pass word '],
    ['with the line end of an editor', 'pass\n', 'pass'],
    ['with the line end of Windows', 'pass\r\n', 'pass'],
  ])('%s → the secret itself', (_case, content, password) => {
    const config = loadConfig({ ...WITHOUT_PASSWORD, MYSQL_PASSWORD_FILE: secretFile(content) });
    expect(config.sources[0]?.password).toBe(password);
  });

  test('repository and its password as files → read as restic reads them', () => {
    const config = loadConfig({
      ...SHOP,
      RESTIC_REPOSITORY: '',
      RESTIC_REPOSITORY_FILE: secretFile(' /r \n'),
    });
    expect(config.repository.location).toBe('/r');
    expect(loadConfig({ ...SHOP, RESTIC_PASSWORD_FILE: secretFile('p w \n') }).repository.password).toBe(
      'p w',
    );
  });

  const names = [
    ...SETTINGS.flatMap(({ variable, secret }) => (secret && variable) || []),
    ...BACKEND_SECRETS,
  ];

  test.each(names)('%s_FILE → its content counts; beside %s, unreadable or empty → an error', (name) => {
    // The variables of one database exclude its URL.
    const rest: Environment = name === 'DATABASE_URL' ? REPOSITORY : SHOP;
    const isUrl = name === 'DATABASE_URL' || name === 'VERIFY_SERVER';
    const secret = isUrl ? 'mysql://u:s3cret@h/d' : 's3cret';
    const withFile = (path: string) => ({ ...rest, [name]: '', [`${name}_FILE`]: path });

    expect(JSON.stringify(loadConfig(withFile(secretFile(`${secret}\n`))))).toContain('s3cret');
    expect(problemsOf({ ...withFile('/nowhere'), [name]: secret })).toEqual([
      `${name}_FILE is set, and so is ${name}: remove one of the two`,
    ]);
    expect(problemsOf(withFile('/nowhere'))).toEqual([
      `${name}_FILE names /nowhere, which cannot be read (ENOENT)`,
    ]);
    expect(problemsOf(withFile(secretFile('\n')))).toEqual([
      expect.stringMatching(new RegExp(`^${name}_FILE names .*, which is empty$`)),
    ]);
  });

  test('NAME and NAME_FILE both set → an error that names both', () => {
    const both = {
      ...SHOP,
      MYSQL_PASSWORD_FILE: secretFile('x'),
      RESTIC_PASSWORD: 'y',
      RESTIC_PASSWORD_FILE: '/z',
    };
    expect(problemsOf(both).sort()).toEqual([
      'MYSQL_PASSWORD_FILE is set, and so is MYSQL_PASSWORD: remove one of the two',
      'RESTIC_PASSWORD_FILE is set, and so is RESTIC_PASSWORD: remove one of the two',
    ]);
  });

  test.each([
    [
      'absent',
      () => '/nowhere/secret',
      /^MYSQL_PASSWORD_FILE names \/nowhere\/secret, which cannot be read \(ENOENT\)$/,
    ],
    ['a folder', () => folder, /^MYSQL_PASSWORD_FILE names .*, which is not a file$/],
    ['empty but for a line end', () => secretFile('\n'), /^MYSQL_PASSWORD_FILE names .*, which is empty$/],
    [
      'of two lines',
      () => secretFile('s3cret\nmore\n'),
      /^MYSQL_PASSWORD_FILE names (?!.*s3cret).*, which holds more than one line$/,
    ],
  ])('a file that is %s → an error that names the variable, and nothing else', (_case, file, message) => {
    expect(problemsOf({ ...WITHOUT_PASSWORD, MYSQL_PASSWORD_FILE: file() })).toEqual([
      expect.stringMatching(message),
    ]);
  });
});

describe('DATABASE_URL', () => {
  test.each([
    [
      'postgresql://u:p@h/d',
      { type: 'postgres', host: 'h', port: 5432, database: 'd', user: 'u', password: 'p', sslMode: 'prefer' },
    ],
    [
      'postgres://u@h:1/d?sslmode=require&schema=public',
      { type: 'postgres', port: 1, password: '', sslMode: 'require' },
    ],
    [
      'postgres://u@h/d?sslmode=verify-full&sslrootcert=/ca.pem',
      { type: 'postgres', sslMode: 'verify-full', caFile: '/ca.pem' },
    ],
    ['mysql://u:p@h/d?tls=verify&tls_ca=/ca.pem', { type: 'mysql', tls: 'verify', caFile: '/ca.pem' }],
    ['mysql://u:p@h/d', { type: 'mysql', port: 3306, tls: 'preferred' }],
    ['mariadb://u:p@h/d?tls=off', { type: 'mysql', tls: 'off' }],
    [
      'postgres://u%40x:p%40s%2Fs%25%3A@[::1]/a%20b%3Dc',
      { host: '::1', user: 'u@x', password: 'p@s/s%:', database: 'a b=c', name: 'a b=c' },
    ],
    ['postgres://u:p%25zz@h/%C3%BC', { password: 'p%zz', database: 'ü' }],
  ])('%s → a source', (DATABASE_URL, source) => {
    expect(loadConfig({ ...REPOSITORY, DATABASE_URL }).sources).toEqual([expect.objectContaining(source)]);
  });

  test.each([
    ['sqlite:///data/app.db', 'names an SQLite file; SQLite is not supported yet'],
    [
      'mongodb://u:s3cret@h/d',
      'starts with mongodb:; it must start with postgresql://, postgres://, mysql:// or mariadb://',
    ],
    ['s3cret', 'has no scheme; it must start with'],
    ['postgres://u:s3cret@h', 'names no database'],
    ['postgres:///d', 'names no host, no user'],
    ['postgres://u:s3cret#x@h/d', 'cannot be taken apart'],
    ['postgres://u:s3cret%zz@h/d', 'cannot be taken apart'],
    ['postgres:u:s3cret@h/d', 'cannot be taken apart'],
    ['postgres://u:s3cret@h/d?host=/run', 'has the parameter host, which is not understood here'],
    [
      'mysql://u:s3cret@h/d?ssl-mode=REQUIRED',
      'has the parameter ssl-mode, which is not understood here; tls=… and tls_ca=… are',
    ],
  ])('%s → says what is wrong, and not the password', (DATABASE_URL, message) => {
    const problems = problemsOf({ ...REPOSITORY, DATABASE_URL });
    expect(problems).toEqual([expect.stringContaining(`DATABASE_URL ${message}`)]);
    expect(problems.join()).not.toContain('s3cret');
  });

  test('the format of dumps: the default written out beside a MySQL database → nothing; a folder → refused by name', () => {
    const given = { ...SHOP, BACKUP_JOBS: '4' };
    expect(loadConfig({ ...given, BACKUP_FORMAT: 'custom' }).sources).toEqual(loadConfig(SHOP).sources);
    expect(problemsOf({ ...given, BACKUP_FORMAT: 'directory' })).toEqual([
      expect.stringMatching(
        /^BACKUP_FORMAT is "directory", and a MySQL or MariaDB database is dumped as one stream/,
      ),
    ]);
  });

  test('an sslmode that there is not → told by what was given', () => {
    const problems = problemsOf({ ...REPOSITORY, DATABASE_URL: 'postgres://u:p@h/d?sslmode=maybe' });
    expect(problems).toEqual([expect.stringMatching(/^PGSSLMODE is "maybe"; it must be one of disable/)]);
  });

  test('beside MYSQL_… variables → names the ones that are too many', () => {
    expect(problemsOf({ ...SHOP, DATABASE_URL: 'mysql://u:p@h/d' })).toEqual([
      'DATABASE_URL is set, and so is MYSQL_HOST, MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD: the URL says that already, remove one or the other',
    ]);
  });

  test('as a file, beside PostgreSQL’s TLS variables and somebody else’s of MySQL → PostgreSQL’s count', () => {
    const environment = {
      ...REPOSITORY,
      DATABASE_URL_FILE: secretFile('postgres://u:p@h/d\n'),
      PGSSLMODE: 'verify-ca',
      PGSSLROOTCERT: '/pg.pem',
      MYSQL_TLS: 'off',
      MYSQL_TLS_CA: '/mysql.pem',
    };
    expect(loadConfig(environment).sources).toEqual([
      expect.objectContaining({ type: 'postgres', sslMode: 'verify-ca', caFile: '/pg.pem' }),
    ]);
  });
});
